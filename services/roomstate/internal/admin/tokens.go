package admin

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/store"
)

// grant is what requests about tokens have.
type grant struct {
	Token   string `json:"token"`
	Plugins []any  `json:"plugins"`
}

// token is an edge's question: what may this token's bearer attach to?
func (s *Service) token(ctx context.Context, r *request) (members, error) {
	var g grant
	if err := r.read(&g); err != nil {
		return nil, err
	}
	plugins, err := s.Store.Token(ctx, g.Token)
	if err != nil {
		return nil, noToken(err, g.Token)
	}
	return members{"allowed_plugins": plugins}, nil
}

// known keeps what names a plugin.
func (s *Service) known(names []any) []string {
	var out []string
	for _, name := range names {
		if text, ok := name.(string); ok && s.Plugins[text] != nil {
			out = append(out, text)
		}
	}
	return out
}

// addToken adds to what a token is for; without plugins it is for all. Unknown ones are passed over, as at Janus.
func (s *Service) addToken(ctx context.Context, r *request) (members, error) {
	var g grant
	if err := r.read(&g); err != nil {
		return nil, err
	}
	add := s.known(g.Plugins)
	if len(g.Plugins) == 0 {
		add = slices.Collect(maps.Keys(s.Plugins))
	}
	return s.change(ctx, g.Token, true, func(has []string) []string { return append(has, add...) })
}

func (s *Service) allowToken(ctx context.Context, r *request) (members, error) {
	return s.permit(ctx, r, func(has, named []string) []string { return append(has, named...) })
}

func (s *Service) disallowToken(ctx context.Context, r *request) (members, error) {
	return s.permit(ctx, r, func(has, named []string) []string {
		return slices.DeleteFunc(has, func(name string) bool { return slices.Contains(named, name) })
	})
}

// permit changes what a token that exists is for. All plugins named must be known.
func (s *Service) permit(ctx context.Context, r *request, to func(has, named []string) []string) (members, error) {
	var g grant
	if err := r.read(&g); err != nil {
		return nil, err
	}
	if _, err := s.Store.Token(ctx, g.Token); err != nil {
		return nil, noToken(err, g.Token)
	}
	named := s.known(g.Plugins)
	if len(named) == 0 || len(named) != len(g.Plugins) {
		return nil, fault.Newf(fault.BadElement, "Invalid element type (some of the provided plugins are invalid)")
	}
	return s.change(ctx, g.Token, false, func(has []string) []string { return to(has, named) })
}

func (s *Service) change(ctx context.Context, token string, make bool, to func(has []string) []string) (members, error) {
	next, err := s.Store.ChangeToken(ctx, token, make, func(has []string) []string {
		next := to(has)
		slices.Sort(next)
		if next = slices.Compact(next); next == nil {
			next = []string{}
		}
		return next
	})
	if err != nil {
		return nil, noToken(err, token)
	}
	return members{"data": members{"plugins": next}}, nil
}

// tokensPage is how many bytes of tokens go into one message, unless there is but one.
const tokensPage = 400 << 10

// listTokens lists all, or a page of those after one. It leaves out those that are for no plugin, as Janus does.
func (s *Service) listTokens(ctx context.Context, r *request) (members, error) {
	var p struct {
		After string `json:"after"`
	}
	if err := r.read(&p); err != nil {
		return nil, err
	}
	tokens, err := s.Store.Tokens(ctx)
	if err != nil {
		return nil, err
	}
	list := []members{}
	size := 0
	for _, token := range slices.Sorted(maps.Keys(tokens)) {
		if len(tokens[token]) == 0 || p.After != "" && token <= p.After {
			continue
		}
		const punctuation = 64
		size += len(token) + len(strings.Join(tokens[token], `","`)) + punctuation
		if size > tokensPage && len(list) > 0 {
			return members{"data": members{"tokens": list}, "next": list[len(list)-1]["token"]}, nil
		}
		list = append(list, members{"token": token, "allowed_plugins": tokens[token]})
	}
	return members{"data": members{"tokens": list}}, nil
}

func (s *Service) removeToken(ctx context.Context, r *request) (members, error) {
	var g grant
	if err := r.read(&g); err != nil {
		return nil, err
	}
	err := s.Store.DropToken(ctx, g.Token)
	if errors.Is(err, store.ErrNoToken) {
		return nil, fault.Newf(fault.BadRequest, "Error removing token")
	}
	return members{}, err
}
