package bus

import (
	"bytes"
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

func TestTextsAreSortedByNodeInBatchesThatTheBusTakes(t *testing.T) {
	const texts = 100
	to := func(nodes ...string) (all []plugin.PeerKey) {
		for i, node := range nodes {
			all = append(all, plugin.PeerKey{Node: node, Handle: plugin.HandleID{Session: uint64(i + 1), Handle: 1}, Generation: 1})
		}
		return all
	}
	var all []plugin.Text
	for i := range texts {
		text := append(fmt.Appendf(nil, "%d ", i), bytes.Repeat([]byte("x"), 60_000)...)
		all = append(all, plugin.Text{To: to("a", "b", "a"), Text: text})
	}
	all = append(all, plugin.Text{To: to("b"), Text: []byte("for b")})
	batches := byNode(all)
	for node, want := range map[string]int{"a": texts, "b": texts + 1} {
		next := 0
		for _, batch := range batches[node] {
			if size := proto.Size(batch); size > bus.MaxMessage {
				t.Errorf("batch of %d bytes", size)
			}
			for _, text := range batch.GetTexts() {
				if prefix := fmt.Sprint(next, " "); next < texts && !bytes.HasPrefix(text.GetText(), []byte(prefix)) {
					t.Fatalf("text %d for %s is %.10s", next, node, text.GetText())
				}
				if peers := len(text.GetTo()); node == "a" && peers != 2 || node == "b" && peers != 1 {
					t.Errorf("%d peers on %s", peers, node)
				}
				next++
			}
		}
		if next != want {
			t.Errorf("%d texts for %s", next, node)
		}
	}
}
