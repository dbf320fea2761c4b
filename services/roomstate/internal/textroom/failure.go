package textroom

import "github.com/cardea-rtc/cardea/services/roomstate/internal/request"

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

func fail(code int, format string, args ...any) *failure {
	return &failure{TextRoom: "error", Code: code, Text: request.Words(format, args...)}
}

// check is request.Check under the plugin's numbers.
func check(o request.Object, table ...request.Field) *failure {
	if f := o.Check(table...); f != nil {
		return fail(f.Code(errMissing, errInvalid), "%s", f.Text)
	}
	return nil
}

type members = request.Members

var render = request.Render
