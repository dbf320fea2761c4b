package talk

import "fmt"

// MarkGaps marks the "media" events of one conversation that only one server has told in a step, if that is a matter of timing: the
// end or the beginning of a gap in what a busy machine sends, or an event that the other server has told in another step. They get
// a member "timing". What only one server tells of at all, and media that begins or ends for one of them alone, are not marked.
func MarkGaps(a, b []Step) {
	ofA, ofB := mediaEvents(a), mediaEvents(b)
	pairUp(ofA, ofB)
	marked := append(timed(ofA, ofB), timed(ofB, ofA)...)
	for _, e := range marked {
		e.message["timing"] = "chance"
	}
}

// mediaEvent is one that was heard.
type mediaEvent struct {
	message   map[string]any
	step      int
	of        string // whose media: socket, handle, mid, kind, layer
	text      string
	receiving bool
	paired    bool // the other server told the same in the same step
}

func mediaEvents(steps []Step) []*mediaEvent {
	var all []*mediaEvent
	for i, s := range steps {
		for socket, messages := range s.Heard {
			for _, m := range messages {
				message, ok := m.(map[string]any)
				if !ok || message["janus"] != "media" {
					continue
				}
				receiving, _ := message["receiving"].(bool)
				all = append(all, &mediaEvent{
					message: message, step: i, receiving: receiving, text: text(message),
					of: fmt.Sprint(socket, message["sender"], message["mid"], message["type"], message["substream"]),
				})
			}
		}
	}
	return all
}

func pairUp(a, b []*mediaEvent) {
	for _, x := range a {
		for _, y := range b {
			if !y.paired && y.step == x.step && y.of == x.of && y.text == x.text {
				x.paired, y.paired = true, true
				break
			}
		}
	}
}

// timed are those of ours that are a matter of timing.
func timed(ours, theirs []*mediaEvent) []*mediaEvent {
	var all []*mediaEvent
	for _, e := range ours {
		if e.paired {
			continue
		}
		moved := has(theirs, func(x *mediaEvent) bool { return !x.paired && x.of == e.of && x.receiving == e.receiving })
		gap := has(ours, func(x *mediaEvent) bool {
			return !x.paired && x.of == e.of && x.receiving != e.receiving && (x.step == e.step || x.step > e.step == x.receiving)
		})
		if moved || gap {
			all = append(all, e)
		}
	}
	return all
}

func has(events []*mediaEvent, want func(*mediaEvent) bool) bool {
	for _, e := range events {
		if want(e) {
			return true
		}
	}
	return false
}
