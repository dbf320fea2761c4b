package post

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestPostsGoNowhereButWhereAllowed(t *testing.T) {
	some, err := ParseAllow([]string{"10.0.0.0/8", "chat.example.org", "2001:db8::1"})
	if err != nil {
		t.Fatal(err)
	}
	names, err := ParseAllow([]string{"chat.example.org"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		allow *Allow
		url   string
		ok    bool
	}{
		{nil, "http://10.1.2.3/", false},
		{&Allow{}, "http://10.1.2.3/", false},
		{some, "http://10.1.2.3/x", true},
		{some, "https://10.1.2.3:8443/x", true},
		{some, "http://[::ffff:10.1.2.3]/", true}, // the same address
		{some, "http://11.1.2.3/", false},
		{some, "http://127.0.0.1/", false},
		{some, "http://169.254.169.254/latest/meta-data", false},
		{some, "http://[2001:db8::1]/", true},
		{some, "http://[2001:db8::2]/", false},
		{some, "http://CHAT.example.org/", true},
		{some, "http://10.1.2.3@127.0.0.1/", false},
		{some, "http://other.example.org/", true}, // its addresses decide
		{names, "http://other.example.org/", false},
		{names, "http://chat.example.org.evil.example/", false},
		{some, "file:///etc/passwd", false},
		{some, "gopher://10.1.2.3/", false},
		{some, "http://", false},
		{some, "nonsense", false},
	} {
		if err := c.allow.Check(c.url); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.url, err)
		}
	}
	if err := (*Allow)(nil).Check("http://a/"); !errors.Is(err, ErrForbidden) || !strings.Contains(err.Error(), "--text-post-allow") {
		t.Errorf("the error does not name the setting: %v", err)
	}
}

func TestListOfDestinationsIsChecked(t *testing.T) {
	for _, bad := range []string{"", "http://a/", "a/b", "10.0.0.0/99", "a b"} {
		if _, err := ParseAllow([]string{bad}); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// run posts, waits until done says so, and ends the poster.
func run(t *testing.T, p *Poster, done func() bool, posts ...plugin.Post) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { p.Run(ctx) })
	p.Post(posts)
	for deadline := time.Now().Add(30 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Error("not within 30 s")
			break
		}
	}
	cancel()
	wg.Wait()
}

func poster(t *testing.T, allow ...string) *Poster {
	t.Helper()
	a, err := ParseAllow(allow)
	if err != nil {
		t.Fatal(err)
	}
	return New(a, slog.New(slog.DiscardHandler))
}

// server notes what is posted to it.
type server struct {
	*httptest.Server
	mu  sync.Mutex
	got []string
}

func serve(t *testing.T, answer func(w http.ResponseWriter, r *http.Request)) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.got = append(s.got, r.Method+" "+r.URL.Path+" "+r.Header.Get("Content-Type")+" "+string(b))
		s.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) heard() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string{}, s.got...)
}

func TestMessagesArePostedInOrder(t *testing.T) {
	s := serve(t, func(http.ResponseWriter, *http.Request) {})
	p := poster(t, "127.0.0.1")
	var posts []plugin.Post
	for _, body := range []string{"1", "2", "3", "4"} {
		posts = append(posts, plugin.Post{URL: s.URL + "/chat", Body: []byte(body)})
	}
	run(t, p, func() bool { return len(s.heard()) == 4 }, posts...)
	want := "POST /chat application/json 1|POST /chat application/json 2|POST /chat application/json 3|POST /chat application/json 4"
	if got := strings.Join(s.heard(), "|"); got != want {
		t.Errorf("got %s", got)
	}
}

func TestNameIsJudgedByTheAddressThatItHas(t *testing.T) {
	s := serve(t, func(http.ResponseWriter, *http.Request) {})
	p := poster(t, "10.0.0.0/8") // not where localhost is
	local := strings.Replace(s.URL, "127.0.0.1", "localhost", 1)
	run(t, p, func() bool { return p.Failed() == 1 }, plugin.Post{URL: local, Body: []byte("{}")})
	if got := s.heard(); len(got) != 0 {
		t.Errorf("posted: %v", got)
	}
}

func TestRedirectionIsNotFollowed(t *testing.T) {
	hidden := serve(t, func(http.ResponseWriter, *http.Request) {})
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, hidden.URL, http.StatusTemporaryRedirect)
	})
	p := poster(t, "127.0.0.1")
	run(t, p, func() bool { return p.Failed() == 1 }, plugin.Post{URL: s.URL, Body: []byte("{}")})
	if len(s.heard()) != 1 || len(hidden.heard()) != 0 {
		t.Errorf("asked %v and %v", s.heard(), hidden.heard())
	}
}

func TestPostsThatDoNotFitAreCounted(t *testing.T) {
	p := poster(t, "127.0.0.1") // nobody sends
	for range queued + 5 {
		p.Post([]plugin.Post{{URL: "http://127.0.0.1/"}})
	}
	if p.Dropped() != 5 {
		t.Errorf("%d dropped", p.Dropped())
	}
}

func FuzzCheck(f *testing.F) {
	for _, seed := range []string{"http://10.0.0.1/", "http://[::1%25lo]/", "//a", "http://a:b@c:1/"} {
		f.Add(seed)
	}
	none := &Allow{}
	f.Fuzz(func(t *testing.T, url string) {
		if none.Check(url) == nil {
			t.Fatal("allowed by an empty list")
		}
	})
}
