package rest

import (
	"bytes"
	"crypto/rand"
	"fmt"
)

// shorthand is the request that a GET of this name stands for.
func shorthand(name string) []byte {
	return fmt.Appendf(nil, `{"janus":%q,"transaction":%q}`, name, rand.Text())
}

// list makes messages a JSON array.
func list(messages [][]byte) []byte {
	return fmt.Appendf(nil, "[%s]", bytes.Join(messages, []byte{','}))
}
