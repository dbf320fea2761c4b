package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/store"
)

// stored is a cluster's state that only has lists.
type stored struct {
	cluster
	ids    []uint64
	tokens map[string][]string
}

func (s *stored) Sessions(context.Context) ([]uint64, error)          { return slices.Clone(s.ids), nil }
func (s *stored) Tokens(context.Context) (map[string][]string, error) { return s.tokens, nil }

// gather asks for pages until there is no more, and returns what they hold.
func gather(t *testing.T, do func(r *request) (members, error), list func(m members) []any) (all []any, pages int) {
	t.Helper()
	parameters := []byte("{}")
	for {
		pages++
		got, err := do(&request{parameters: parameters})
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(got)
		if err != nil || len(b) > bus.MaxMessage*2/3 {
			t.Fatalf("a page of %d bytes, %v", len(b), err)
		}
		all = append(all, list(got)...)
		next, more := got["next"]
		if !more {
			return all, pages
		}
		if parameters, err = json.Marshal(members{"after": next}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSessionsAreListedInPages(t *testing.T) {
	for _, n := range []int{0, 1, sessionsPage, sessionsPage + 1, 2*sessionsPage + 5} {
		s := &Service{Store: &stored{}}
		var want []uint64
		for i := range n {
			want = append(want, 1<<53-1-uint64(i))
		}
		s.Store.(*stored).ids = want
		got, pages := gather(t, func(r *request) (members, error) { return s.listSessions(t.Context(), r) }, func(m members) (all []any) {
			for _, id := range m["sessions"].([]uint64) {
				all = append(all, id)
			}
			return all
		})
		slices.Reverse(want)
		if fmt.Sprint(got) != fmt.Sprint(want) && n > 0 || pages != max(1, (n+sessionsPage-1)/sessionsPage) {
			t.Errorf("of %d: %d in %d pages", n, len(got), pages)
		}
	}
}

func TestTokensAreListedInPages(t *testing.T) {
	s := &Service{Store: &stored{tokens: map[string][]string{"none": {}}}}
	const n = 3000
	for i := range n {
		s.Store.(*stored).tokens[fmt.Sprintf("%04d", i)+strings.Repeat("x", 1000)] = []string{"a", "b"}
	}
	got, pages := gather(t, func(r *request) (members, error) { return s.listTokens(t.Context(), r) }, func(m members) (all []any) {
		for _, one := range m["data"].(members)["tokens"].([]members) {
			all = append(all, one["token"])
		}
		return all
	})
	if len(got) != n || pages < 2 {
		t.Fatalf("%d in %d pages", len(got), pages)
	}
	for i, token := range got {
		if !strings.HasPrefix(token.(string), fmt.Sprintf("%04d", i)) {
			t.Fatalf("%.8s comes %d.", token, i)
		}
	}
}

func (s *stored) Session(_ context.Context, session uint64) (store.SessionRecord, error) {
	if session%100 == 0 {
		return store.SessionRecord{}, store.ErrNoSession // it ends just now
	}
	return store.SessionRecord{Handles: map[uint64]plugin.Handle{1: {OpaqueID: strings.Repeat("x", 500)}}}, nil
}

func TestSessionsAreDescribedInPages(t *testing.T) {
	s := &Service{Store: &stored{}}
	const n = 5000
	for i := range n {
		s.Store.(*stored).ids = append(s.Store.(*stored).ids, uint64(i+1))
	}
	got, pages := gather(t, func(r *request) (members, error) {
		r.parameters = slices.Concat([]byte(`{"details":true,`), r.parameters[1:])
		if string(r.parameters) == `{"details":true,}` {
			r.parameters = []byte(`{"details":true}`)
		}
		return s.listSessions(t.Context(), r)
	}, func(m members) (all []any) {
		for _, one := range m["sessions"].([]members) {
			all = append(all, one["session_id"])
		}
		return all
	})
	if len(got) != n-n/100 || pages < 3 || got[99] != uint64(101) {
		t.Errorf("%d in %d pages, %v", len(got), pages, got[99])
	}
}
