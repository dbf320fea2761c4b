// Package web is the small page on which a person joins a room.
package web

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"time"
)

//go:embed page
var files embed.FS

// Janus tells the page where the Janus API is.
type Janus struct {
	URL        string `json:"janus,omitempty"`      // whole; empty: the page's own host at one of the ports
	Port       int    `json:"port,omitempty"`       // for ws
	SecurePort int    `json:"securePort,omitempty"` // for wss, if the page came by https
}

// Handler serves the page.
func Handler(janus Janus) http.Handler {
	page, err := fs.Sub(files, "page")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /config.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(janus)
	})
	static := http.FileServerFS(page)
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "no-referrer")
		static.ServeHTTP(w, r)
	})
	return mux
}

// Serve serves the page on l until ctx ends.
func Serve(ctx context.Context, l net.Listener, janus Janus, log *slog.Logger) error {
	srv := &http.Server{
		Handler: Handler(janus), ReadHeaderTimeout: 10 * time.Second, WriteTimeout: time.Minute,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	defer context.AfterFunc(ctx, func() { _ = srv.Close() })()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
