package videoroom

import (
	"fmt"
	"testing"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// BenchmarkJoin is the rule alone: one more comes into a room of that many.
func BenchmarkJoin(b *testing.B) {
	for _, n := range []int{10, 300} {
		for _, told := range []bool{false, true} {
			b.Run(fmt.Sprintf("%d told %t", n, told), func(b *testing.B) {
				s := newSim(Config{})
				s.send("al", fmt.Sprintf(`{"request":"create","room":1,"publishers":1000,"notify_joining":%t}`, told))
				for i := range n {
					s.send(fmt.Sprint(i), fmt.Sprintf(`{"request":"join","room":1,"ptype":"publisher","display":"guest %d"}`, i))
				}
				cmd := s.command("new")
				cmd.Verb = &busv1.Command_Message{Message: &busv1.Message{Body: []byte(`{"request":"join","room":1,"ptype":"publisher","display":"new"}`)}}
				room, err := s.plugin.Load("videoroom/1", s.fields["videoroom/1"])
				if err != nil {
					b.Fatal(err)
				}
				b.ReportAllocs()
				for b.Loop() {
					t := plugin.NewTurn(cmd, s.now, func(string) bool { return true }, plugin.Answers{})
					if room.Apply(t); t.Bind == nil {
						b.Fatal("not joined")
					}
				}
			})
		}
	}
}
