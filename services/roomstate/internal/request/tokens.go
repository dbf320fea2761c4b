package request

import "fmt"

// How many tokens a room's list may have, and how many bytes they may be together: the list is kept, and answered with.
const (
	MaxTokens     = 10_000
	MaxTokenBytes = 16 << 10
)

// TooManyTokens says what is wrong with a list of tokens beyond these bounds; it is empty for others.
func TooManyTokens(tokens []string) string {
	bytes := 0
	for _, t := range tokens {
		bytes += len(t)
	}
	if len(tokens) <= MaxTokens && bytes <= MaxTokenBytes {
		return ""
	}
	return fmt.Sprintf("Too many tokens (at most %d, of %d bytes together)", MaxTokens, MaxTokenBytes)
}
