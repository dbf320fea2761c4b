package videoroom

import "encoding/json"

type participantsView struct {
	VideoRoom    string            `json:"videoroom"`
	Room         ID                `json:"room"`
	Participants []participantView `json:"participants"`
}

type participantView struct {
	ID        ID              `json:"id"`
	Display   *string         `json:"display,omitempty"`
	Metadata  json.RawMessage `json:"metadata,omitempty"`
	Dummy     bool            `json:"dummy,omitempty"`
	Remote    bool            `json:"remote,omitempty"`
	Publisher bool            `json:"publisher"`
	Talking   *bool           `json:"talking,omitempty"`
}

func (d *draft) listParticipants() (any, *failure) {
	if f := d.thisRoom(); f != nil {
		return nil, f
	}
	view := participantsView{VideoRoom: "participants", Room: d.id, Participants: []participantView{}}
	for _, p := range d.byAge() {
		v := participantView{ID: p.ID, Display: p.Display, Metadata: p.Metadata, Dummy: p.Dummy, Remote: p.Remote, Publisher: p.Dummy || p.live()}
		if p.live() {
			v.Talking = p.feedFor().Talking
		}
		view.Participants = append(view.Participants, v)
	}
	return view, nil
}
