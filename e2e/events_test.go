//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/e2e/internal/cluster"
	"github.com/cardea-rtc/cardea/e2e/internal/proc"
	"github.com/cardea-rtc/cardea/e2e/internal/talk"
)

// eventSink is a backend of event handlers.
type eventSink struct {
	*httptest.Server
	mu     sync.Mutex
	events []map[string]any
}

// startEventSink runs one until the test ends, for a user events with the password pwd.
func startEventSink(t *testing.T) *eventSink {
	s := &eventSink{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if user, password, _ := r.BasicAuth(); err != nil || user != "events" || password != "pwd" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		var events []map[string]any
		dec := json.NewDecoder(bytes.NewReader(body))
		dec.UseNumber()
		if err := dec.Decode(&events); err != nil {
			t.Errorf("posted %.200s: %v", body, err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.events = append(s.events, events...)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *eventSink) all() []map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.events)
}

// The types whose events do not come by time or by network, so that as many are to come from both.
var countedTypes = []string{"1", "2", "4", "64", "128", "16/6", "32/1"}

// allowedEvents says of events, by how their label begins, why they may differ.
var allowedEvents = map[string]string{
	"128 transport=janus.transport.http event=request": "Cardea tells of requests, not of long polls",
	"256/1 status=update":                              "they came with Janus 1.2",
	"1 name=destroyed":                                 "as Janus 1.3.2 and later: the loss of a socket ends its session with this event as well",
}

// allowedMembers says of members that one of both has.
var allowedMembers = map[string]string{
	"256/1": "server_info of another server",
	"16/3":  "of candidates only their text counts",
}

// label is what is told, without what differs from call to call.
func label(e map[string]any) string {
	text := fmt.Sprint(e["type"])
	if e["subtype"] != nil {
		text += "/" + fmt.Sprint(e["subtype"])
	}
	body, _ := e["event"].(map[string]any)
	for _, in := range []map[string]any{body, object(body["data"])} {
		for _, name := range []string{"name", "owner", "event", "videoroom", "moderation", "connection", "reason", "ice", "dtls", "media", "receiving", "status", "transport", "plugin"} {
			if v, ok := in[name].(string); ok && !(name == "reason" && text == "16/6") {
				text += " " + name + "=" + v
			} else if b, ok := in[name].(bool); ok {
				text += fmt.Sprintf(" %s=%t", name, b)
			}
		}
	}
	return text
}

func object(v any) map[string]any {
	o, _ := v.(map[string]any)
	return o
}

// members are the paths of all that an event has.
func members(prefix string, v any, into map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			members(prefix+"."+name, inner, into)
		}
	case []any:
		for _, inner := range v {
			members(prefix+"[]", inner, into)
		}
	default:
		into[prefix] = true
	}
}

// told is what is compared of one server's events: how many of each label, and the members that they had.
type told struct {
	count   map[string]int
	members map[string]map[string]bool
}

func summarize(events []map[string]any) told {
	t := told{map[string]int{}, map[string]map[string]bool{}}
	for _, e := range events {
		l := label(e)
		t.count[l]++
		if t.members[l] == nil {
			t.members[l] = map[string]bool{}
		}
		members("", e, t.members[l])
	}
	return t
}

