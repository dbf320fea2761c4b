package node

import (
	"context"
	"slices"
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/transport"
)

// textLabel is of the channel that texts go out on: janus.js opens it.
const textLabel = "JanusDataChannel"

// tell lets roomstate know of a text. What is binary is nobody's.
func (p *peer) tell(m transport.Message) {
	if m.Text {
		p.node.cfg.Events.Publish(p.id, Text{Text: slices.Clone(m.Data)})
	}
}

// SendTexts sends texts, in order, on the data channel of a peer, and reports whether it is here. texts are kept.
func (n *Node) SendTexts(ctx context.Context, id PeerID, texts [][]byte) (bool, error) {
	sh := n.shard(id.Handle)
	return do(ctx, sh, func(time.Duration) (bool, error) {
		p, err := sh.find(id)
		if err != nil {
			return false, nil
		}
		for _, text := range texts {
			if len(text) <= transport.MaxMessage {
				p.conn.SendData(transport.Message{Label: textLabel, Text: true, Data: text})
			}
		}
		return true, nil
	})
}
