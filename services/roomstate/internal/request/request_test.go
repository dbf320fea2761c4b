package request

import "testing"

func TestFirstFaultOfATableIsTold(t *testing.T) {
	table := []Field{Must("name", Text), May("n", Positive), May("on", Boolean), May("list", Array), May("i", Integer)}
	for body, want := range map[string]string{
		`{}`:                     "Missing mandatory element (name)",
		`{"name":5}`:             "Invalid element type (name should be a string)",
		`{"name":"a","n":-1}`:    "Invalid element type (n should be a positive integer)",
		`{"name":"a","n":1.5}`:   "Invalid element type (n should be a positive integer)",
		`{"name":"a","n":"1"}`:   "Invalid element type (n should be a positive integer)",
		`{"name":"a","on":1}`:    "Invalid element type (on should be a boolean)",
		`{"name":"a","list":{}}`: "Invalid element type (list should be an array)",
		`{"name":"a","i":"-1"}`:  "Invalid element type (i should be an integer)",
		`{"name":"a","n":3,"on":true,"list":[],"i":-1}`: "",
	} {
		o, ok := Read([]byte(body))
		if !ok {
			t.Fatalf("%s is not read", body)
		}
		got := ""
		if f := o.Check(table...); f != nil {
			got = f.Text
		}
		if got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, seed := range []string{`{"a":1,"b":["x"],"c":true}`, `[]`, `{`, `{"a":99999999999999999999}`, `{} {}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		o, ok := Read(b)
		if !ok && o != nil {
			t.Fatal("an object of what is no JSON")
		}
		if o.Check(Must("a", Positive), Must("b", Array), May("c", Text)) != nil {
			return
		}
		if _, ok := o.Uint("a"); !ok {
			t.Fatal("an integer that passed is not read")
		}
	})
}
