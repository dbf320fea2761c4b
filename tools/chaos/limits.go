package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/cardea-rtc/cardea/tools/chaos/internal/client"
)

// Limits are what a fault may cost. What is not named may not happen at all: a lost or doubled event, a hangup, an offer in the
// middle of a call, a lost call, an SRTP index for two packets, a process that ends by itself, anything left behind.
type Limits struct {
	Media   time.Duration // longest gap
	Request time.Duration // longest time that a request takes
	Claim   time.Duration // of a session, once there is a socket
	Whole   time.Duration // until all is well, from the end of the fault
	Refused bool          // requests may be refused, with an error
	Ends    bool          // the process that was hit may end by itself, to be started again
	Drain   time.Duration // until a node is empty
	Source  string
}

// noGap is what "no gap" is for endpoints on a machine that does much else: less than anyone hears or sees.
const noGap = 200 * time.Millisecond

// usualGap is what there is between packets, and no sign of a busy machine.
const usualGap = 50 * time.Millisecond

const (
	design = "DESIGN §6"
	issue  = "issue: how well"
)

var (
	nothing      = Limits{Media: noGap, Request: time.Second, Claim: 2 * time.Second, Whole: 2 * time.Second, Source: "what there is without a fault"}
	edgeGone     = Limits{Media: noGap, Request: 6 * time.Second, Claim: 2 * time.Second, Whole: 5 * time.Second, Source: issue + ": claim within 2 s, media gap 0; a silent edge is noticed after 4 s"}
	replicaGone  = Limits{Media: noGap, Request: 3 * time.Second, Claim: 2 * time.Second, Whole: 5 * time.Second, Source: issue + ": no request lost, pause under 3 s"}
	replicaCut   = Limits{Media: noGap, Request: 6 * time.Second, Claim: 2 * time.Second, Whole: 5 * time.Second, Source: design + ": 3 s, and as long again, since NATS gives work to one that is cut off until it finds that out"}
	nodeGone     = Limits{Media: 2 * time.Second, Request: 3 * time.Second, Claim: 2 * time.Second, Whole: 5 * time.Second, Source: issue + ": gap under 2 s"}
	nodeStopped  = Limits{Media: 6 * time.Second, Request: 3 * time.Second, Claim: 2 * time.Second, Whole: 5 * time.Second, Ends: true, Source: "ADR 19: told from a slow one after 2.5 s of silence"}
	storeAway    = Limits{Media: noGap, Whole: 5 * time.Second, Refused: true, Source: issue + ": no media gap, whole 5 s after the return"}
	storeBlinks  = Limits{Media: noGap, Request: 6 * time.Second, Claim: 2 * time.Second, Whole: 5 * time.Second, Source: design + ": back by itself in 5 s, requests wait"}
	linkCut      = Limits{Media: cutTime + 2*time.Second, Request: 3 * time.Second, Claim: 2 * time.Second, Whole: 5 * time.Second, Source: "the cut itself, and " + design + ": 2 s"}
	inOrder      = Limits{Media: 100 * time.Millisecond, Request: 3 * time.Second, Claim: 2 * time.Second, Whole: 5 * time.Second, Drain: 30 * time.Second, Source: issue + ": drain without a gap over 100 ms, in 30 s"}
	edgeInOrder  = Limits{Media: noGap, Request: 3 * time.Second, Claim: 2 * time.Second, Whole: 5 * time.Second, Source: issue + ": claim within 2 s, media gap 0"}
	replicaOrder = replicaGone
)

// broken says which limits an outcome breaks.
func (l Limits) broken(o *outcome) (all []string) {
	s := &o.Seen
	// What this process itself was late by it may have seen as a gap, and what a busy machine does to media it did before as well.
	over := func(what string, is, most time.Duration) {
		if strings.HasPrefix(what, "gap") {
			most += max(o.Before.Sound, o.Before.Pictures, usualGap) - usualGap
		}
		if most > 0 && is > most+o.Lag {
			all = append(all, fmt.Sprintf("%s %s, limit %s", what, short(is), short(most)))
		}
	}
	any := func(what string, n int) {
		if n > 0 {
			all = append(all, fmt.Sprintf("%d %s", n, what))
		}
	}
	over("gap of sound", s.Sound, l.Media)
	over("gap of pictures", s.Pictures, l.Media)
	if l.Request > 0 {
		l.Request += max(o.Election-electionTime, 0)
	}
	over("request", s.Request, l.Request)
	over("claim", s.Claim, l.Claim)
	over("whole after", o.Whole, l.Whole+max(o.Election-o.Lasted, 0))
	over("drain", o.Drain, l.Drain)
	any("events lost", s.EventsLost)
	any("events doubled", s.EventsTwice)
	any("hangups", s.Hangups)
	any("offers in mid-call", s.Descriptions)
	any("calls lost", s.CallsLost)
	any("SRTP indexes used twice", s.Reused)
	any("datagrams twice", s.Repeated)
	any("packets not authentic", s.Foreign)
	if !l.Refused {
		any("requests refused", s.Refused)
	}
	if !l.Ends {
		any("processes ended by themselves", o.Ended)
	}
	all = append(all, o.Left...)
	if o.Problem != "" {
		all = append(all, o.Problem)
	}
	return all
}

// outcome is what came of a fault.
type outcome struct {
	Fault   string                  `json:"fault"`
	Target  string                  `json:"target,omitempty"`
	Before  client.Sight            `json:"before"`  // in the seconds before the fault
	Seen    client.Sight            `json:"seen"`    // by all
	Browser client.Sight            `json:"browser"` // by Chromium alone
	Each    map[string]client.Sight `json:"each"`
	Whole   time.Duration           `json:"whole"` // from the end of the fault
	Drain   time.Duration           `json:"drain,omitempty"`
	// Election is how long Sentinels took to name a master that is one, if that was at issue, and Lasted how long the fault did.
	Election time.Duration `json:"election,omitempty"`
	Lasted   time.Duration `json:"lasted"`
	Ended    int           `json:"ended"` // processes, by themselves
	Left     []string      `json:"left"`  // behind
	Problem  string        `json:"problem,omitempty"`
	Lag      time.Duration `json:"lag"`
	Load     string        `json:"load"`
	Broken   []string      `json:"broken"`
	Source   string        `json:"source"`
}

func short(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
