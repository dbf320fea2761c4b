package videoroom

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"
)

// signedFor tells whether a token lets its bearer into a room: "<expiry>,<realm>,<descriptor>…:<signature>", where one
// descriptor is room=<id>, expiry is in seconds since 1970, and the signature is the base64 of the HMAC-SHA1 of what is
// before the colon (spec/videoroom.md, 1.4).
func signedFor(token, secret string, room ID, now time.Time) bool {
	signed, signature, ok := strings.Cut(token, ":")
	if !ok {
		return false
	}
	parts := strings.Split(signed, ",")
	if len(parts) < 3 || parts[1] != Name || !slices.Contains(parts[2:], "room="+room.String()) {
		return false
	}
	expiry, err := strconv.ParseInt(parts[0], 10, 64)
	if err != nil || now.Unix() > expiry {
		return false
	}
	got, err := base64.StdEncoding.Strict().DecodeString(signature)
	if err != nil {
		return false
	}
	h := hmac.New(sha1.New, []byte(secret))
	h.Write([]byte(signed))
	return hmac.Equal(got, h.Sum(nil))
}

// tokenFits fails unless the request has a signed token for the room, where the room wants one. A replica that was not
// given the secret lets nobody in.
func (d *draft) tokenFits() *failure {
	if !d.attributes.SignedTokens {
		return nil
	}
	if token, _ := d.body.text("token"); d.cfg.TokenSecret == "" || !signedFor(token, d.cfg.TokenSecret, d.id, d.Now) {
		return fail(errUnauthorized, "Unauthorized (wrong token)")
	}
	return nil
}