// TestSameEventsAsJanus has the event handlers of Debian's Janus and of Cardea be told of one call.
func TestSameEventsAsJanus(t *testing.T) {
	t.Parallel()
	oracleSink, sink := startEventSink(t), startEventSink(t)
	oracle := cluster.StartJanusWithEvents(t, oracleSink.URL)
	cardea := cluster.StartStandalone(t, "--forward-to", "127.0.0.0/8", "--events-backend", sink.URL, "--events-backend-user", "events",
		"--events-backend-password-file", cluster.SecretFile(t, "pwd"))
	text, err := os.ReadFile("events.talk")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	const overHTTP = "cy create\ncy attach janus.plugin.echotest echo\ncy destroy\nwait 1s"
	var wg sync.WaitGroup
	for _, addresses := range [][2]string{{oracle.WS, oracle.HTTP}, {cardea.URL, cardea.HTTP}} {
		wg.Go(func() {
			for i, conversation := range []string{string(text), overHTTP} {
				if _, err := talk.Play(ctx, addresses[i], conversation); err != nil {
					t.Errorf("%s: %v", addresses[i], err)
				}
			}
		})
	}
	wg.Wait()
	for _, admin := range []string{oracle.Admin, cardea.Admin} {
		if got := administer(t, admin, "custom_event", `,"schema":"org.example","data":{"n":[1,"two"]}`); got["janus"] != "success" {
			t.Errorf("custom_event: %v", got)
		}
	}
	time.Sleep(2 * time.Second) // for what is posted in groups
	write(t, "janus.json", oracleSink.all())
	write(t, "cardea.json", sink.all())

	want, got := summarize(oracleSink.all()), summarize(sink.all())
	labels := map[string]bool{}
	for _, one := range []told{want, got} {
		for l := range one.count {
			labels[l] = true
		}
	}
	differ := func(l, difference string) {
		for allowed, reason := range allowedEvents {
			if strings.HasPrefix(l, allowed) {
				t.Logf("allowed (%s): %s", reason, difference)
				return
			}
		}
		t.Error(difference)
	}
	for _, l := range slices.Sorted(maps.Keys(labels)) {
		kind, _, _ := strings.Cut(l, " ")
		switch {
		case want.count[l] == 0 || got.count[l] == 0,
			slices.Contains(countedTypes, kind) && want.count[l] != got.count[l]:
			differ(l, fmt.Sprintf("%s: %d from Janus, %d from Cardea", l, want.count[l], got.count[l]))
		}
		if want.count[l] == 0 || got.count[l] == 0 {
			continue
		}
		for _, m := range missing(want.members[l], got.members[l]) {
			reportMember(t, kind, fmt.Sprintf("%s: Cardea has no %s", l, m))
		}
		for _, m := range missing(got.members[l], want.members[l]) {
			reportMember(t, kind, fmt.Sprintf("%s: Janus has no %s", l, m))
		}
	}
	sameOrderOfStates(t, oracleSink.all(), sink.all())
	sameAnswersOfHandler(t, oracle.Admin, cardea.Admin)
	t.Logf("%d events of Janus and %d of Cardea, %d kinds", len(oracleSink.all()), len(sink.all()), len(labels))
	eachOnceAndInOrder(t, sink.all())
}

// states are those of the PeerConnection of each handle with one, in the order of their time, of ICE and of what follows apart: where DTLS
// begins and ends, before or after ICE is ready, is a race in Janus. Handles go by the order in which they were attached, which the
// conversation gives both servers.
func states(events []map[string]any) (all []string) {
	events = byTime(events)
	handles, at, ice := []string{}, map[string][]string{}, map[string][]string{}
	reached := map[string]bool{} // states of a handle since it was connecting
	for _, e := range events {
		body, handle := object(e["event"]), fmt.Sprint(e["handle_id"])
		if body["name"] == "attached" {
			handles = append(handles, handle)
			at[handle] = []string{fmt.Sprint(body["plugin"])}
		}
		if fmt.Sprint(e["type"]) != "16" || at[handle] == nil {
			continue
		}
		if state, ok := body["connection"].(string); ok {
			at[handle] = append(at[handle], "connection "+state)
		}
		if body["dtls"] == "connected" {
			at[handle] = append(at[handle], "dtls connected")
		}
		// How often an endpoint takes a better pair is its own choice, and Janus is connected and ready with each.
		if n := len(ice[handle]); body["selected-pair"] != nil && n > 0 && ice[handle][n-1] == "ice connecting" {
			ice[handle] = append(ice[handle], "pair")
		}
		if state, ok := body["ice"].(string); ok {
			if state == "connecting" {
				maps.DeleteFunc(reached, func(state string, _ bool) bool { return strings.HasPrefix(state, handle) })
			}
			if !reached[handle+state] {
				ice[handle] = append(ice[handle], "ice "+state)
			}
			reached[handle+state] = true
		}
	}
	for _, handle := range handles {
		if len(at[handle])+len(ice[handle]) > 1 {
			all = append(all, strings.Join(slices.Concat(at[handle], ice[handle]), ", "))
		}
	}
	return all
}

