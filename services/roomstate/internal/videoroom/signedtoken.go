package videoroom

import (
	"time"

	"github.com/cardea-rtc/cardea/proto/token"
)

// signedFor tells whether a token lets its bearer into a room: one of its descriptors is room=<id> (spec/videoroom.md, 1.4).
func signedFor(text, secret string, room ID, now time.Time) bool {
	t, ok := token.Check(text, secret, Name, now)
	return ok && t.Has("room="+room.String())
}

// tokenFits fails unless the request has a signed token for the room, where the room wants one. A replica that was not
// given the secret lets nobody in.
func (d *draft) tokenFits() *failure {
	if !d.attributes.SignedTokens {
		return nil
	}
	if token, _ := d.body.Text("token"); d.cfg.TokenSecret == nil || !signedFor(token, d.cfg.TokenSecret.Text(), d.id, d.Now) {
		return fail(errUnauthorized, "Unauthorized (wrong token)")
	}
	return nil
}
