package bus

import (
	"log/slog"

	"github.com/nats-io/nats.go"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// textsAtOnce is from how many bytes on texts for one node go in another message.
const textsAtOnce = 256 << 10

// SendTexts returns what takes texts for data channels to the nodes of their peers, in order and without waiting. A text that
// the bus does not take is lost; lost is told how many.
func SendTexts(nc *nats.Conn, lost func(why Drop, messages int), log *slog.Logger) func(texts []plugin.Text) {
	send := func(node string, all *busv1.Texts) {
		if err := bus.Publish(nc, bus.NodeTexts(node), all); err != nil {
			lost(unsent, len(all.GetTexts()))
			log.Warn("texts not sent", "node", node, "err", err)
		}
	}
	return func(texts []plugin.Text) {
		for node, batches := range byNode(texts) {
			for _, batch := range batches {
				send(node, batch)
			}
		}
	}
}

// byNode sorts texts by the nodes that they are for, each node's in batches of a size that the bus takes.
func byNode(texts []plugin.Text) map[string][]*busv1.Texts {
	batches := map[string][]*busv1.Texts{}
	size := map[string]int{} // of the last batch
	for _, text := range texts {
		to := map[string][]*busv1.Texts_Peer{}
		for _, p := range text.To {
			to[p.Node] = append(to[p.Node], &busv1.Texts_Peer{
				SessionId: p.Handle.Session, HandleId: p.Handle.Handle, Generation: p.Generation,
			})
		}
		for node, peers := range to {
			const peerSize = 32 // bytes at most
			more := len(text.Text) + peerSize*len(peers)
			if len(batches[node]) == 0 || size[node]+more > textsAtOnce {
				batches[node], size[node] = append(batches[node], new(busv1.Texts)), 0
			}
			last := batches[node][len(batches[node])-1]
			last.Texts = append(last.Texts, &busv1.Texts_Text{To: peers, Text: text.Text})
			size[node] += more
		}
	}
	return batches
}
