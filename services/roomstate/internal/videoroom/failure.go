package videoroom

import "github.com/cardea-rtc/cardea/services/roomstate/internal/request"

// The codes of the plugin's errors.
const (
	errUnknown        = 499
	errNotObject      = 422
	errRequest        = 423
	errJoinFirst      = 424
	errAlreadyJoined  = 425
	errNoSuchRoom     = 426
	errRoomExists     = 427
	errNoSuchFeed     = 428
	errMissing        = 429
	errInvalid        = 430
	errSDPType        = 431
	errPublishersFull = 432
	errUnauthorized   = 433
	errPublished      = 434
	errNotPublished   = 435
	errIDExists       = 436
	errInvalidSDP     = 437
	errInvalidFeed    = 438
)

// ErrRoomExists is the code of the error that a room cannot be made again.
const ErrRoomExists = errRoomExists

// failure is an error of the plugin's, as the endpoint sees it.
type failure struct {
	VideoRoom string `json:"videoroom"`
	Code      int    `json:"error_code"`
	Text      string `json:"error"`
}

func fail(code int, format string, args ...any) *failure {
	return &failure{VideoRoom: "event", Code: code, Text: request.Words(format, args...)}
}

var render = request.Render
