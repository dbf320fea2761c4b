package nodes

import (
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/proto/busv1"
)

func TestOverfullIsWhoCarriesTooMuchWhileOthersHaveRoom(t *testing.T) {
	r := registry(t, true)
	now := time.Now()
	of := func(id string, packets uint64) *busv1.NodeStatus {
		return &busv1.NodeStatus{Id: id, Name: id, GrpcAddress: id, PacketsPerSecond: packets, CapacityPackets: 1000, Peers: 100}
	}
	r.Heard(of("n1", 1500), now)
	r.Heard(of("n2", 990), now)
	r.Heard(of("n3", 750), now)
	if got := r.Overfull(now); got != nil {
		t.Errorf("nobody has room to spare, but %v are to be relieved", got)
	}
	r.Heard(of("n3", 650), now)
	got := r.Overfull(now)
	if len(got) != 1 || got[0].Node != "n1" || got[0].Share != 1.5 || got[0].Peers != 40 {
		t.Errorf("%+v", got) // 1500 to 900 are two fifths of its hundred peers
	}
	draining := of("n1", 1500)
	draining.Draining = true
	r.Heard(draining, now)
	if got := r.Overfull(now); got != nil {
		t.Errorf("%v: it is emptied anyway", got)
	}
}
