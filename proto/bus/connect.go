package bus

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/cardea-rtc/cardea/proto/certs"
	"github.com/cardea-rtc/cardea/proto/settings"
)

// NATS is where that is, and how it is spoken with: the same settings for all services. The tags are their documentation.
type NATS struct {
	NATSURL string `name:"nats-url" env:"CARDEA_NATS_URL" default:"nats://127.0.0.1:4222" help:"NATS servers of one cluster, comma-separated: nats://HOST:PORT, or tls:// for TLS. One with a password belongs into the environment." placeholder:"URL"`

	NATSTLSCA   string `name:"nats-tls-ca" certificate:"authorities" env:"CARDEA_NATS_TLS_CA" help:"File with the certificates that those of NATS servers must be of, PEM; nothing is spoken but TLS then. Default: the machine's. Read again with each new connection, as are the next files." type:"existingfile" placeholder:"FILE"`
	NATSTLSCert string `name:"nats-tls-cert" certificate:"own" env:"CARDEA_NATS_TLS_CERT" help:"File with the certificate to show to NATS, PEM." type:"existingfile" placeholder:"FILE"`
	NATSTLSKey  string `name:"nats-tls-key" env:"CARDEA_NATS_TLS_KEY" help:"File with that certificate's key, PEM." type:"existingfile" placeholder:"FILE"`

	NATSUser         string `name:"nats-user" env:"CARDEA_NATS_USER" help:"User that NATS knows this service by, if that is not in the URL." placeholder:"NAME"`
	NATSPasswordFile string `name:"nats-password-file" env:"CARDEA_NATS_PASSWORD_FILE" help:"File with the user's password." type:"existingfile" placeholder:"FILE"`
	NATSTokenFile    string `name:"nats-token-file" env:"CARDEA_NATS_TOKEN_FILE" help:"File with a token, instead of a user." type:"existingfile" placeholder:"FILE"`
	NATSCredsFile    string `name:"nats-creds-file" env:"CARDEA_NATS_CREDS_FILE" help:"File with a user's JWT and seed, as nsc writes it (.creds), instead of a password." type:"existingfile" placeholder:"FILE"`
}

// Connect is NATS.Connect for servers that ask for nothing but what is in their URL.
func Connect(url, name string, log *slog.Logger) (*nats.Conn, error) {
	return NATS{NATSURL: url}.Connect(name, log)
}

// Connect opens a connection that outlives any outage of the servers: it redials for ever, once a second, finds a
// half-open link within ten seconds, and keeps nothing for later while it is down, since callers repeat.
// It does not wait for the first server to be there. One that refuses who we are is an error if it is the first.
func (n NATS) Connect(name string, log *slog.Logger) (*nats.Conn, error) {
	who, err := n.identity(log)
	if err != nil {
		return nil, err
	}
	nc, err := nats.Connect(n.NATSURL, append(who,
		nats.Name(name),
		nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1),
		nats.IgnoreAuthErrorAbort(), // what NATS knows, or what is in a file, may be changed one before the other
		nats.ReconnectWait(time.Second),
		nats.ReconnectJitter(200*time.Millisecond, 200*time.Millisecond),
		nats.ReconnectBufSize(-1),
		nats.PingInterval(3*time.Second),
		nats.MaxPingsOutstanding(2),
		nats.Timeout(2*time.Second),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				log.Warn("bus lost", "err", err)
			}
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) { log.Info("bus back", "server", nc.ConnectedUrlRedacted()) }),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) { log.Warn("bus away", "err", err) }),
		nats.ErrorHandler(func(_ *nats.Conn, sub *nats.Subscription, err error) {
			subject := ""
			if sub != nil {
				subject = sub.Subject
			}
			log.Warn("bus error", "subject", subject, "err", err)
		}),
	)...)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS at %s: %w", n.Servers(), err)
	}
	return nc, nil
}

// Check says what Connect would refuse before it asks a server.
func (n NATS) Check() error {
	_, err := n.identity(slog.New(slog.DiscardHandler))
	return err
}

