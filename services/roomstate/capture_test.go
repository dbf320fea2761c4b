package roomstate_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
)

// TestCapturesBeginWithThePeerConnection: they are asked for before there is one, of any replica.
func TestCapturesBeginWithThePeerConnection(t *testing.T) {
	c := startCluster(t, 2)
	node := startNode(t, c.conn, "node-1")
	s := c.edge().session()
	h := s.attach("janus.plugin.echotest")
	ask := func(request, parameters string) string {
		t.Helper()
		_, err := s.do(&busv1.Command{SessionId: s.id, HandleId: h.id, Verb: &busv1.Command_Admin{
			Admin: &busv1.Admin{Request: request, Parameters: []byte(parameters)},
		}})
		if err != nil && fault.Of(err) != fault.BadRequest {
			t.Fatalf("%s: %v", request, err)
		}
		return fault.Text(err)
	}
	wants := func(request, parameters, want string) {
		t.Helper()
		if got := ask(request, parameters); got != want {
			t.Errorf("%s %s: %q, want %q", request, parameters, got, want)
		}
	}
	written := func(want string) {
		t.Helper()
		node.mu.Lock()
		defer node.mu.Unlock()
		if got := fmt.Sprint(node.written); got != want {
			t.Errorf("written are %s, want %s", got, want)
		}
	}
	wants("stop_pcap", `{}`, "Capture not started")
	node.mu.Lock()
	node.refuseCapture = fault.Newf(fault.BadRequest, "outside")
	node.mu.Unlock()
	ask("start_pcap", `{"folder":".."}`)
	wants("stop_pcap", `{}`, "Capture not started") // what was refused at once is not begun later
	node.mu.Lock()
	node.refuseCapture = nil
	node.mu.Unlock()

	wants("start_text2pcap", `{"folder":"a","filename":"b"}`, "")
	wants("start_text2pcap", `{"folder":"a","filename":"c"}`, "text2pcap already started")
	wants("start_pcap", `{"folder":"a","filename":"c"}`, "pcap already started")
	info, err := s.do(&busv1.Command{SessionId: s.id, HandleId: h.id, Verb: &busv1.Command_Admin{
		Admin: &busv1.Admin{Request: "handle_info", Parameters: []byte(`{}`)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	var told struct {
		Info struct {
			Dump bool   `json:"dump-to-text2pcap"`
			File string `json:"text2pcap-file"`
		} `json:"info"`
	}
	if err := json.Unmarshal(info.GetPlugin().GetData(), &told); err != nil || !told.Info.Dump || told.Info.File != "a/b" {
		t.Errorf("handle_info says %s, %v", info.GetPlugin().GetData(), err)
	}
	wants("stop_pcap", `{}`, "")
	wants("stop_pcap", `{}`, "Capture not started")

	wants("start_pcap", `{"folder":"a","filename":"d"}`, "")
	written("[]")
	h.send(`{"audio":true}`, "offer", "audio:opus")
	written("[/captures/a/d]")
	wants("start_pcap", `{"folder":"a","filename":"e"}`, "pcap already started")
	h.send(`{"audio":true}`, "offer", "audio:opus")
	wants("stop_pcap", `{}`, "")
	wants("stop_pcap", `{}`, "Capture not started")
	written("[/captures/a/d]")
}
