package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Fault is something that goes wrong, or is done on purpose.
type Fault struct {
	Name     string
	Limits   Limits
	Lasts    time.Duration // from Inject to Heal
	Inject   func(ctx context.Context, r *run) (target string, err error)
	Heal     func(ctx context.Context, r *run) error // nil if it heals by itself
	Crowd    bool                                    // there are many in the call
	NATS     int                                     // servers that there are of it; 0 for one
	Sentinel bool                                    // Redis is three with Sentinels
	Election bool                                    // of a master of Redis, which takes Sentinels as long as it does
}

const (
	stopTime = 8 * time.Second // of a process that is stopped
	cutTime  = 8 * time.Second // of a link
	blink    = 3 * time.Second // of a store that is killed and started again
)

func names(faults []Fault) (all []string) {
	for _, f := range faults {
		all = append(all, f.Name)
	}
	return all
}

// chosen are the faults of a run, in order.
func chosen(cfg *config) ([]Fault, error) {
	all := allFaults(cfg.Long)
	if len(cfg.Only) == 0 {
		return all, nil
	}
	var some []Fault
	for _, f := range all {
		if slices.ContainsFunc(cfg.Only, func(part string) bool { return strings.Contains(f.Name, part) }) {
			some = append(some, f)
		}
	}
	if len(some) == 0 {
		return nil, fmt.Errorf("no fault is named like %s: there are %s", strings.Join(cfg.Only, ", "), strings.Join(names(all), ", "))
	}
	return some, nil
}

// allFaults are those that are injected in turn. long is how long stores are away.
func allFaults(long time.Duration) []Fault {
	return slices.Concat(
		[]Fault{{Name: "none", Limits: nothing, Lasts: 5 * time.Second, Inject: func(context.Context, *run) (string, error) { return "", nil }}},
		processFaults(), storeFaults(long), linkFaults(), plannedFaults())
}
