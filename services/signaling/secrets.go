package signaling

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/cardea-rtc/cardea/proto/reread"
	"github.com/cardea-rtc/cardea/services/signaling/internal/edge"
	"github.com/cardea-rtc/cardea/services/signaling/internal/jwt"
)

// readAuth reads what requests must carry.
func readAuth(cfg Config, log *slog.Logger) (edge.Auth, error) {
	secret, err := reread.OpenSecret("api-secret-file", cfg.APISecretFile, log)
	if err != nil {
		return edge.Auth{}, err
	}
	tokens, err := reread.OpenSecret("token-secret-file", cfg.TokenSecretFile, log)
	if err != nil {
		return edge.Auth{}, err
	}
	auth := edge.Auth{Secret: secret, Tokens: cfg.TokenAuth, TokenSecret: tokens}
	if cfg.JWTSecretFile != "" || cfg.JWTKeysFile != "" {
		opt := jwt.Options{
			SecretFile: cfg.JWTSecretFile, KeysFile: cfg.JWTKeysFile, Issuer: cfg.JWTIssuer, Audience: cfg.JWTAudience, Leeway: cfg.JWTLeeway,
		}
		if auth.JWT, err = jwt.New(opt, log); err != nil {
			return edge.Auth{}, fmt.Errorf("jwt-secret-file, jwt-keys-file: %w", err)
		}
	}
	if !cfg.TokenAuth && (tokens != nil || auth.JWT != nil) {
		return edge.Auth{}, errors.New("token-secret-file, jwt-secret-file and jwt-keys-file are of no use without token-auth")
	}
	return auth, nil
}
