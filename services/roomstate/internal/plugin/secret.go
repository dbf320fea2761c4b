package plugin

// Secret is a text that may be another from one request to the next; nil is none. Whether there is one does not change.
type Secret func() string

// Fixed is a secret that stays.
func Fixed(text string) Secret { return func() string { return text } }

// Text returns it as it is now, "" for none.
func (s Secret) Text() string {
	if s == nil {
		return ""
	}
	return s()
}
