package videoroom

// What participants say of themselves, in bytes: display name, metadata, the name of a file, and descriptions of streams. All
// of a room's is read at once when another replica takes it over, and most of it goes to who joins in one message.
const (
	maxPersonal    = 16384  // of one
	maxPersonalAll = 400000 // of a room's
)

// personal is how much is kept of that.
func (p *publisher) personal() int {
	n := len(p.Metadata) + len(p.Filename)
	if p.Display != nil {
		n += len(*p.Display)
	}
	for i := range p.Streams {
		n += len(p.Streams[i].Description)
	}
	return n
}

// personalFits fails if p, nil for one who comes, would have too much of it by the request, or the room.
func (d *draft) personalFits(p *publisher) *failure {
	next := &publisher{}
	if p != nil {
		next = p.clone()
	}
	had := next.personal()
	if display, ok := d.body.Text("display"); ok {
		next.Display = &display
	}
	if metadata, ok := d.body.Raw("metadata"); ok {
		next.Metadata = metadata
	}
	if name, ok := d.body.Text("filename"); ok {
		next.Filename = name
	}
	coming := 0 // of streams that are not there yet
	for _, list := range []string{"descriptions", "streams"} {
		for _, item := range d.body.Objects(list) {
			mid, _ := item.Text("mid")
			description, ok := item.Text("description")
			switch s := next.stream(mid); {
			case !ok:
			case s == nil:
				coming += len(description)
			default:
				s.Description = description
			}
		}
	}
	n := next.personal() + coming
	if n > maxPersonal && n > had {
		return fail(errInvalid, "Invalid value (display, metadata, filename and descriptions should have at most %d bytes together)", maxPersonal)
	}
	if n <= had {
		return nil
	}
	for _, other := range d.publishers {
		if p == nil || other.handle != p.handle {
			n += other.personal()
		}
	}
	if n > maxPersonalAll {
		return fail(errUnknown, "Too much metadata in this room already")
	}
	return nil
}
