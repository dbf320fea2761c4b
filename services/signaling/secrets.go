package signaling

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/cardea-rtc/cardea/services/signaling/internal/edge"
)

// readAuth reads what requests must carry.
func readAuth(cfg Config) (edge.Auth, error) {
	secret, err := readSecret("api-secret-file", cfg.APISecretFile)
	if err != nil {
		return edge.Auth{}, err
	}
	tokens, err := readSecret("token-secret-file", cfg.TokenSecretFile)
	if err != nil {
		return edge.Auth{}, err
	}
	if tokens != "" && !cfg.TokenAuth {
		return edge.Auth{}, errors.New("token-secret-file is of no use without token-auth")
	}
	return edge.Auth{Secret: secret, Tokens: cfg.TokenAuth, TokenSecret: tokens}, nil
}

func readSecret(setting, file string) (string, error) {
	if file == "" {
		return "", nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("%s: %w", setting, err)
	}
	secret := strings.TrimSpace(string(b))
	if secret == "" {
		return "", fmt.Errorf("%s %s is empty", setting, file)
	}
	return secret, nil
}
