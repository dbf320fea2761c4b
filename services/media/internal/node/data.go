package node

import (
	"slices"

	"github.com/cardea-rtc/cardea/services/media/internal/transport"
)

// data relays a message that the publisher sent on any of its channels. m is only lent.
func (pub *publisher) data(m transport.Message) {
	if pub.echo != nil {
		pub.echoData(m)
	}
	if len(pub.listeners) == 0 {
		return
	}
	kept := slices.Clone(m.Data) // one copy for all
	for s, label := range pub.listeners {
		if s.flowing() {
			s.subscriber.peer.conn.SendData(transport.Message{Label: label, Text: m.Text, Data: kept})
		}
	}
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
