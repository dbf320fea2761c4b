package edge

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/reread"
	"github.com/cardea-rtc/cardea/proto/token"
	"github.com/cardea-rtc/cardea/services/signaling/internal/jwt"
)

// Auth is what requests must carry (spec/janus-api.md, section 2.7). Without a secret and without tokens, nothing; with
// both, either is enough.
type Auth struct {
	Secret      *reread.Secret // the apisecret; nil for none
	Tokens      bool           // a token may, or must, be there
	TokenSecret *reread.Secret // tokens are signed with it; nil for none
	JWT         *jwt.Verifier  // tokens are JWTs; nil for none. Without either they are stored, and roomstate knows them
}

// realm is what signed tokens of the core are for.
const realm = "janus"

// asks tells whether roomstate has to be asked about a token.
func (a *Auth) asks() bool { return a.Tokens && a.TokenSecret == nil && a.JWT == nil }

// grant is what a request may do.
type grant struct {
	restricted bool // to some plugins
	plugins    []string
	rights     *busv1.Rights // in rooms; nil for all that anybody has
	kept       string        // what is kept with handles as the token they were made with
}

// unauthorized is the answer to a request without a right.
var errUnauthorized = fault.New(fault.Unauthorized, nil)

// authorize returns what a request with this secret and this token may do. A token, if one is there, restricts what
// can be attached to even if the secret is good.
func (e *Edge) authorize(ctx context.Context, secret, text string) (grant, error) {
	a := &e.opt.Auth
	bySecret := a.Secret.Is(secret)
	switch {
	case a.Secret == nil && !a.Tokens:
		return grant{kept: text}, nil
	case !a.Tokens && !bySecret:
		return grant{}, errUnauthorized
	case !a.Tokens || bySecret && text == "":
		return grant{kept: text}, nil
	}
	g, err := e.grantedBy(ctx, text)
	switch {
	case err == nil:
		return g, nil
	case fault.Of(err) != fault.TokenNotFound:
		return grant{}, err
	case bySecret:
		return grant{restricted: true, kept: text}, nil
	}
	return grant{}, errUnauthorized
}

// grantedBy returns what a token is for, or a fault.TokenNotFound. There is a colon in all that are signed, and in no JWT.
func (e *Edge) grantedBy(ctx context.Context, text string) (grant, error) {
	a := &e.opt.Auth
	switch {
	case text == "":
		return grant{}, fault.New(fault.TokenNotFound, nil)
	case a.JWT != nil && (a.TokenSecret == nil || !strings.Contains(text, ":")):
		return e.grantedByJWT(text)
	case a.TokenSecret != nil:
		t, ok := token.Check(text, a.TokenSecret.Text(), realm, time.Now())
		if !ok {
			return grant{}, fault.New(fault.TokenNotFound, nil)
		}
		return grant{restricted: true, plugins: t.Descriptors(), kept: text}, nil
	}
	var answer struct {
		Plugins []string `json:"allowed_plugins"`
	}
	if err := e.askAdmin(ctx, 0, 0, "token", map[string]any{"token": text}, &answer); err != nil {
		return grant{}, err
	}
	return grant{restricted: true, plugins: answer.Plugins, kept: text}, nil
}

// grantedByJWT keeps the token's subject only: what is kept is shown to administrators and event handlers, and the token would
// let them in.
func (e *Edge) grantedByJWT(text string) (grant, error) {
	claims, err := e.opt.Auth.JWT.Verify(text, time.Now())
	if err != nil {
		if e.refusals.Allow() {
			e.log.Info("token refused", "err", err)
		}
		return grant{}, fault.New(fault.TokenNotFound, nil)
	}
	g := grant{restricted: !claims.AnyPlugin, plugins: claims.Plugins, kept: claims.Subject}
	if !claims.AnyRoom || claims.Role != "" {
		g.rights = &busv1.Rights{AnyRoom: claims.AnyRoom, Rooms: claims.Rooms, Role: claims.Role}
	}
	return g, nil
}

// Authorized tells whether a long poll may be made with these.
func (e *Edge) Authorized(ctx context.Context, secret, text string) bool {
	ctx, cancel := context.WithTimeout(ctx, e.opt.AnswerTimeout)
	defer cancel()
	_, err := e.authorize(ctx, secret, text)
	return err == nil
}

// askAdmin asks what administrators may ask, and decodes the answer.
func (e *Edge) askAdmin(ctx context.Context, session, handle uint64, request string, parameters, answer any) error {
	data, err := json.Marshal(parameters)
	if err != nil {
		return fmt.Errorf("encode parameters: %w", err)
	}
	reply, err := e.bus.Do(ctx, &busv1.Command{
		Id: e.newCommandID(), SessionId: session, HandleId: handle,
		Verb: &busv1.Command_Admin{Admin: &busv1.Admin{Request: request, Parameters: data}},
	}, nil)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(reply.GetPlugin().GetData(), answer); err != nil {
		return fmt.Errorf("answer to %s: %w", request, err)
	}
	return nil
}
