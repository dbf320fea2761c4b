package textroom

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/request"
)

// The codes of the plugin's errors.
const (
	errNotObject    = 412
	errMissing      = 413
	errInvalid      = 414
	errRequest      = 415
	errSetup        = 416
	errNoSuchRoom   = 417
	ErrRoomExists   = 418
	errUnauthorized = 419
	errNameTaken    = 420
	errAlreadyIn    = 421
	errNotIn        = 422
	errNoSuchUser   = 423
	errUnknown      = 499
)

// failure is an error of the plugin's, as the endpoint sees it.
type failure struct {
	TextRoom    string `json:"textroom"`
	Code        int    `json:"error_code"`
	Text        string `json:"error"`
	Transaction string `json:"transaction,omitempty"`
}

// mostText is how many bytes of an error's text Janus keeps: much of it may be what the endpoint has sent.
const mostText = 511

func fail(code int, format string, args ...any) *failure {
	text := fmt.Sprintf(format, args...)
	if len(text) > mostText {
		text = strings.ToValidUTF8(text[:mostText], "")
	}
	return &failure{TextRoom: "error", Code: code, Text: text}
}

// check is request.Check under the plugin's numbers.
func check(o request.Object, table ...request.Field) *failure {
	switch f := o.Check(table...); {
	case f == nil:
		return nil
	case f.Missing:
		return fail(errMissing, "%s", f.Text)
	default:
		return fail(errInvalid, "%s", f.Text)
	}
}

// members are of a JSON object.
type members map[string]any

// render is for answers and events, whose types all have a JSON form.
func render(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("%T has no JSON form: %v", v, err))
	}
	return b
}
