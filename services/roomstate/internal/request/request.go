// Package request reads the JSON objects that plugins are asked with, and checks them as Janus does: what is missing or of
// the wrong type is told in the same words by all of its plugins, under numbers of each one's own.
package request

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// Object is a JSON object as it came, numbers unread.
type Object map[string]any

// Read reads one JSON value: ok says that it is JSON, and an Object that is nil that it is something else than an object.
func Read(b []byte) (o Object, ok bool) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return nil, false
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, false
	}
	o, _ = v.(map[string]any)
	return o, true
}

// Kind is a type that a field must have.
type Kind int

// The kinds that there are.
const (
	Positive Kind = iota // an integer that is not negative
	Integer
	Text
	Boolean
	Array
	Dict
)

func (k Kind) String() string {
	return [...]string{"a positive integer", "an integer", "a string", "a boolean", "an array", "an object"}[k]
}

func (k Kind) fits(v any) bool {
	switch k {
	case Positive, Integer:
		n, isNumber := v.(json.Number)
		if !isNumber || strings.ContainsAny(n.String(), ".eE") {
			return false
		}
		i, err := n.Int64()
		return err == nil && (k == Integer || i >= 0)
	case Text:
		_, ok := v.(string)
		return ok
	case Boolean:
		_, ok := v.(bool)
		return ok
	case Array:
		_, ok := v.([]any)
		return ok
	case Dict:
		_, ok := v.(map[string]any)
		return ok
	}
	return false
}

// Field is an entry of a validation table.
type Field struct {
	Name     string
	Kind     Kind
	Required bool
}

// Must and May make fields of a table.
func Must(name string, k Kind) Field { return Field{name, k, true} }

// May makes a field that may be left out.
func May(name string, k Kind) Field { return Field{name, k, false} }

// Fault is what is wrong with a request.
type Fault struct {
	Missing bool // else it is of the wrong type
	Text    string
}

// Code is the number of the fault: missing, or of the wrong type.
func (f *Fault) Code(missing, wrong int) int {
	if f.Missing {
		return missing
	}
	return wrong
}

// Check goes through a table in its order and returns the first fault.
func (o Object) Check(table ...Field) *Fault {
	for _, f := range table {
		v, there := o[f.Name]
		switch {
		case !there && f.Required:
			return &Fault{true, fmt.Sprintf("Missing mandatory element (%s)", f.Name)}
		case there && !f.Kind.fits(v):
			return &Fault{false, fmt.Sprintf("Invalid element type (%s should be %s)", f.Name, f.Kind)}
		}
	}
	return nil
}

// Has tells whether a field is there.
func (o Object) Has(name string) bool {
	_, ok := o[name]
	return ok
}

// The following read fields that have been checked; of one that is absent or of another type ok is false.

// Text reads a string.
func (o Object) Text(name string) (value string, ok bool) {
	value, ok = o[name].(string)
	return value, ok
}

// Bool reads a boolean.
func (o Object) Bool(name string) (value, ok bool) {
	value, ok = o[name].(bool)
	return value, ok
}

// BoolOr is Bool, or absent.
func (o Object) BoolOr(name string, absent bool) bool {
	if v, ok := o.Bool(name); ok {
		return v
	}
	return absent
}

// Uint reads an integer that is not negative.
func (o Object) Uint(name string) (uint64, bool) {
	if !Positive.fits(o[name]) {
		return 0, false
	}
	n, _ := o[name].(json.Number)
	i, _ := n.Int64()
	return uint64(i), true
}

// Strings reads an array of strings; ok is false if it has anything else in it.
func (o Object) Strings(name string) ([]string, bool) {
	list, _ := o[name].([]any)
	all := make([]string, 0, len(list))
	for _, v := range list {
		s, ok := v.(string)
		if !ok {
			return nil, false
		}
		all = append(all, s)
	}
	return all, true
}
