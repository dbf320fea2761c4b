package videoroom

import (
	"bytes"
	"encoding/json"
	"maps"
	"math"
	"strconv"
	"strings"
)

// object is a JSON object as it came, numbers unread.
type object map[string]any

// readObject reads one JSON object.
func readObject(b []byte) (object, bool) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, false
	}
	o, ok := v.(map[string]any)
	return o, ok
}

// kind is a type that a field must have.
type kind int

const (
	positive kind = iota // an integer that is not negative
	integer
	text
	boolean
	array
	dict
)

func (k kind) String() string {
	return [...]string{"a positive integer", "an integer", "a string", "a boolean", "an array", "an object"}[k]
}

func (k kind) fits(v any) bool {
	ok := false
	switch k {
	case positive, integer:
		n, isNumber := v.(json.Number)
		if isNumber && !strings.ContainsAny(n.String(), ".eE") {
			i, err := n.Int64()
			ok = err == nil && (k == integer || i >= 0)
		}
	case text:
		_, ok = v.(string)
	case boolean:
		_, ok = v.(bool)
	case array:
		_, ok = v.([]any)
	case dict:
		_, ok = v.(map[string]any)
	}
	return ok
}

// field is an entry of a validation table.
type field struct {
	name     string
	kind     kind
	required bool
}

func must(name string, k kind) field { return field{name, k, true} }
func may(name string, k kind) field  { return field{name, k, false} }

// check goes through a table in its order and returns the first fault.
func (o object) check(table ...field) *failure {
	for _, f := range table {
		v, there := o[f.name]
		if !there {
			if f.required {
				return missing(f.name)
			}
			continue
		}
		if !f.kind.fits(v) {
			return wrongType(f.name, f.kind)
		}
	}
	return nil
}

func missing(name string) *failure { return fail(errMissing, "Missing mandatory element (%s)", name) }

func wrongType(name string, k kind) *failure {
	return fail(errInvalid, "Invalid element type (%s should be %s)", name, k)
}

func (o object) has(name string) bool {
	_, ok := o[name]
	return ok
}

// The following read fields that have been checked; an absent one gives ok false, or the value given for it.

func (o object) text(name string) (string, bool) {
	s, ok := o[name].(string)
	return s, ok
}

func (o object) bool(name string) (value, ok bool) {
	value, ok = o[name].(bool)
	return value, ok
}

func (o object) boolOr(name string, absent bool) bool {
	if v, ok := o.bool(name); ok {
		return v
	}
	return absent
}

func (o object) int(name string) (int64, bool) {
	n, ok := o[name].(json.Number)
	if !ok {
		return 0, false
	}
	i, err := n.Int64()
	return i, err == nil
}

// uint32 is int, with values beyond the type cut to its limits.
func (o object) uint32(name string) (uint32, bool) {
	i, ok := o.int(name)
	return uint32(min(max(i, 0), math.MaxUint32)), ok
}

func (o object) uint32Or(name string, absent uint32) uint32 {
	if v, ok := o.uint32(name); ok {
		return v
	}
	return absent
}

// int32 is int, with values beyond the type cut to its limits.
func (o object) int32(name string) (int32, bool) {
	i, ok := o.int(name)
	return int32(min(max(i, math.MinInt32), math.MaxInt32)), ok
}

// cInt is an integer as Janus reads a field whose type it has not checked: the low 32 bits, and 0 of what is no integer.
func (o object) cInt(name string) int32 {
	i, _ := o.int(name)
	return int32(i)
}

// only returns a copy without those fields of the table that are of another type. Janus takes them so where it builds
// an item of a list from the body. An integer's sign is not looked at yet.
func (o object) only(table ...field) object {
	c := maps.Clone(o)
	for _, f := range table {
		k := f.kind
		if k == positive {
			k = integer
		}
		if v, there := c[f.name]; there && !k.fits(v) {
			delete(c, f.name)
		}
	}
	return c
}

// raw returns a field's JSON.
func (o object) raw(name string) (json.RawMessage, bool) {
	v, ok := o[name]
	if !ok {
		return nil, false
	}
	b, err := json.Marshal(v)
	return b, err == nil
}

// id reads a field that may be a room's or feed's id. What is no id is not ok.
func (o object) id(name string, strings bool) (ID, bool) {
	switch v := o[name].(type) {
	case string:
		return stringID(v), strings
	case json.Number:
		if strings || !positive.fits(v) {
			return "", false
		}
		i, _ := v.Int64()
		return ID(strconv.FormatInt(i, 10)), true
	}
	return "", false
}

// objects reads an array of objects. An element that is none counts as an empty one, which lacks what is mandatory.
func (o object) objects(name string) []object {
	list, _ := o[name].([]any)
	all := make([]object, 0, len(list))
	for _, v := range list {
		item, _ := v.(map[string]any)
		all = append(all, item)
	}
	return all
}

// strings reads an array of strings.
func (o object) strings(name string) ([]string, bool) {
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

// idKind is the type of ids in this mode.
func (c *Config) idKind() kind {
	if c.StringIDs {
		return text
	}
	return positive
}
