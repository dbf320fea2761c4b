package conform

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// values are what each field is tried with: every type, the ends of every range, and text that is too long to be meant.
var values = []string{
	`null`, `true`, `false`, `"x"`, `""`, `5`, `0`, `-1`, `1.5`, `4294967296`, `9223372036854775807`, `9223372036854775808`,
	`[]`, `[5]`, `{}`, `"` + strings.Repeat("long ", 600) + `"`,
}

// missing stands for a field that is not there.
const missing = ""

// mutants returns the requests that come of a sound one when each field in turn is left out or has another value.
// fields are paths such as "streams.0.mid", space-separated; they need not be in the sound request.
func mutants(sound, fields string) []string {
	var all []string
	for path := range strings.FieldsSeq(fields) {
		for _, value := range append([]string{missing}, values...) {
			if n, ok := map[string]string{`5`: `8`, `0`: `0`, `4294967296`: `8589934592`, `9223372036854775807`: `8`}[value]; ok && path == "room" && !strings.Contains(sound, `"create"`) {
				value = n // others make the rooms that have small numbers
			}
			if text, ok := with(sound, strings.Split(path, "."), value); ok {
				all = append(all, text)
			}
		}
	}
	return all
}

// with returns an object's text with value at path. It is not ok if nothing changes by it.
func with(object string, path []string, value string) (string, bool) {
	var v any
	dec := json.NewDecoder(strings.NewReader(object))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		panic(fmt.Sprintf("not JSON: %s", object)) // ours
	}
	changed, ok := set(v, path, value)
	if !ok {
		return "", false
	}
	b, err := json.Marshal(changed)
	if err != nil {
		panic(err) // of what was decoded
	}
	return string(b), string(b) != compact(object)
}

func compact(object string) string {
	var v any
	dec := json.NewDecoder(strings.NewReader(object))
	dec.UseNumber()
	_ = dec.Decode(&v) // with has done so already
	b, _ := json.Marshal(v)
	return string(b)
}

func set(v any, path []string, value string) (any, bool) {
	if list, ok := v.([]any); ok {
		i, err := strconv.Atoi(path[0])
		if err != nil || i >= len(list) {
			return nil, false
		}
		if len(path) == 1 {
			if value == missing {
				return append(list[:i:i], list[i+1:]...), true
			}
			list[i] = json.RawMessage(value)
			return list, true
		}
		list[i], ok = set(list[i], path[1:], value)
		return list, ok
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, false
	}
	if len(path) == 1 {
		if value == missing {
			delete(object, path[0])
		} else {
			object[path[0]] = json.RawMessage(value)
		}
		return object, true
	}
	object[path[0]], ok = set(object[path[0]], path[1:], value)
	return object, ok
}
