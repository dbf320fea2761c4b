package textroom

import (
	"fmt"
	"slices"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/request"
)

var messageTable = []request.Field{
	request.Must("text", request.Text), request.May("to", request.Text), request.May("tos", request.Array),
	request.May("ack", request.Boolean),
}

// say sends a message to all members, the sender too, or whispers it to those that are named.
func (d *draft) say() (members, *failure) {
	if f := check(d.body, messageTable...); f != nil {
		return nil, f
	}
	if f := d.inRoom(); f != nil {
		return nil, f
	}
	if d.body.Has("to") && d.body.Has("tos") {
		return nil, fail(errInvalid, "Both to and tos array provided")
	}
	names, ok := d.body.Strings("tos")
	if !ok {
		return nil, fail(errInvalid, "Invalid element in the tos array (not a string)")
	}
	if to, ok := d.body.Text("to"); ok {
		names = []string{to}
	}
	from := d.members[d.me()]
	text, _ := d.body.Text("text")
	m := members{"textroom": "message", "room": d.id, "from": from.Username, "date": d.date(), "text": text}
	answer := members{}
	if d.body.Has("to") || d.body.Has("tos") {
		m["whisper"] = true
		answer["sent"] = d.whisper(names, m)
	} else {
		d.tellAll(m)
		d.post(m)
		d.keep(m, from.Display)
	}
	if !d.body.BoolOr("ack", true) {
		return nil, nil
	}
	return answer, nil
}

// whisper sends m to those of the names that are here, once each, and says to which.
func (d *draft) whisper(names []string, m members) map[string]bool {
	sent := map[string]bool{}
	var to []plugin.PeerKey
	for _, name := range names {
		if _, done := sent[name]; done {
			continue
		}
		id, here := d.named(name)
		if sent[name] = here; here {
			to = append(to, d.peer(id))
		}
	}
	if len(to) > 0 {
		d.Texts = append(d.Texts, plugin.Text{To: to, Text: render(m)})
	}
	return sent
}

// post has a public message posted, if the room wants that and it is still allowed.
func (d *draft) post(m members) {
	if url := d.attributes.Post; url != "" && d.cfg.PostAllow.Check(url) == nil {
		d.Posts = append(d.Posts, plugin.Post{URL: url, Body: render(m)})
	}
}

// maxHistoryBytes is what a history may have. All of it goes to who joins at once, and a node ends channels for which much
// more than that waits.
const maxHistoryBytes = 1 << 20

// keep adds a message to the history, with its sender's display name, and drops the oldest.
func (d *draft) keep(m members, display string) {
	most := min(d.attributes.History, d.cfg.MaxHistory)
	if most == 0 {
		return
	}
	if display != "" {
		m["display"] = display
	}
	next := line{text: render(m)}
	if n := len(d.lines); n > 0 {
		next.number = d.lines[n-1].number + 1
	}
	d.lines = append(slices.Clip(d.lines), next)
	d.set[lineField(next)] = next.text
	size := 0
	for _, l := range d.lines {
		size += len(l.text)
	}
	for len(d.lines) > most || size > maxHistoryBytes {
		size -= len(d.lines[0].text)
		d.deleted = append(d.deleted, lineField(d.lines[0]))
		d.lines = d.lines[1:]
	}
}

func lineField(l line) string { return fmt.Sprint(fieldLine, l.number) }
