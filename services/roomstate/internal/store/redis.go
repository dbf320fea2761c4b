package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cardea-rtc/cardea/proto/certs"
	"github.com/cardea-rtc/cardea/proto/settings"
)

// Redis is where that is, and how it is spoken with; the tags are its documentation.
type Redis struct {
	RedisURL          string `default:"redis://127.0.0.1:6379/0" help:"Redis: redis://HOST:PORT/DB, or rediss:// for TLS. With Sentinel only its scheme and DB count."`
	RedisUser         string `help:"User of Redis's ACL. Default: the one in the URL, or Redis's own default." placeholder:"NAME"`
	RedisPasswordFile string `help:"File with the password, read with each new connection. Default: the one in the URL." type:"existingfile" placeholder:"FILE"`

	RedisTLSCA   string `name:"redis-tls-ca" certificate:"authorities" help:"File with the certificates that those of Redis, and of Sentinels, must be of, PEM. Default: the machine's. Read again when it changes, as are the next two." type:"existingfile" placeholder:"FILE"`
	RedisTLSCert string `name:"redis-tls-cert" certificate:"own" help:"File with the certificate to show to Redis, PEM." type:"existingfile" placeholder:"FILE"`
	RedisTLSKey  string `name:"redis-tls-key" help:"File with that certificate's key, PEM." type:"existingfile" placeholder:"FILE"`

	RedisSentinels            []string `help:"Sentinels, which say where the master is, comma-separated; with TLS if the URL says so." placeholder:"HOST:PORT"`
	RedisMaster               string   `help:"What Sentinels call the master." default:"mymaster"`
	RedisSentinelUser         string   `help:"User of the Sentinels' ACL." placeholder:"NAME"`
	RedisSentinelPasswordFile string   `help:"File with the Sentinels' password. Default: they want none." type:"existingfile" placeholder:"FILE"`

	RedisCluster bool `help:"The URL is of a node of a Redis Cluster. All that Cardea keeps is in one of its slots, on one of its masters."`
}

// Open is Redis.Open for a URL alone.
func Open(url string) (*Store, error) {
	return Redis{RedisURL: url}.Open(slog.New(slog.DiscardHandler))
}

// Open prepares connections; it does not wait for the server. Every call fails within about a second when the server is away:
// callers repeat, and nothing waits here.
func (r Redis) Open(log *slog.Logger) (*Store, error) {
	o, err := r.options(log)
	if err != nil {
		return nil, err
	}
	logClient(log)
	switch {
	case len(r.RedisSentinels) > 0:
		return &Store{rdb: redis.NewFailoverClient(o.Failover())}, nil
	case r.RedisCluster:
		return &Store{rdb: redis.NewClusterClient(o.Cluster())}, nil
	}
	return &Store{rdb: redis.NewClient(o.Simple())}, nil
}

// Check says what Open would refuse.
func (r Redis) Check() error {
	_, err := r.options(slog.New(slog.DiscardHandler))
	return err
}

// Servers are its addresses without passwords, for logs.
func (r Redis) Servers() string {
	if len(r.RedisSentinels) > 0 {
		return r.RedisMaster + " of " + strings.Join(r.RedisSentinels, ",")
	}
	u, err := url.Parse(r.RedisURL)
	if err != nil {
		return "(unreadable)"
	}
	return u.Redacted()
}

// options are those of the client, however Redis is run.
func (r Redis) options(log *slog.Logger) (*redis.UniversalOptions, error) {
	u, err := redis.ParseURL(r.RedisURL)
	if err != nil {
		if parsing, ok := errors.AsType[*url.Error](err); ok {
			err = parsing.Err // without the URL, which may hold a password
		}
		return nil, fmt.Errorf("redis-url: %w", err)
	}
	o := &redis.UniversalOptions{
		Addrs: []string{u.Addr}, DB: u.DB, Username: u.Username, Password: u.Password,
		DialTimeout:           500 * time.Millisecond,
		DialerRetries:         1,
		ReadTimeout:           500 * time.Millisecond,
		WriteTimeout:          500 * time.Millisecond,
		PoolTimeout:           time.Second,
		MaxRetries:            1, // scripts may run twice: an answer that got lost is found by the command's id
		MinRetryBackoff:       10 * time.Millisecond,
		MaxRetryBackoff:       50 * time.Millisecond,
		PoolSize:              288, // more than commands under way at once, so that none waits for a connection
		ContextTimeoutEnabled: true,
	}
	if r.RedisUser != "" {
		o.Username = r.RedisUser
	}
	if err := r.password(o); err != nil {
		return nil, err
	}
	if err := r.sentinels(o); err != nil {
		return nil, err
	}
	if r.RedisCluster && (o.DB != 0 || o.MasterName != "") {
		return nil, errors.New("redis-cluster: a Redis Cluster has database 0 alone, and no Sentinels")
	}
	return o, r.tls(o, u.TLSConfig != nil, log)
}

func (r Redis) password(o *redis.UniversalOptions) error {
	password, err := settings.Secret("redis-password-file", r.RedisPasswordFile)
	if err != nil || password == "" {
		return err
	}
	user := o.Username
	o.Password = password
	o.CredentialsProviderContext = func(context.Context) (string, string, error) { // it may have been changed
		password, err := settings.Secret("redis-password-file", r.RedisPasswordFile)
		return user, password, err
	}
	return nil
}

func (r Redis) sentinels(o *redis.UniversalOptions) (err error) {
	if len(r.RedisSentinels) == 0 {
		return nil
	}
	for _, address := range r.RedisSentinels {
		if _, _, err := net.SplitHostPort(address); err != nil {
			return fmt.Errorf("redis-sentinels: %q is no HOST:PORT", address)
		}
	}
	if r.RedisMaster == "" {
		return errors.New("redis-sentinels: redis-master must say what they call the master")
	}
	o.Addrs, o.MasterName = r.RedisSentinels, r.RedisMaster
	o.SentinelUsername = r.RedisSentinelUser
	o.SentinelPassword, err = settings.Secret("redis-sentinel-password-file", r.RedisSentinelPasswordFile)
	return err
}

// tls has connections opened with it. Each has what is in the files then.
func (r Redis) tls(o *redis.UniversalOptions, wanted bool, log *slog.Logger) error {
	files := certs.Files{CA: r.RedisTLSCA, Cert: r.RedisTLSCert, Key: r.RedisTLSKey}
	if !wanted {
		if files.Any() {
			return errors.New("redis-tls-ca, redis-tls-cert and redis-tls-key are for a redis-url with rediss://")
		}
		return nil
	}
	source, err := certs.Open(files, log)
	if err != nil {
		return fmt.Errorf("redis-tls: %w", err)
	}
	o.Dialer = func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, o.DialTimeout)
		defer cancel()
		return source.Dial(ctx, network, address)
	}
	return nil
}
