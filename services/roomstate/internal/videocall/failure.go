package videocall

import "github.com/cardea-rtc/cardea/services/roomstate/internal/request"

// The codes of the plugin's errors.
const (
	errNotObject     = 471
	errRequest       = 472
	errRegisterFirst = 473
	errInvalid       = 474
	errMissing       = 475
	errNameTaken     = 476
	errRegistered    = 477
	errNoSuchName    = 478
	errSelf          = 479
	errInCall        = 480
	errNoCall        = 481
	errMissingSDP    = 482
	errInvalidSDP    = 483
	errUnknown       = 499
)

// failure is an error of the plugin's, as the endpoint sees it.
type failure struct {
	VideoCall string `json:"videocall"`
	Code      int    `json:"error_code"`
	Text      string `json:"error"`
}

func fail(code int, format string, args ...any) *failure {
	return &failure{VideoCall: "event", Code: code, Text: request.Words(format, args...)}
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
