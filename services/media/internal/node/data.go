package node

import (
	"slices"
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/sdp"
	"github.com/cardea-rtc/cardea/services/media/internal/transport"
)

// data relays a message that the publisher sent on any of its channels. m is only lent.
func (pub *publisher) data(m transport.Message) {
	if pub.echo != nil {
		pub.echoData(m)
	}
	if pub.muted {
		return
	}
	if pub.recorded.messages != nil {
		pub.recorded.messages.Message(m.Data)
	}
	pub.forwardMessage(m.Data)
	pub.sendRemotely(m)
	if len(pub.listeners)+len(pub.taps.mirrors)+len(pub.taps.relays) == 0 {
		return
	}
	m.Data = slices.Clone(m.Data) // one copy for all
	pub.relay(m)
	for _, mirror := range pub.taps.mirrors {
		mirror.send(m)
	}
	for _, r := range pub.taps.relays {
		r.message(m)
	}
}

// carriesData is true of the mid of the data channels' m= section.
func (pub *publisher) carriesData(mid string) bool {
	return slices.ContainsFunc(pub.offered, func(s sdp.Stream) bool { return s.Kind == sdp.Data && s.MID == mid })
}

// relay gives a message to all who hear the feed. m.Data is kept.
func (f *feed) relay(m transport.Message) {
	for s, label := range f.listeners {
		if s.flowing() {
			if label == "" { // of a call: as the other endpoint has it
				label = m.Label
			}
			s.subscriber.peer.conn.SendData(transport.Message{Label: label, Text: m.Text, Data: m.Data})
		}
	}
}

// send takes a message to another shard. Channels are reliable: if that shard does not keep up, those of all who
// listen there end.
func (m *mirror) send(message transport.Message) {
	if m.full {
		return
	}
	size := int64(len(message.Data))
	if m.waiting.Add(size) > maxMirroredData {
		m.full = true
		m.shard.worker.Post(func(time.Duration) { m.overflowed() })
		return
	}
	m.shard.worker.Post(func(time.Duration) {
		m.waiting.Add(-size)
		m.relay(message)
	})
}

// endData ends the channels of all listeners, who would miss a message.
func (f *feed) endData() {
	for s := range f.listeners {
		s.subscriber.peer.conn.EndData()
	}
}

// overflowed is for a message that was too many.
func (m *mirror) overflowed() {
	m.endData()
	m.waiting.Store(0)
	m.origin.worker.Post(func(time.Duration) { m.full = false })
}

// echoData sends a message back on its own channel, text with a prefix.
func (pub *publisher) echoData(m transport.Message) {
	var prefix string
	if m.Text {
		prefix = pub.echo.TextPrefix
	}
	back := append([]byte(prefix), m.Data...)
	if len(back) > transport.MaxMessage {
		return
	}
	pub.peer.conn.SendData(transport.Message{Label: m.Label, Text: m.Text, Data: back})
}
