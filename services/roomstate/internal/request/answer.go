package request

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Members are of a JSON object.
type Members map[string]any

// Render is for answers, events and records, whose types all have a JSON form.
func Render(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("%T has no JSON form: %v", v, err))
	}
	return b
}

// mostWords is how many bytes of an error's text Janus keeps: much of it may be what the endpoint has sent.
const mostWords = 511

// Words are an error's text, cut as Janus does.
func Words(format string, args ...any) string {
	text := fmt.Sprintf(format, args...)
	if len(text) > mostWords {
		text = strings.ToValidUTF8(text[:mostWords], "")
	}
	return text
}
