package edge

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/signaling/internal/janus"
	"github.com/cardea-rtc/cardea/services/signaling/internal/limit"
)

// limited is start with limits, and how often each was met.
func limited(t *testing.T, bus Bus, opt Options) (e *Edge, met func(limit.Reason) float64) {
	t.Helper()
	registry := prometheus.NewRegistry()
	opt.Name, opt.AnswerTimeout, opt.SocketPending, opt.SocketSessions, opt.Sessions = "e", 30*time.Second, 8, 3, 100
	opt.Refusals = limit.NewRefusals(registry, slog.New(slog.DiscardHandler))
	e = New(bus, opt, NewMetrics(prometheus.NewRegistry()), slog.New(slog.DiscardHandler))
	t.Cleanup(e.Close)
	return e, func(reason limit.Reason) float64 {
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, family := range families {
			for _, m := range family.GetMetric() {
				if m.GetLabel()[0].GetValue() == string(reason) {
					return m.GetCounter().GetValue()
				}
			}
		}
		return 0
	}
}

const keepalive = `{"janus":"keepalive","transaction":"k","session_id":7}`

func TestRequestsOfASessionUnderWayHaveABound(t *testing.T) {
	hold := make(chan struct{})
	e, met := limited(t, &fakeBus{do: func(cmd *busv1.Command, _ func(string)) (*busv1.Reply, error) {
		if cmd.GetMessage() != nil {
			<-hold
		}
		return done, nil
	}}, Options{SessionPending: 2})
	client, socket := open(e, "a")
	create(t, client, socket)
	client.Receive([]byte(message))
	client.Receive([]byte(message))
	client.Receive([]byte(keepalive))
	socket.want(t, `"error"`, `"code":490`, `Too many requests`, `"transaction":"k"`)
	if n := met(limit.SessionPending); n != 1 {
		t.Errorf("%v counted", n)
	}
	client.Receive([]byte(`{"janus":"keepalive","transaction":"k","session_id":9}`)) // another is none the worse
	socket.want(t, `"janus":"ack"`, `"session_id":9`)
	close(hold)
	deadline := time.Now().Add(30 * time.Second)
	for taken := false; !taken; {
		if time.Now().After(deadline) {
			t.Fatal("the session does not live on")
		}
		client.Receive([]byte(keepalive))
		taken = strings.Contains(socket.next(t), `"janus":"ack"`)
	}
}

func TestRequestsOfASessionASecondHaveABound(t *testing.T) {
	e, met := limited(t, &fakeBus{do: func(*busv1.Command, func(string)) (*busv1.Reply, error) { return done, nil }}, Options{SessionRate: 1})
	client, socket := open(e, "a")
	create(t, client, socket)
	for range 10 {
		client.Receive([]byte(keepalive))
		socket.want(t, `"janus":"ack"`)
	}
	refused := 0
	for range 100 { // far more than come to be free meanwhile
		client.Receive([]byte(keepalive))
		if strings.Contains(socket.next(t), `"code":490`) {
			refused++
		}
	}
	if refused < 20 || met(limit.SessionRate) != float64(refused) {
		t.Errorf("%d refused, %v counted", refused, met(limit.SessionRate))
	}
	// Another socket's sessions are none the worse, and neither is who has let the session be for a while.
	other, otherSocket := open(e, "b")
	other.Receive([]byte(`{"janus":"create","transaction":"c","id":9}`))
	otherSocket.want(t, `"success"`)
}

func TestRequestsOfNoSessionASecondHaveABound(t *testing.T) {
	e, met := limited(t, &fakeBus{do: func(*busv1.Command, func(string)) (*busv1.Reply, error) { return done, nil }}, Options{SessionRate: 1})
	client, socket := open(e, "a")
	refused := 0
	for range 100 {
		client.Receive([]byte(`{"janus":"info","transaction":"i"}`))
		if strings.Contains(socket.next(t), `"code":490,"reason":"Too many requests"`) {
			refused++
		}
	}
	if refused < 20 || met(limit.SessionRate) != float64(refused) {
		t.Errorf("%d refused, %v counted", refused, met(limit.SessionRate))
	}
}

