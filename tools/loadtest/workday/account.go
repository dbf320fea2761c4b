package main

import (
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/cardea-rtc/cardea/tools/internal/cluster"
	"github.com/cardea-rtc/cardea/tools/internal/histogram"
	"github.com/cardea-rtc/cardea/tools/internal/procfs"
)

// account is what has been counted.
type account struct {
	cluster *cluster.Cluster

	mu       sync.Mutex // guards what follows
	parts    []*part    // one for each phase
	current  int
	began    time.Time
	samples  []sample
	problems []string // the first of them
	troubles int      // all
	broken   bool     // ended before the day was over
	counting sync.WaitGroup
}

// part is what has been counted of a phase.
type part struct {
	phase
	seconds            float64
	mostPeople, rooms  int // at a time
	joins, failed      int // people who came, and who could not
	subscriptions      int
	expected, received uint64              // packets
	join               histogram.Histogram // of a person, from when it dials until it sends, and has media of all who are there
	first              histogram.Histogram // from the join of a subscription to its first packet
	began              usage
	cpu                usage              // what was used
	peers              map[string]float64 // of each node, sum over samples
	sampled            int
}

// usage is CPU time by service; load is this process.
type usage map[string]time.Duration

const (
	load         = "load"
	mostProblems = 20 // that are told
)

func newAccount(c *cluster.Cluster) *account {
	a := &account{cluster: c}
	for _, p := range phases {
		a.parts = append(a.parts, &part{phase: p, peers: map[string]float64{}})
	}
	return a
}

// usage is what the processes have used until now.
func (a *account) usage() usage {
	u := usage{}
	add := func(service string, pid int) {
		if now, err := procfs.Read(pid); err == nil {
			u[service] += now.CPU
		}
	}
	for _, p := range a.cluster.Each() {
		add(p.Service, p.PID())
	}
	add(load, os.Getpid())
	return u
}

func (a *account) begin(at time.Time) {
	u := a.usage()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.began = at
	a.parts[0].began = u
}

// enter closes the phase before, whose last packets are still on their way.
func (a *account) enter(phase int, hearings []*hearing) {
	u := a.usage()
	a.mu.Lock()
	ended := a.current
	a.parts[ended].end(a.began, u)
	for ; a.current < phase; a.current++ {
		a.parts[a.current+1].began = u
	}
	a.mu.Unlock()
	a.close(ended, hearings)
}

// over closes the last phase.
func (a *account) over(hearings []*hearing) {
	u := a.usage()
	a.mu.Lock()
	ended := a.current
	a.parts[ended].end(a.began, u)
	a.mu.Unlock()
	a.close(ended, hearings)
	a.counting.Wait()
}

func (a *account) close(phase int, hearings []*hearing) {
	marks := make([]mark, len(hearings))
	for i, h := range hearings {
		marks[i] = h.sent()
	}
	a.counting.Go(func() {
		time.Sleep(onItsWay)
		for i, h := range hearings {
			a.count(phase, h, marks[i])
		}
	})
}

func (p *part) end(began time.Time, u usage) {
	now := time.Since(began).Seconds()
	p.seconds = now
	p.cpu = usage{}
	for service, used := range u {
		p.cpu[service] = used - p.began[service]
	}
}

// now is the phase that runs.
func (a *account) now() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.current
}

// count adds what a hearing got of a phase, up to a mark.
func (a *account) count(phase int, h *hearing, to mark) {
	expected, received, silent := h.count(to)
	a.mu.Lock()
	p := a.parts[phase]
	p.expected += expected
	p.received += received
	a.mu.Unlock()
	if silent > 0 {
		a.trouble(fmt.Errorf("no media came of %d streams of %d", silent, len(to)))
	}
}

// people notes how many are wanted, and what there is.
func (a *account) people(want int, t *town) {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.parts[a.current]
	p.mostPeople, p.rooms = max(p.mostPeople, want), max(p.rooms, t.open())
}

// came notes that somebody has come, or could not.
func (a *account) came(took time.Duration, err error) {
	a.mu.Lock()
	p := a.parts[a.current]
	if err == nil {
		p.joins++
		p.join.Record(took)
	} else {
		p.failed++
	}
	a.mu.Unlock()
	if err != nil {
		a.trouble(fmt.Errorf("somebody could not come: %w", err))
	}
}

func (a *account) heard(took time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.parts[a.current]
	p.subscriptions++
	p.first.Record(took)
}

// trouble notes what must not be.
func (a *account) trouble(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.troubles++
	if len(a.problems) < mostProblems {
		a.problems = append(a.problems, fmt.Sprintf("%s: %v", a.parts[a.current].Name, err))
	}
}

func (a *account) interrupted() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.broken = true
}

// joined is how many people have come until now, and could not.
func (a *account) joined() (came, failed int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range a.parts {
		came, failed = came+p.joins, failed+p.failed
	}
	return came, failed
}
