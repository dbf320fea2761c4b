package node

import (
	"fmt"
	"slices"
	"testing"
)

// hears is an Observer.
type hears struct{ told []string }

func (h *hears) Observe(_ PeerID, _ string, o Observation) {
	switch o := o.(type) {
	case ICE:
		h.told = append(h.told, o.State)
	case DTLS:
		h.told = append(h.told, "dtls-"+o.State)
	default:
		h.told = append(h.told, fmt.Sprintf("%T", o))
	}
}

func TestPairIsToldOnceTheEndpointIsKnown(t *testing.T) {
	h := &hears{}
	p := &peer{node: &Node{cfg: Config{Observer: h}}, progress: progress{gathers: true}}
	found := func() {
		p.progress.pair = &Selected{}
		p.tellPair()
	}
	want := func(told ...string) {
		t.Helper()
		if !slices.Equal(h.told, told) {
			t.Errorf("told %q, want %q", h.told, told)
		}
		h.told = nil
	}
	found() // before the answer
	want()
	p.connects()
	want("connecting", "node.Selected", "connected", "ready", "dtls-trying")
	p.connects() // as with each later answer
	want()
	found() // a better one
	want("node.Selected")

	p.progress = progress{gathers: true, secures: true} // restarted
	p.connects()
	want("connecting")
	found()
	want("node.Selected", "connected", "ready")
}
