package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
)

// profile has the node profile itself for the time that is measured, if so told, and gives the outcome when that is over.
func (r *run) profile(ctx context.Context) <-chan error {
	done := make(chan error, 1)
	if r.cfg.Profiles == "" {
		done <- nil
		return done
	}
	seconds := max(int(r.cfg.Duration.Seconds()), 1)
	go func() {
		var fetching sync.WaitGroup
		var failed [2]error
		for i, p := range []struct{ path, file string }{
			{"profile", "cpu.pprof"}, {"allocs", "allocs.pprof"}, // of the time, not of all since its start
		} {
			fetching.Go(func() {
				failed[i] = fetch(ctx, fmt.Sprintf("%s/debug/pprof/%s?seconds=%d", r.cfg.Ops, p.path, seconds), filepath.Join(r.cfg.Profiles, p.file))
			})
		}
		fetching.Wait()
		done <- errors.Join(failed[:]...)
	}()
	return done
}

// fetch writes what is at url to a file.
func fetch(ctx context.Context, url, file string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return fmt.Errorf("--profiles: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("--profiles: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("--profiles: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("--profiles: %s: %s: %.200s", url, response.Status, b)
	}
	if err := os.WriteFile(file, b, 0o644); err != nil {
		return fmt.Errorf("--profiles: %w", err)
	}
	return nil
}
