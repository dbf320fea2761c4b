package node

import "testing"

func TestRouteStaysWithWhoeverHasTheSSRCNow(t *testing.T) {
	pub := &publisher{routes: map[uint32]route{}}
	first, second := &inbound{publisher: pub}, &inbound{publisher: pub}
	first.learn(7, 0, false)
	first.learn(8, 0, true)
	second.learn(7, 0, false) // the endpoint uses it for another m= section now
	first.learn(9, 0, false)
	if pub.routes[7].in != second || pub.routes[9].in != first {
		t.Errorf("routes %v", pub.routes)
	}
	second.learn(8, 0, true)
	first.forgetSources()
	if len(pub.routes) != 2 || pub.routes[7].in != second || pub.routes[8].in != second {
		t.Errorf("routes %v", pub.routes)
	}
}
