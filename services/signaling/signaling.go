// Package signaling is the edge: it speaks the Janus API with endpoints and commands with roomstate.
package signaling

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/ops"
	edgebus "github.com/cardea-rtc/cardea/services/signaling/internal/bus"
	"github.com/cardea-rtc/cardea/services/signaling/internal/edge"
	"github.com/cardea-rtc/cardea/services/signaling/internal/ws"
)

// Config is what can be set; the tags are its documentation.
type Config struct {
	Name           string        `help:"This edge's name in the cluster. Default: the host's."`
	NATSURL        string        `help:"NATS servers, separated by commas." default:"nats://127.0.0.1:4222" name:"nats-url"`
	Listen         string        `help:"Address for WebSocket." default:":8188"`
	WSSListen      string        `help:"Address for WebSocket over TLS, if there is a certificate." default:":8989" name:"wss-listen"`
	TLSCert        string        `help:"File with the certificate chain, PEM." name:"tls-cert" type:"path"`
	TLSKey         string        `help:"File with the certificate's key, PEM." name:"tls-key" type:"path"`
	Origins        []string      `help:"Web origins that may connect. Default: all."`
	APISecretFile  string        `help:"File with the apisecret that requests must carry. Default: none is asked for." name:"api-secret-file" type:"path"`
	ServerName     string        `help:"Shown by info." default:"Cardea"`
	MaxSockets     int           `help:"Open sockets." default:"100000"`
	MaxSessions    int           `help:"Sessions on all sockets together." default:"200000"`
	SocketSessions int           `help:"Sessions on one socket." default:"1000"`
	SocketPending  int           `help:"Requests under way on one socket before its next is read." default:"64"`
	MaxMessage     int64         `help:"Bytes in one message from an endpoint." default:"1048576"`
	AnswerTimeout  time.Duration `help:"How long a request waits for the cluster before it fails." default:"20s"`
	OpsListen      string        `help:"Internal address for health and metrics." default:"127.0.0.1:9090"`
	LogLevel       slog.Level    `help:"debug, info, warn or error." default:"info"`

	// Listening, if set, is told the addresses in use: WebSocket, and over TLS if there is a certificate.
	Listening func([]net.Addr) `kong:"-"`
}

// Validate is called when settings have been read.
func (c Config) Validate() error {
	for name, value := range map[string]int64{
		"max-sockets": int64(c.MaxSockets), "max-sessions": int64(c.MaxSessions), "socket-sessions": int64(c.SocketSessions),
		"socket-pending": int64(c.SocketPending), "max-message": c.MaxMessage, "answer-timeout": int64(c.AnswerTimeout),
	} {
		if value < 1 {
			return fmt.Errorf("%s must be above 0, is %d", name, value)
		}
	}
	return nil
}

// Version is set when images are built.
var Version = "dev"

