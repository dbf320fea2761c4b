package rest

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"github.com/cardea-rtc/cardea/proto/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeAPI is an edge as a test wants it.
type fakeAPI struct {
	ask  func(body string, session, handle uint64) string
	poll func(most int, give func([][]byte) error) error
}

func (f *fakeAPI) Ask(_ context.Context, _ string, body []byte, session, handle uint64) []byte {
	return []byte(f.ask(string(body), session, handle))
}
func (f *fakeAPI) Authorized(_ context.Context, secret, _ string) bool { return secret == "s" }
func (f *fakeAPI) Poll(_ context.Context, _ uint64, most int, give func([][]byte) error) error {
	return f.poll(most, give)
}

func server(api API, change ...func(*Options)) *Server {
	opt := Options{Path: "/janus", MaxBody: 100, MaxPending: 10}
	for _, c := range change {
		c(&opt)
	}
	return New(opt, api, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
}

func ask(s *Server, method, target, body string, header ...string) *http.Response {
	w, r := httptest.NewRecorder(), httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	s.ServeHTTP(w, r)
	return w.Result()
}

func text(r *http.Response) string {
	b, _ := io.ReadAll(r.Body)
	return string(b)
}

func TestPollsGiveOneEventOrAList(t *testing.T) {
	for _, c := range []struct {
		query  string
		events [][]byte
		err    error
		status int
		want   string
	}{
		{"?apisecret=s", [][]byte{[]byte(`{"a":1}`)}, nil, 200, `{"a":1}`},
		{"?apisecret=s&maxev=x", [][]byte{[]byte(`{"a":1}`)}, nil, 200, `{"a":1}`},
		{"?apisecret=s&maxev=3", [][]byte{[]byte(`{"a":1}`), []byte(`{"b":2}`)}, nil, 200, `[{"a":1},{"b":2}]`},
		{"?apisecret=s", nil, nil, 200, `{"janus":"keepalive"}`},
		{"?apisecret=s&maxev=3", nil, nil, 200, `[{"janus":"keepalive"}]`},
		{"?apisecret=wrong", nil, nil, 403, ""},
		{"?apisecret=s", nil, fault.New(fault.SessionNotFound, nil), 404, ""},
		{"?apisecret=s", nil, fault.New(fault.NodeUnavailable, nil), 503, ""},
	} {
		s := server(&fakeAPI{poll: func(_ int, give func([][]byte) error) error {
			if c.err != nil {
				return c.err
			}
			return give(c.events)
		}})
		if r := ask(s, "GET", "/janus/7"+c.query, ""); r.StatusCode != c.status || text(r) != c.want {
			t.Errorf("%s: status %d", c.query, r.StatusCode)
		}
	}
}

func TestAdministratorsHaveNothingToPoll(t *testing.T) {
	s := server(&fakeAPI{ask: func(string, uint64, uint64) string { return `{}` }}, func(o *Options) { o.Admin = true })
	const missing = `{"janus":"error","error":{"code":454,"reason":"Request payload missing"}}`
	for path, want := range map[string]string{"": missing, "/1": missing, "/1/2": missing, "/list_sessions": missing, "/info": "{}"} {
		if r := ask(s, "GET", "/janus"+path, ""); r.StatusCode != 200 || text(r) != want {
			t.Errorf("%s: status %d", path, r.StatusCode)
		}
	}
}

func TestInfoIsNotPosted(t *testing.T) {
	s := server(&fakeAPI{ask: func(string, uint64, uint64) string { return `{}` }})
	for path, want := range map[string]int{"/info": 400, "/ping": 400, "/info/2": 400, "/abc": 200} {
		if r := ask(s, "POST", "/janus"+path, "{}"); r.StatusCode != want {
			t.Errorf("%s: status %d", path, r.StatusCode)
		}
	}
}

func TestAnEndpointThatHasLeftWasGivenNothing(t *testing.T) {
	ctx, leave := context.WithCancel(t.Context())
	var given error
	s := server(&fakeAPI{poll: func(_ int, give func([][]byte) error) error {
		leave()
		given = give([][]byte{[]byte(`{}`)})
		return given
	}})
	s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/janus/7?apisecret=s", nil).WithContext(ctx))
	if !errors.Is(given, context.Canceled) {
		t.Errorf("got %v", given)
	}
}

// TestWhoClosesAfterReadingWasGivenAll: curl, a proxy that speaks HTTP/1.0, and whoever wants no further answer close as soon as they
// have read what Content-Length says.
func TestWhoClosesAfterReadingWasGivenAll(t *testing.T) {
	for _, request := range []string{
		"GET /janus/7?apisecret=s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		"GET /janus/7?apisecret=s HTTP/1.0\r\n\r\n",
		"GET /janus/7?apisecret=s HTTP/1.1\r\nHost: x\r\n\r\n",
	} {
		given := make(chan error, 1)
		web := httptest.NewServer(server(&fakeAPI{poll: func(_ int, give func([][]byte) error) error {
			err := give([][]byte{[]byte(`{}`)})
			given <- err
			return err
		}}))
		for range 100 {
			conn, err := net.Dial("tcp", web.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(conn, request); err != nil {
				t.Fatal(err)
			}
			response, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := text(response); got != "{}" {
				t.Errorf("read %q", got)
			}
			_ = conn.Close()
			if err := <-given; err != nil {
				t.Fatalf("%q: the endpoint has it, and it counts as not given: %v", request, err)
			}
		}
		web.Close()
	}
}

// TestRefusalsAreCountedFromZero: rate() sees the first of them then.
func TestRefusalsAreCountedFromZero(t *testing.T) {
	want := `
		# HELP http_requests_total Requests over HTTP, by status.
		# TYPE http_requests_total counter
		http_requests_total{status="503"} 0
	`
	if err := testutil.CollectAndCompare(server(&fakeAPI{}).requests, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}

func said(r *http.Response) string {
	b, _ := io.ReadAll(r.Body)
	return string(b)
}

func TestLimits(t *testing.T) {
	answer := &fakeAPI{ask: func(string, uint64, uint64) string { return `{}` }}
	if r := ask(server(answer), "POST", "/janus", strings.Repeat("x", 101)); r.StatusCode != http.StatusRequestEntityTooLarge || said(r) != "a request may have 100 bytes\n" {
		t.Errorf("too large a body: %d", r.StatusCode)
	}
	if r := ask(server(answer, func(o *Options) { o.MaxPending = 0 }), "POST", "/janus", ""); r.StatusCode != http.StatusServiceUnavailable || said(r) != "0 requests are under way here\n" {
		t.Errorf("too many requests: %d", r.StatusCode)
	}
}

func TestOnlyPagesOfTheOriginsMayAsk(t *testing.T) {
	s := server(&fakeAPI{ask: func(string, uint64, uint64) string { return `{}` }}, func(o *Options) { o.Origins = []string{"https://a"} })
	if r := ask(s, "POST", "/janus", "", "Origin", "https://a"); r.StatusCode != 200 || r.Header.Get("Access-Control-Allow-Origin") != "https://a" ||
		r.Header.Get("Access-Control-Allow-Credentials") != "true" {
		t.Errorf("welcome: %d, %v", r.StatusCode, r.Header)
	}
	if r := ask(s, "POST", "/janus", "", "Origin", "https://b"); r.StatusCode != 403 || r.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("not welcome: %d, %v", r.StatusCode, r.Header)
	}
	if r := ask(s, "POST", "/janus", ""); r.StatusCode != 200 {
		t.Errorf("no page: %d", r.StatusCode)
	}
}

func TestOwnPagesMayAskByAddressAlone(t *testing.T) {
	pages := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "page "+r.URL.Path) })
	s := server(&fakeAPI{ask: func(string, uint64, uint64) string { return "{}" }}, func(o *Options) {
		o.Origins, o.Pages = []string{""}, pages
	})
	for target, want := range map[string]int{
		"http://127.0.0.1:7088/janus": 200, "http://localhost:7088/janus": 200, "http://[::1]:7088/janus": 200,
		"http://rebound.example:7088/janus": 403, // a name that somebody made stand for this machine
	} {
		origin, _, _ := strings.Cut(strings.TrimPrefix(target, "http://"), "/")
		if r := ask(s, "POST", target, "{}", "Origin", "http://"+origin); r.StatusCode != want {
			t.Errorf("a page of %s: %d", origin, r.StatusCode)
		}
		if r := ask(s, "POST", target, "{}", "Origin", "http://other.example"); r.StatusCode != 403 {
			t.Errorf("a page of another: %d", r.StatusCode)
		}
	}
	if r := ask(s, "GET", "/operator/", ""); text(r) != "page /operator/" {
		t.Errorf("%d", r.StatusCode)
	}
}
