package settings

import (
	"fmt"
	"os"
	"strings"
)

// Secret reads a secret from the file that a setting names: what is in it, less the end of its line. Without a file there is
// none; an empty one is an error.
func Secret(setting, path string) (string, error) {
	if path == "" {
		return "", nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("%s: %w", setting, err)
	}
	secret := strings.TrimRight(string(b), "\r\n")
	if secret == "" {
		return "", fmt.Errorf("%s: %s is empty", setting, path)
	}
	return secret, nil
}