func sameOrderOfStates(t *testing.T, oracle, cardea []map[string]any) {
	t.Helper()
	want, got := states(oracle), states(cardea)
	if len(want) == 0 || len(want) != len(got) {
		t.Errorf("PeerConnections: %d from Janus, %d from Cardea", len(want), len(got))
	}
	for i := range min(len(want), len(got)) {
		if want[i] == "janus.plugin.videocall, connection hangup, ice gathering" && got[i] == "janus.plugin.videocall, connection hangup" {
			continue // an offer that no call takes begins nothing
		}
		if want[i] != got[i] {
			t.Errorf("states of PeerConnection %d:\n Cardea %s\n Janus  %s", i, got[i], want[i])
		}
	}
}

// byTime sorts events, and leaves those of one time as they came.
func byTime(events []map[string]any) []map[string]any {
	events = slices.Clone(events)
	slices.SortStableFunc(events, func(a, b map[string]any) int {
		x, _ := a["timestamp"].(json.Number).Int64()
		y, _ := b["timestamp"].(json.Number).Int64()
		return int(x - y)
	})
	return events
}

// sameAnswersOfHandler compares how the event handlers answer administrators.
func sameAnswersOfHandler(t *testing.T, oracle, cardea string) {
	t.Helper()
	for _, request := range []string{
		`{}`, `{"request":5}`, `{"request":"dance"}`, `{"request":"tweak"}`, `{"request":"tweak","events":5}`,
		`{"request":"tweak","grouping":5}`, `{"request":"tweak","backend":5}`, `{"request":"tweak","backend":"ftp://x"}`, `{"request":"tweak","backend_user":5}`,
		`{"request":"tweak","backend_pwd":5}`, `{"request":"tweak","max_retransmissions":-1}`, `{"request":"tweak","retransmissions_backoff":"x"}`,
		`{"request":"tweak","events":"sessions,handles"}`, `{"request":"TWEAK","events":"none"}`, `{"request":"tweak","events":"surprise"}`,
	} {
		parameters := `,"handler":"janus.eventhandler.sampleevh","request":` + request
		want, got := administer(t, oracle, "query_eventhandler", parameters), administer(t, cardea, "query_eventhandler", parameters)
		if fmt.Sprint(want) != fmt.Sprint(got) {
			t.Errorf("query_eventhandler %s:\n Cardea %v\n Janus  %v", request, got, want)
		}
	}
}

func reportMember(t *testing.T, kind, difference string) {
	t.Helper()
	if reason := allowedMembers[kind]; reason != "" {
		t.Logf("allowed (%s): %s", reason, difference)
		return
	}
	t.Error(difference)
}

func missing(in, from map[string]bool) []string {
	var all []string
	for m := range in {
		if !from[m] {
			all = append(all, m)
		}
	}
	slices.Sort(all)
	return all
}

// eachOnceAndInOrder looks at one server's events of sessions and handles: made before they end, each once.
func eachOnceAndInOrder(t *testing.T, events []map[string]any) {
	t.Helper()
	state := map[string]string{}
	for _, e := range byTime(events) {
		name, ok := object(e["event"])["name"].(string)
		if !ok {
			continue
		}
		key := fmt.Sprint(e["session_id"], " ", e["handle_id"])
		before := map[string]string{"created": "", "attached": "", "detached": "attached", "destroyed": "created", "timeout": "created"}
		if state[key] != before[name] {
			t.Errorf("%s comes after %q of %s", name, state[key], key)
		}
		state[key] = name
	}
	for key, last := range state {
		if last == "created" || last == "attached" {
			t.Errorf("%s has never ended", key)
		}
	}
}

func write(t *testing.T, name string, events []map[string]any) {
	t.Helper()
	b, err := json.MarshalIndent(events, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(proc.Artifacts(t), name), b, 0o644); err != nil {
		t.Fatal(err)
	}
}
