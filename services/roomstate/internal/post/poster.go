package post

import (
	"bytes"
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

const (
	lanes     = 8               // posts under way at once; those to one address are in the same lane, in order
	queued    = 256             // posts that wait in each. What comes then is dropped.
	postTime  = 5 * time.Second // for one post, from dialling to the end of the answer
	maxAnswer = 64 << 10        // bytes of an answer that are read, so that the connection can be used again
)

// Poster posts.
type Poster struct {
	allow           *Allow
	client          *http.Client
	queues          [lanes]chan plugin.Post
	log             *slog.Logger
	dropped, failed atomic.Uint64
}

// New returns a poster whose Run is to be called.
func New(allow *Allow, log *slog.Logger) *Poster {
	p := &Poster{allow: allow, log: log}
	for i := range p.queues {
		p.queues[i] = make(chan plugin.Post, queued)
	}
	p.client = &http.Client{
		Timeout: postTime,
		Transport: &http.Transport{
			DialContext: p.dial, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: lanes, IdleConnTimeout: time.Minute,
			TLSHandshakeTimeout: postTime,
		},
		// A redirection would lead to where nobody has allowed to post.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return p
}

// Dropped is how many posts did not wait, since too many did.
func (p *Poster) Dropped() uint64 { return p.dropped.Load() }

// Failed is how many posts were not taken by the server that they went to.
func (p *Poster) Failed() uint64 { return p.failed.Load() }

// Post queues posts and returns at once.
func (p *Poster) Post(posts []plugin.Post) {
	for _, one := range posts {
		h := fnv.New32a()
		_, _ = h.Write([]byte(one.URL))
		select {
		case p.queues[h.Sum32()%lanes] <- one:
		default:
			p.dropped.Add(1)
		}
	}
}

// Run posts until ctx ends. What waits then is dropped.
func (p *Poster) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, queue := range p.queues {
		wg.Go(func() {
			for {
				select {
				case one := <-queue:
					if err := p.send(ctx, one); err != nil {
						p.failed.Add(1)
						p.log.Debug("message not posted", "err", err)
					}
				case <-ctx.Done():
					return
				}
			}
		})
	}
	wg.Wait()
	p.client.CloseIdleConnections()
}

func (p *Poster) send(ctx context.Context, one plugin.Post) error {
	if err := p.allow.Check(one.URL); err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, one.URL, bytes.NewReader(one.Body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := p.client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	_, _ = io.CopyN(io.Discard, response.Body, maxAnswer) // what the server says is nobody's
	if response.StatusCode >= 300 {
		return fmt.Errorf("post: %s", response.Status)
	}
	return nil
}

// dial connects to a host that is allowed by its name, or else only to addresses that are allowed: those that the name has
// at this moment, so that it cannot be given others after it was looked at.
func (p *Poster) dial(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: postTime}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if !p.allow.named(host) {
		dialer.Control = func(_, address string, _ syscall.RawConn) error {
			to, err := netip.ParseAddrPort(address)
			if err != nil || !p.allow.reachable(to.Addr()) {
				return ErrForbidden
			}
			return nil
		}
	}
	return dialer.DialContext(ctx, network, address)
}
