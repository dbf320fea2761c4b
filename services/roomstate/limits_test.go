package roomstate_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/services/roomstate"
)

// TestSessionsHandlesRoomsAndParticipantsHaveABound: of all replicas together; what is there lives on, and what goes makes room.
func TestSessionsHandlesRoomsAndParticipantsHaveABound(t *testing.T) {
	c := startCluster(t, 0, func(cfg *roomstate.Config) {
		cfg.MaxSessions, cfg.MaxHandles, cfg.MaxRooms, cfg.MaxParticipants = 2, 2, 2, 1
	})
	var internal []string
	for range 2 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		c.config.OpsListen = l.Addr().String()
		internal = append(internal, c.config.OpsListen)
		_ = l.Close()
		c.startReplica()
	}
	e := c.edge()
	first, second := e.session(), e.session()
	create := &busv1.Command{SessionId: 77, Socket: first.socket, Verb: &busv1.Command_Create{Create: &busv1.Create{}}}
	if _, err := e.do(create); err == nil || !strings.Contains(err.Error(), "Too many sessions") {
		t.Errorf("a third session: %v", err)
	}

	h, other := first.attach(videoRoom), first.attach(videoRoom)
	third := first.command()
	third.Verb = &busv1.Command_Attach{Attach: &busv1.Attach{NewHandleId: 9, Plugin: videoRoom}}
	if _, err := e.do(third); err == nil || !strings.Contains(err.Error(), "Too many handles") {
		t.Errorf("a third handle: %v", err)
	}
	far := second.attach(videoRoom)

	asks := func(h *handle, body, want string) {
		t.Helper()
		if got, _ := h.send(body); !strings.Contains(fmt.Sprint(got), want) {
			t.Errorf("%s: %v, want %s", body, got, want)
		}
	}
	asks(h, `{"request":"create","room":1,"publishers":1}`, "created")
	asks(far, `{"request":"create","room":2}`, "created")
	asks(h, `{"request":"create","room":3}`, "Maximum number of rooms (2) already reached")
	asks(h, `{"request":"join","ptype":"publisher","room":1,"id":5}`, "joined")
	asks(far, `{"request":"join","ptype":"publisher","room":1}`, "Maximum number of participants (1) already reached")
	asks(other, `{"request":"join","ptype":"publisher","room":2}`, "joined")

	asks(far, `{"request":"destroy","room":2}`, "destroyed")
	asks(far, `{"request":"create","room":3}`, "created")
	asks(far, `{"request":"join","ptype":"publisher","room":3}`, "joined")
	asks(h, `{"request":"listparticipants","room":1}`, "participants")
	end := second.command()
	end.Verb = &busv1.Command_Destroy{Destroy: &busv1.Destroy{}}
	e.must(end)
	e.session()

	for _, limit := range []string{"sessions", "handles", "rooms", "participants"} {
		counted := 0
		for _, address := range internal {
			counted += strings.Count(metricsOf(t, address), fmt.Sprintf("cardea_roomstate_limited_total{reason=%q} 1\n", limit))
		}
		if counted != 1 {
			t.Errorf("%s: %d replicas have counted one", limit, counted)
		}
	}
}

func metricsOf(t *testing.T, address string) string {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
