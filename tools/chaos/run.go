package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/cardea-rtc/cardea/tools/chaos/internal/browser"
	"github.com/cardea-rtc/cardea/tools/chaos/internal/client"
	"github.com/cardea-rtc/cardea/tools/chaos/internal/cluster"
	"github.com/cardea-rtc/cardea/tools/chaos/internal/endpoint"
)

const (
	wholeTimeout = 60 * time.Second // until a run gives a cluster up
	warmUp       = 10 * time.Second // of a browser's calls
	settle       = 3 * time.Second  // before and after a fault: so long is looked at how things are
	sweepTime    = 40 * time.Second // that what the dead had may stay: sessions whose edge died wait 30 s
)

// run is one run of everything.
type run struct {
	cfg         *config
	settings    cluster.Settings
	log         *slog.Logger // of clients
	certificate *endpoint.Certificate
	chance      *rand.Rand
	lag         *lag

	cluster  *cluster.Cluster
	call     *call
	outcomes []*outcome
	hit      *cluster.Process // by the fault under way
	drained  time.Duration    // by the fault under way
}

func (r *run) say(format string, args ...any) {
	fmt.Printf("%s  %s\n", time.Now().UTC().Format("15:04:05"), fmt.Sprintf(format, args...))
}

// all injects the faults in turn, and some of them again at random.
func (r *run) all(ctx context.Context, faults []Fault) error {
	once := faults[1:]
	faults = slices.Repeat(faults, max(r.cfg.Times, 1))
	for i := range r.cfg.Random {
		if len(r.cfg.Only) > 0 {
			break
		}
		f := once[r.chance.IntN(len(once))]
		f.Name = fmt.Sprintf("random %d: %s", i+1, f.Name)
		faults = append(faults, f)
	}
	for i, f := range faults {
		if err := r.prepare(ctx, f); err != nil {
			return err
		}
		r.say("%d/%d %s", i+1, len(faults), f.Name)
		o, err := r.inject(ctx, f)
		if err != nil {
			return err
		}
		r.outcomes = append(r.outcomes, o)
		r.say("%s", o)
		if len(o.Broken) > 0 && r.cfg.Times > 1 {
			return nil
		}
		r.call.uncrowd()
		if o.Problem != "" || o.Seen.CallsLost+o.Seen.Hangups > 0 {
			r.end() // all anew, so that one fault does not spoil the next
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// prepare sees to it that all is well, and everybody where they are to be.
func (r *run) prepare(ctx context.Context, f Fault) (err error) {
	if servers := max(f.NATS, 1); servers != r.settings.NATS || f.Sentinel != r.settings.Sentinel {
		r.end()
		r.settings.NATS, r.settings.Sentinel = servers, f.Sentinel
	}
	if r.cluster == nil {
		r.say("starting the services")
		if r.cluster, err = cluster.Start(ctx, r.settings); err != nil {
			return err
		}
		if r.call, err = begin(ctx, &client.Cluster{URLs: r.cluster.URLs, Certificate: r.certificate, Log: r.log}); err != nil {
			return err
		}
		if r.cfg.Browser {
			if err := r.call.browse(ctx, r.cluster.Doors()); err != nil {
				return err
			}
			sleep(ctx, warmUp) // encoders and estimates begin low
		}
	}
	for room, publishers := range r.call.publishers {
		if room != spread {
			continue
		}
		for i := range publishers {
			r.put(ctx, publishers[i], i)
			r.put(ctx, r.call.subscriber[room][i], i+1)
		}
	}
	if f.Crowd {
		if err := r.call.crowd(ctx); err != nil {
			return err
		}
	}
	if err := r.awaitWhole(ctx, wholeTimeout); err != nil {
		return err
	}
	return r.await(ctx, wholeTimeout, func(ctx context.Context) error {
		if err := r.cluster.Guarded(ctx); err != nil {
			return err
		}
		return r.cluster.Failable(ctx)
	})
}

// put moves a client's peer to a node, unless it is there.
func (r *run) put(ctx context.Context, p interface {
	Move(func(session, handle uint64) error) error
}, node int) {
	name := r.cluster.Nodes[node%len(r.cluster.Nodes)].Name
	if err := p.Move(func(session, handle uint64) error { return r.cluster.Admin.Move(ctx, session, handle, name) }); err != nil {
		r.log.Info("not moved", "to", name, "err", err)
	}
}

// inject does one fault, and says what came of it.
func (r *run) inject(ctx context.Context, f Fault) (*outcome, error) {
	o := &outcome{Fault: f.Name, Source: f.Limits.Source}
	r.hit, r.drained = nil, 0
	if !sleep(ctx, settle) {
		return nil, ctx.Err()
	}
	before, err := r.cluster.Count(ctx)
	if err != nil {
		return nil, err
	}
	endings := r.endings()
	if err := r.call.visit(ctx); err != nil {
		return nil, err
	}
	for _, c := range r.people() {
		c.Reset()
	}
	if !sleep(ctx, settle) {
		return nil, ctx.Err()
	}
	r.lag.take()
	for _, c := range r.people() {
		o.Before.Add(c.Seen())
		c.Reset()
	}
	problem := func(what string, err error) {
		if err != nil && o.Problem == "" {
			o.Problem = fmt.Sprintf("%s: %v", what, err)
		}
	}
	o.Target, err = f.Inject(ctx, r)
	problem("inject", err)
	if o.Target != "" {
		r.say("  hits %s", o.Target)
	}
	elected := make(chan time.Duration, 1)
	if f.Election {
		go func() { elected <- r.election(ctx) }()
	} else {
		elected <- 0
	}
	sleep(ctx, f.Lasts)
	o.Lasted = f.Lasts
	if f.Heal != nil {
		problem("heal", f.Heal(ctx, r))
	}
	healed := time.Now()
	problem("not whole", r.awaitWhole(ctx, wholeTimeout))
	o.Whole = max(time.Since(healed)-wholePoll, 0)
	o.Election = <-elected
	sleep(ctx, settle)
	o.Each = map[string]client.Sight{}
	for _, c := range r.people() {
		seen := c.Seen()
		o.Each[c.Name()] = seen
		o.Seen.Add(seen)
		if _, ok := c.(*browser.Tab); ok {
			o.Browser.Add(seen)
		}
		if err := c.Lost(); err != nil {
			problem(c.Name(), err)
		}
	}
	r.call.visited()
	o.Drain, o.Lag, o.Load = r.drained, r.lag.take(), load()
	o.Ended = r.endings() - endings
	if o.Seen.CallsLost == 0 { // or there is less than before
		o.Left = r.left(ctx, before)
	}
	o.Broken = f.Limits.broken(o)
	return o, ctx.Err()
}

// election returns how long it is until Sentinels name a master that is one.
func (r *run) election(ctx context.Context) time.Duration {
	began := time.Now()
	for r.cluster.Mastered(ctx) != nil && time.Since(began) < wholeTimeout && sleep(ctx, electionPoll) {
	}
	return time.Since(began)
}

// electionPoll is between looks whether there is a master: each starts two processes.
const electionPoll = 250 * time.Millisecond

// left says what is there that was not, once it has had time to be swept.
func (r *run) left(ctx context.Context, before cluster.Count) (left []string) {
	for until := time.Now().Add(sweepTime); ; {
		after, err := r.cluster.Count(ctx)
		if err != nil {
			left = []string{err.Error()}
		} else if left = before.Leaked(after); len(left) == 0 {
			return nil
		}
		if time.Now().After(until) || !sleep(ctx, time.Second) {
			return left
		}
	}
}

// wholePoll is between looks whether all is well.
const wholePoll = 50 * time.Millisecond

// awaitWhole returns when services and clients are well.
func (r *run) awaitWhole(ctx context.Context, within time.Duration) error {
	return r.await(ctx, within, func(ctx context.Context) error {
		for _, c := range r.people() {
			if err := c.Lost(); err != nil {
				return fmt.Errorf("%s: %w: %w", c.Name(), errLost, err)
			}
			if err := c.Well(); err != nil {
				return fmt.Errorf("%s: %w", c.Name(), err)
			}
		}
		return r.cluster.Whole(ctx)
	})
}

// errLost says that a call is lost: waiting does not help.
var errLost = errors.New("call lost")

// await returns when a condition holds.
func (r *run) await(ctx context.Context, within time.Duration, holds func(context.Context) error) error {
	for until := time.Now().Add(within); ; {
		err := holds(ctx)
		if err == nil {
			return nil
		}
		if errors.Is(err, errLost) {
			return err
		}
		if time.Now().After(until) {
			return fmt.Errorf("after %v: %w", within, err)
		}
		if !sleep(ctx, wholePoll) {
			return ctx.Err()
		}
	}
}

// busiest is the node with the most peers.
func (r *run) busiest(ctx context.Context) (*cluster.Process, error) {
	nodes, err := r.cluster.Admin.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	var best *cluster.Process
	most := -1
	for _, n := range nodes {
		for _, p := range r.cluster.Nodes {
			if p.Name == n.Name && n.Peers > most {
				best, most = p, n.Peers
			}
		}
	}
	if best == nil {
		return nil, fmt.Errorf("no node is heard")
	}
	return best, nil
}

// endings is how often processes have ended by themselves.
func (r *run) endings() (n int) {
	for _, p := range r.cluster.All() {
		_, byItself := p.Starts()
		n += byItself
	}
	return n
}

// end ends everything.
func (r *run) end() {
	if r.call != nil {
		r.call.end()
	}
	if r.cluster != nil {
		_ = r.cluster.Mend()
		r.cluster.End()
	}
	r.call, r.cluster = nil, nil
}

func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// load is the machine's, over the last minute, and how many processes run or would.
func load() string {
	b, _ := os.ReadFile("/proc/loadavg") // what is not known is left out
	words := strings.Fields(string(b))
	if len(words) < 4 {
		return "?"
	}
	return words[0]
}