// Servers are the URLs without passwords, for logs.
func (n NATS) Servers() string {
	var all []string
	for server := range strings.SplitSeq(n.NATSURL, ",") {
		u, err := url.Parse(strings.TrimSpace(server))
		switch {
		case err != nil:
			all = append(all, "(unreadable)")
		case u.User != nil:
			if _, user := u.User.Password(); !user { // nats://TOKEN@HOST
				u.User = url.User("xxxxx")
			}
			all = append(all, u.Redacted())
		default:
			all = append(all, u.String())
		}
	}
	return strings.Join(all, ",")
}

// identity is how servers know us, and we them.
func (n NATS) identity(log *slog.Logger) (options []nats.Option, err error) {
	for server := range strings.SplitSeq(n.NATSURL, ",") {
		server = strings.TrimSpace(server)
		u, err := url.Parse(server)
		if err != nil { // whose words would tell the password
			return nil, errors.New("nats-url: not a URL, or several with commas between them")
		}
		// Without a scheme it is nats://, and what comes before a colon is a host or a user.
		if strings.Contains(server, "://") && !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme) {
			return nil, fmt.Errorf("nats-url: %s:// is not of NATS, whose URLs begin with nats:// or tls://", u.Scheme)
		}
	}
	if files := (certs.Files{CA: n.NATSTLSCA, Cert: n.NATSTLSCert, Key: n.NATSTLSKey}); files.Any() {
		source, err := certs.Open(files, log)
		if err != nil {
			return nil, fmt.Errorf("nats-tls: %w", err)
		}
		options = append(options, nats.ClientTLSConfig(source.Own, source.Roots))
	}
	ways := 0
	for _, given := range []bool{n.NATSPasswordFile != "" || n.NATSUser != "", n.NATSTokenFile != "", n.NATSCredsFile != ""} {
		if given {
			ways++
		}
	}
	switch {
	case ways > 1:
		return nil, errors.New("nats-user, nats-token-file and nats-creds-file: only one of them can say who this is")
	case (n.NATSUser == "") != (n.NATSPasswordFile == ""):
		return nil, errors.New("nats-user and nats-password-file go together: one of them is not set")
	case n.NATSUser != "":
		secret, err := readable("nats-password-file", n.NATSPasswordFile, log)
		if err != nil {
			return nil, err
		}
		options = append(options, nats.UserInfoHandler(func() (string, string) { return n.NATSUser, secret() }))
	case n.NATSTokenFile != "":
		secret, err := readable("nats-token-file", n.NATSTokenFile, log)
		if err != nil {
			return nil, err
		}
		options = append(options, nats.TokenHandler(secret))
	case n.NATSCredsFile != "":
		if err := checkCreds(n.NATSCredsFile); err != nil {
			return nil, err
		}
		options = append(options, nats.UserCredentials(n.NATSCredsFile))
	}
	return options, nil
}

// checkCreds refuses a file that is not as nsc writes it: with a user's JWT, and the seed of a user's key. What is in it is not repeated.
func checkCreds(path string) error {
	text, err := settings.Secret("nats-creds-file", path)
	if err != nil {
		return err
	}
	if token, err := nkeys.ParseDecoratedJWT([]byte(text)); err != nil || strings.Count(token, ".") != 2 {
		return fmt.Errorf("nats-creds-file: %s has no JWT of a user", path)
	}
	key, err := nkeys.ParseDecoratedUserNKey([]byte(text))
	if err != nil {
		return fmt.Errorf("nats-creds-file: %s has no seed of a user's key", path)
	}
	key.Wipe()
	return nil
}

// readable returns what reads a secret's file each time: it may have changed.
func readable(setting, path string, log *slog.Logger) (read func() string, err error) {
	if _, err := settings.Secret(setting, path); err != nil {
		return nil, err
	}
	return func() string {
		secret, err := settings.Secret(setting, path)
		if err != nil {
			log.Warn("secret not read", "err", err)
		}
		return secret
	}, nil
}