// Run is an edge until ctx ends.
func Run(ctx context.Context, cfg Config, log *slog.Logger) error {
	name := cfg.Name
	if name == "" {
		name, _ = os.Hostname()
	}
	log = log.With("edge", name)
	secret, err := readSecret(cfg.APISecretFile)
	if err != nil {
		return err
	}
	listeners, err := listen(ctx, cfg)
	if err != nil {
		return err
	}
	defer closeAll(listeners)
	internal, err := ops.Listen(ctx, cfg.OpsListen)
	if err != nil {
		return err
	}
	defer internal.Close()

	nc, err := bus.Connect(cfg.NATSURL, "signaling "+name, log)
	if err != nil {
		return err
	}
	defer nc.Close()
	eb, err := edgebus.New(nc, log)
	if err != nil {
		return err
	}
	defer eb.Close()

	metrics := ops.NewRegistry()
	e := edge.New(eb, edge.Options{
		Name: name, Secret: secret, Info: info(cfg, secret != ""), AnswerTimeout: cfg.AnswerTimeout,
		SocketPending: cfg.SocketPending, SocketSessions: cfg.SocketSessions, Sessions: cfg.MaxSessions,
	}, edge.NewMetrics(metrics), log)
	sockets := ws.New(ws.Options{
		MaxMessage: cfg.MaxMessage, MaxSockets: cfg.MaxSockets, QueueLength: 1024, QueueBytes: 8 << 20, Origins: cfg.Origins,
	}, func(s *ws.Socket) ws.Client { return e.Open(s) }, metrics, log)
	status := &ops.Server{Metrics: metrics, Log: log, Ready: func() error {
		if !nc.IsConnected() {
			return errors.New("NATS: not connected")
		}
		return nil
	}}
	log.Info("listening", "address", listeners[0].Addr().String(), "tls", len(listeners) > 1)
	if cfg.Listening != nil {
		addresses := make([]net.Addr, len(listeners))
		for i, l := range listeners {
			addresses[i] = l.Addr()
		}
		cfg.Listening(addresses)
	}
	tasks := []func(context.Context) error{
		func(ctx context.Context) error { eb.Run(ctx, e); return nil },
		func(ctx context.Context) error { return status.Serve(ctx, internal) },
	}
	for _, l := range listeners {
		tasks = append(tasks, func(ctx context.Context) error { return sockets.Serve(ctx, l) })
	}
	return serve(ctx, tasks, e, sockets)
}

// serve runs the tasks until ctx or one of them ends. Then endpoints are told first, while answers can still be had.
func serve(ctx context.Context, tasks []func(context.Context) error, e *edge.Edge, sockets *ws.Server) error {
	runCtx, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(nil)
	var wg sync.WaitGroup
	for _, task := range tasks {
		wg.Go(func() {
			if err := task(runCtx); err != nil {
				stop(err)
			}
		})
	}
	select {
	case <-ctx.Done():
	case <-runCtx.Done():
	}
	e.Drain()
	sockets.Close()
	stop(nil)
	wg.Wait()
	e.Close()
	if err := context.Cause(runCtx); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// listen opens the WebSocket listener and, with a certificate, the one over TLS.
func listen(ctx context.Context, cfg Config) ([]net.Listener, error) {
	if (cfg.TLSCert == "") != (cfg.TLSKey == "") {
		return nil, errors.New("tls-cert and tls-key go together: one of them is not set")
	}
	plain, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	if cfg.TLSCert == "" {
		return []net.Listener{plain}, nil
	}
	certificate, err := tls.LoadX509KeyPair(cfg.TLSCert, cfg.TLSKey)
	if err != nil {
		plain.Close()
		return nil, fmt.Errorf("tls-cert %s, tls-key %s: %w", cfg.TLSCert, cfg.TLSKey, err)
	}
	secure, err := tls.Listen("tcp", cfg.WSSListen, &tls.Config{
		Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
	})
	if err != nil {
		plain.Close()
		return nil, fmt.Errorf("wss-listen: %w", err)
	}
	return []net.Listener{plain, secure}, nil
}

func closeAll(listeners []net.Listener) {
	for _, l := range listeners {
		l.Close()
	}
}

func readSecret(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("api-secret-file: %w", err)
	}
	secret := strings.TrimSpace(string(b))
	if secret == "" {
		return "", fmt.Errorf("api-secret-file %s is empty", file)
	}
	return secret, nil
}

// info is the edge's part of server_info (spec/janus-api.md, section 6).
func info(cfg Config, secret bool) json.RawMessage {
	b, _ := json.Marshal(map[string]any{ // of strings and booleans: cannot fail
		"name": "Cardea", "version": 1, "version_string": Version, "author": "Cardea", "server-name": cfg.ServerName,
		"api_secret": secret, "auth_token": false, "event_handlers": false, "opaqueid_in_api": false,
		"accepting-new-sessions": true,
		"transports": map[string]any{"janus.transport.websockets": map[string]any{
			"name": "Cardea WebSocket transport", "author": "Cardea", "version": 1, "version_string": Version,
			"description": "The Janus API over WebSocket",
		}},
		"events": map[string]any{}, "loggers": map[string]any{},
	})
	return b
}
