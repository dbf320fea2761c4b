package janus

import (
	"testing"

	"github.com/cardea-rtc/cardea/proto/busv1"
)

// TestWhatIsSaidOnceReadsAsIfWrittenForEach compares both ways to write an event.
func TestWhatIsSaidOnceReadsAsIfWrittenForEach(t *testing.T) {
	odd := "a\"b\\c</d>\u2028é\x7f\x01\xff"
	for _, e := range []*busv1.Event{
		{},
		{SessionId: 7, HandleId: 8},
		{SessionId: 7, HandleId: 8, Transaction: "t", OpaqueId: "o"},
		{SessionId: 1<<53 - 1, HandleId: 8, CommandId: "c", Transaction: "", OpaqueId: odd},
		{SessionId: 7, HandleId: 8, CommandId: "c", Transaction: odd},
	} {
		for _, p := range []*busv1.PluginEvent{
			{Plugin: "p", Data: []byte(`{"a": [1, "</x>\u2028"] }`)},
			{Plugin: odd, Data: []byte(`{}`), Jsep: &busv1.Jsep{Type: "offer", Sdp: "v=0\r\n", E2Ee: true}},
		} {
			e.Kind = &busv1.Event_Plugin{Plugin: p}
			for _, opaque := range []bool{false, true} {
				want := response{Janus: "event", SessionID: int64(e.GetSessionId()), Sender: e.GetHandleId(), PluginData: &pluginData{p.GetPlugin(), p.GetData()}}
				if e.GetCommandId() != "" {
					want.Transaction = &e.Transaction
				}
				if opaque {
					want.OpaqueID = e.GetOpaqueId()
				}
				if j := p.GetJsep(); j != nil {
					want.JSEP = &jsepData{j.GetType(), j.GetSdp(), j.GetE2Ee()}
				}
				for _, said := range []*Said{nil, Say(&busv1.Event{Kind: e.Kind})} {
					if got := string(Event(e, said, opaque)); got != string(want.encode()) {
						t.Errorf("%s, and not %s", got, want.encode())
					}
				}
			}
		}
	}
}

func TestAnEventThatIsNoJSONIsOurFault(t *testing.T) {
	e := &busv1.Event{SessionId: 7, Kind: &busv1.Event_Plugin{Plugin: &busv1.PluginEvent{Plugin: "p", Data: []byte(`{"a"`)}}}
	if Say(e) != nil {
		t.Error("it can be said")
	}
	if got := string(Event(e, nil, false)); got == "" || got[:16] != `{"janus":"error"` {
		t.Errorf("got %s", got)
	}
}
