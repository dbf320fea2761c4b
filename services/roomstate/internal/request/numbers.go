package request

import (
	"encoding/json"
	"maps"
	"math"
)

// Int reads an integer.
func (o Object) Int(name string) (int64, bool) {
	n, ok := o[name].(json.Number)
	if !ok {
		return 0, false
	}
	i, err := n.Int64()
	return i, err == nil
}

// Uint32 is Int, with values beyond the type cut to its limits.
func (o Object) Uint32(name string) (uint32, bool) {
	i, ok := o.Int(name)
	return uint32(min(max(i, 0), math.MaxUint32)), ok
}

// Uint32Or is Uint32, or absent.
func (o Object) Uint32Or(name string, absent uint32) uint32 {
	if v, ok := o.Uint32(name); ok {
		return v
	}
	return absent
}

// Int32 is Int, with values beyond the type cut to its limits.
func (o Object) Int32(name string) (int32, bool) {
	i, ok := o.Int(name)
	return int32(min(max(i, math.MinInt32), math.MaxInt32)), ok
}

// CInt is an integer as Janus reads a field whose type it has not checked: the low 32 bits, and 0 of what is no integer.
func (o Object) CInt(name string) int32 {
	i, _ := o.Int(name)
	return int32(i)
}

// Item returns a copy in which fields of the table that are of another type are what Janus makes of them where it builds an item of
// a list from the body: 0, or false; all else is left out. An integer's sign is not looked at yet.
func (o Object) Item(table ...Field) Object {
	c := maps.Clone(o)
	for _, f := range table {
		k := f.Kind
		if k == Positive {
			k = Integer
		}
		v, there := c[f.Name]
		switch {
		case !there || k.fits(v):
		case k == Integer:
			c[f.Name] = json.Number("0")
		case k == Boolean:
			c[f.Name] = false
		default:
			delete(c, f.Name)
		}
	}
	return c
}

// Raw returns a field's JSON.
func (o Object) Raw(name string) (json.RawMessage, bool) {
	v, ok := o[name]
	if !ok {
		return nil, false
	}
	b, err := json.Marshal(v)
	return b, err == nil
}

// Objects reads an array of objects. An element that is none counts as an empty one, which lacks what is mandatory.
func (o Object) Objects(name string) []Object {
	list, _ := o[name].([]any)
	all := make([]Object, 0, len(list))
	for _, v := range list {
		item, _ := v.(map[string]any)
		all = append(all, item)
	}
	return all
}