func TestSDPsAndCandidatesHaveABound(t *testing.T) {
	var reached []string
	e, met := limited(t, &fakeBus{do: func(cmd *busv1.Command, _ func(string)) (*busv1.Reply, error) {
		reached = append(reached, fmt.Sprintf("%T", cmd.GetVerb()))
		return done, nil
	}}, Options{Holds: janus.Limits{SDPBytes: 1000, SDPLines: 20, SDPSections: 2, Candidates: 3}})
	client, socket := open(e, "a")
	create(t, client, socket)
	sdp := func(more ...string) string {
		return fmt.Sprintf(`{"janus":"message","transaction":"m","session_id":7,"handle_id":8,"body":{},"jsep":{"type":"offer","sdp":%q}}`,
			`v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdabcdabcdabcdabcdab\r\na=fingerprint:sha-256 x\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n`+
				strings.Join(more, ""))
	}
	trickle := func(n int) string {
		one := `{"candidate":"candidate:1 1 udp 1 192.0.2.1 5 typ host","sdpMLineIndex":0}`
		return `{"janus":"trickle","transaction":"t","session_id":7,"handle_id":8,"candidates":[` + strings.TrimSuffix(strings.Repeat(one+",", n), ",") + `]}`
	}
	line, section := `a=x:y\r\n`, `m=video 9 UDP/TLS/RTP/SAVPF 96\r\n`
	for _, c := range []struct{ name, request, want, verb string }{
		{"an SDP", sdp(section), "", "*busv1.Command_Message"},
		{"too many bytes", sdp(`a=x:` + strings.Repeat("y", 1000) + `\r\n`), `"code":465,"reason":"JSEP error: 1`, "*busv1.Command_Touch"},
		{"too many lines", sdp(strings.Repeat(line, 20)), `"code":465,"reason":"JSEP error: 28 lines in SDP, at most 20 are taken"`, "*busv1.Command_Touch"},
		{"too many sections", sdp(section, section), `"code":465,"reason":"JSEP error: 3 m= sections in SDP, at most 2 are taken"`, "*busv1.Command_Touch"},
		{"candidates", trickle(3), `"janus":"ack"`, "*busv1.Command_Trickle"},
		{"too many candidates", trickle(4), `"code":490,"reason":"Trickle error: 4 candidates, at most 3 are taken"`, "*busv1.Command_Touch"},
		{"an SDP as before", sdp(), "", "*busv1.Command_Message"},
	} {
		reached = nil
		client.Receive([]byte(strings.ReplaceAll(c.request, `\\r\\n`, `\r\n`)))
		if c.want != "" {
			socket.want(t, c.want)
		}
		deadline := time.Now().Add(30 * time.Second)
		for e.lanes.working() && time.Now().Before(deadline) {
			time.Sleep(time.Millisecond)
		}
		if len(reached) != 1 || reached[0] != c.verb {
			t.Errorf("%s: %v reached roomstate", c.name, reached)
		}
	}
	if sdps, candidates := met(limit.SDP), met(limit.Candidates); sdps != 3 || candidates != 1 {
		t.Errorf("%v SDPs and %v times candidates counted", sdps, candidates)
	}
}

// TestCandidatesOfAHandleHaveABound: an offer or answer begins anew, another handle has its own, and what is none is not counted.
func TestCandidatesOfAHandleHaveABound(t *testing.T) {
	var reached []string
	e, met := limited(t, &fakeBus{do: func(cmd *busv1.Command, _ func(string)) (*busv1.Reply, error) {
		reached = append(reached, fmt.Sprintf("%T", cmd.GetVerb()))
		if cmd.GetHandleId() == 404 {
			return nil, fault.New(fault.HandleNotFound, nil)
		}
		return done, nil
	}}, Options{Holds: janus.Limits{Candidates: 3, HandleCandidates: 5}})
	client, socket := open(e, "a")
	create(t, client, socket)
	trickle := func(handle, n int) string {
		one := `{"candidate":"candidate:1 1 udp 1 192.0.2.1 5 typ host","sdpMLineIndex":0}`
		return fmt.Sprintf(`{"janus":"trickle","transaction":"t","session_id":7,"handle_id":%d,"candidates":[%s]}`, handle, strings.TrimSuffix(strings.Repeat(one+",", n), ","))
	}
	const (
		completed = `{"janus":"trickle","transaction":"t","session_id":7,"handle_id":8,"candidate":{"completed":true}}`
		restart   = `{"janus":"message","transaction":"m","session_id":7,"handle_id":8,"body":{},"jsep":{"type":"offer","sdp":"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdabcdabcdabcdabcdab\r\na=fingerprint:sha-256 x\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"}}`
		taken     = `"janus":"ack"`
		refused   = `"code":490,"reason":"Trickle error: 6 candidates since the last offer or answer, at most 5 are taken"`
	)
	for i, c := range []struct{ request, want, verb string }{
		{trickle(8, 3), taken, "*busv1.Command_Trickle"},
		{trickle(8, 2), taken, "*busv1.Command_Trickle"},
		{trickle(8, 1), refused, "*busv1.Command_Touch"},
		{trickle(8, 1), refused, "*busv1.Command_Touch"},
		{completed, taken, "*busv1.Command_Trickle"},
		{trickle(9, 3), taken, "*busv1.Command_Trickle"},
		{restart, "", "*busv1.Command_Message"},
		{trickle(8, 3), taken, "*busv1.Command_Trickle"},
		{trickle(404, 3), `"code":459`, "*busv1.Command_Trickle"},
		{trickle(404, 3), `"code":459`, "*busv1.Command_Trickle"},
	} {
		reached = nil
		client.Receive([]byte(c.request))
		if c.want != "" {
			socket.want(t, c.want)
		}
		deadline := time.Now().Add(30 * time.Second)
		for e.lanes.working() && time.Now().Before(deadline) {
			time.Sleep(time.Millisecond)
		}
		if len(reached) != 1 || reached[0] != c.verb {
			t.Errorf("%d: %v reached roomstate", i, reached)
		}
	}
	if n := met(limit.HandleCandidates); n != 2 {
		t.Errorf("%v counted", n)
	}
}

func (ls *lanes) working() bool {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	return len(ls.byID) > 0
}
