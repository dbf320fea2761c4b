package videoroom

import "github.com/cardea-rtc/cardea/services/roomstate/internal/request"

type (
	object = request.Object
	field  = request.Field
)

// The types that fields have.
const (
	positive = request.Positive
	integer  = request.Integer
	text     = request.Text
	boolean  = request.Boolean
	array    = request.Array
	dict     = request.Dict
)

var must, may = request.Must, request.May

// check is request.Check under the plugin's numbers.
func check(o object, table ...field) *failure {
	if f := o.Check(table...); f != nil {
		return fail(f.Code(errMissing, errInvalid), "%s", f.Text)
	}
	return nil
}

// idKind is the type of ids in this mode.
func (c *Config) idKind() request.Kind { return request.IDKind(c.StringIDs) }
