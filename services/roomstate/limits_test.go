package roomstate_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
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
			metrics := metricsOf(t, address)
			counted += strings.Count(metrics, fmt.Sprintf("cardea_roomstate_limited_total{reason=%q} 1\n", limit))
			if !strings.Contains(metrics, fmt.Sprintf("cardea_roomstate_limited_total{reason=%q}", limit)) {
				t.Errorf("%s: a replica that has refused nothing says nothing", limit)
			}
		}
		if counted != 1 {
			t.Errorf("%s: %d replicas have counted one", limit, counted)
		}
	}
	for _, series := range []string{ // increase() would miss the first event of one that is not there before
		`limited_total{reason="body"}`, `limited_total{reason="session_rooms"}`, `limited_total{reason="subscriptions"}`, `limited_total{reason="publishers"}`,
		`dropped_total{reason="overflow"}`, `dropped_total{reason="malformed"}`, `dropped_total{reason="text"}`,
		`commands_total{outcome="done",verb="not_moved"}`, `commands_total{outcome="NodeUnavailable",verb="move"}`,
		`commands_total{outcome="TooBusy",verb="move"}`, `commands_total{outcome="Internal",verb="move"}`,
	} {
		if !strings.Contains(metricsOf(t, internal[0]), "cardea_roomstate_"+series+" 0\n") {
			t.Errorf("%s is not 0 from the start", series)
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

// TestRoomsThatASessionHasMadeHaveABound: of both kinds together, for as long as they are there, whoever destroys them. Those of
// administrators and of files are nobody's.
func TestRoomsThatASessionHasMadeHaveABound(t *testing.T) {
	c := startCluster(t, 0, func(cfg *roomstate.Config) { cfg.SessionRooms, cfg.DemoRoom = 3, true })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c.config.OpsListen = l.Addr().String()
	_ = l.Close()
	c.startReplica()
	e := c.edge()
	first, second := e.session(), e.session()
	video, text, other := first.attach(videoRoom), first.attach("janus.plugin.textroom"), second.attach(videoRoom)
	asks := func(h *handle, body, want string) {
		t.Helper()
		if got, _ := h.send(body); !strings.Contains(fmt.Sprint(got), want) {
			t.Errorf("%s: %v, want %s", body, got, want)
		}
	}
	const full = "error:Maximum number of rooms (3) already reached error_code:499"
	asks(video, `{"request":"create","room":1}`, "created")
	asks(video, `{"request":"create","room":1}`, "already exists") // which is no room more
	asks(video, `{"request":"create","room":2}`, "created")
	asks(text, `{"request":"create","room":1}`, "created")
	asks(video, `{"request":"create","room":3}`, full)
	asks(text, `{"request":"create","room":3}`, full)
	asks(video, `{"request":"exists","room":3}`, "exists:false")
	asks(other, `{"request":"create","room":3}`, "created")
	if got := metricsOf(t, c.config.OpsListen); !strings.Contains(got, "cardea_roomstate_limited_total{reason=\"session_rooms\"} 2\n") {
		t.Error("the two are not counted")
	}

	asks(other, `{"request":"destroy","room":3}`, "destroyed")
	asks(video, `{"request":"create","room":3}`, full) // that was not of this session
	asks(other, `{"request":"destroy","room":2}`, "destroyed")
	asks(video, `{"request":"create","room":3}`, "created")
	asks(text, `{"request":"destroy","room":1}`, "destroyed")

	// All at once, each in another room's turn.
	handles := make([]*handle, 6)
	for i := range handles {
		handles[i] = first.attach(videoRoom)
	}
	var made atomic.Int32
	var wg sync.WaitGroup
	for i, h := range handles {
		wg.Go(func() {
			if got, _ := h.send(fmt.Sprintf(`{"request":"create","room":%d}`, 10+i)); got["videoroom"] == "created" {
				made.Add(1)
			}
		})
	}
	wg.Wait()
	if made.Load() != 1 {
		t.Errorf("%d rooms are made where there was room for one", made.Load())
	}
	got, err := e.admin(0, "message_plugin", `{"plugin":"janus.plugin.textroom","request":{"request":"create","room":9,"transaction":"t"}}`)
	if err != nil || !strings.Contains(fmt.Sprint(got), "created") {
		t.Errorf("an administrator's: %v, %v", got, err)
	}
}

// TestWhoHasTheAdminKeyMakesAsManyRoomsAsThereMayBe: a server of an application does so over one session.
func TestWhoHasTheAdminKeyMakesAsManyRoomsAsThereMayBe(t *testing.T) {
	c := startCluster(t, 1, func(cfg *roomstate.Config) { cfg.SessionRooms, cfg.AdminKey = 1, "k" })
	s := c.edge().session()
	for _, plugin := range []string{videoRoom, "janus.plugin.textroom"} {
		h := s.attach(plugin)
		for range 2 {
			if got, _ := h.send(`{"request":"create","admin_key":"k"}`); !strings.Contains(fmt.Sprint(got), "created") {
				t.Error(got)
			}
		}
	}
}

func TestTheAdminKeyOfAFileIsReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	put := func(key string) {
		t.Helper()
		if err := os.WriteFile(path+".new", []byte(key+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	put("one")
	c := startCluster(t, 1, func(cfg *roomstate.Config) { cfg.AdminKeyFile = path })
	s := c.edge().session()
	for plugin, unauthorized := range map[string]string{videoRoom: "Unauthorized (wrong admin_key)", "janus.plugin.textroom": "Unauthorized (wrong admin_key)"} {
		h := s.attach(plugin)
		said := func(request, key string) string {
			got, _ := h.send(fmt.Sprintf(`{"request":%q,"admin_key":%q}`, request, key))
			return fmt.Sprint(got)
		}
		put("one")
		for _, round := range []struct{ good, bad string }{{"one", "two"}, {"two", "one"}} {
			put(round.good)
			if got := said("create", round.bad); !strings.Contains(got, unauthorized) {
				t.Errorf("%s: create with %q where %q is the key: %s", plugin, round.bad, round.good, got)
			}
			if got := said("create", round.good); !strings.Contains(got, "created") {
				t.Errorf("%s: create with the key %q: %s", plugin, round.good, got)
			}
			if got := said("list", round.bad); !strings.Contains(got, unauthorized) {
				t.Errorf("%s: list with %q where %q is the key: %s", plugin, round.bad, round.good, got)
			}
		}
	}
}
