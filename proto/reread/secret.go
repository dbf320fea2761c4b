package reread

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// Secret is the text of a file, less the space around it. nil is none.
type Secret struct{ text func() string }

// OpenSecret reads the secret from the file that a setting names: "" for none. An empty file is an error at first; one that becomes
// empty or goes leaves the secret as it was.
func OpenSecret(setting, path string, log *slog.Logger) (*Secret, error) {
	if path == "" {
		return nil, nil
	}
	f, err := Open(path, parseSecret, log.With("setting", setting))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", setting, err)
	}
	return &Secret{f.Current}, nil
}

func parseSecret(b []byte) (string, error) {
	secret := strings.TrimSpace(string(b))
	if secret == "" {
		return "", errors.New("the file is empty")
	}
	return secret, nil
}

// Fixed is a secret that does not change; none if it is empty.
func Fixed(text string) *Secret {
	if text == "" {
		return nil
	}
	return &Secret{func() string { return text }}
}

// Text returns the secret as it is now, "" for none.
func (s *Secret) Text() string {
	if s == nil {
		return ""
	}
	return s.text()
}

// Is compares without telling by its time how much of them is the same. Nothing is what none is.
func (s *Secret) Is(given string) bool {
	return s != nil && subtle.ConstantTimeCompare([]byte(given), []byte(s.text())) == 1
}
