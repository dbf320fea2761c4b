package textroom

// listParticipants tells who is in a room.
func (d *draft) listParticipants() (members, *failure) {
	if f := d.thisRoom(); f != nil {
		return nil, f
	}
	return members{"textroom": "success", "room": d.id, "participants": d.memberViews()}, nil
}
