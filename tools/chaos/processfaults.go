package main

import (
	"context"
	"slices"
	"time"

	"github.com/cardea-rtc/cardea/tools/chaos/internal/cluster"
)

// pick chooses the process that a fault hits.
type pick func(ctx context.Context, r *run) (*cluster.Process, error)

func anEdge(ctx context.Context, r *run) (*cluster.Process, error) { return r.cluster.Fullest(ctx) }
func aReplica(_ context.Context, r *run) (*cluster.Process, error) {
	return r.one(r.cluster.Replicas), nil
}
func theRedis(ctx context.Context, r *run) (*cluster.Process, error) { return r.cluster.Master(ctx) }
func aSentinel(_ context.Context, r *run) (*cluster.Process, error) {
	return r.one(r.cluster.Sentinels), nil
}
func aNATS(_ context.Context, r *run) (*cluster.Process, error)        { return r.one(r.cluster.NATS), nil }
func theBusiest(ctx context.Context, r *run) (*cluster.Process, error) { return r.busiest(ctx) }

func aRedisReplica(ctx context.Context, r *run) (*cluster.Process, error) {
	master, err := r.cluster.Master(ctx)
	if err != nil {
		return nil, err
	}
	return r.one(slices.DeleteFunc(slices.Clone(r.cluster.Redis), func(p *cluster.Process) bool { return p == master })), nil
}

func (r *run) one(of []*cluster.Process) *cluster.Process { return of[r.chance.IntN(len(of))] }

// processFaults are of Cardea's own processes.
func processFaults() []Fault {
	return []Fault{
		killed("kill an edge", anEdge, edgeGone),
		stopped("stop an edge", anEdge, edgeGone),
		killed("kill a roomstate replica", aReplica, replicaGone),
		stopped("stop a roomstate replica", aReplica, replicaGone),
		killed("kill a media node", theBusiest, nodeGone),
		stopped("stop a media node", theBusiest, nodeStopped),
	}
}

// killed is a process's sudden end. It is started again by whoever supervises it.
func killed(name string, which pick, limits Limits) Fault {
	return Fault{Name: name, Limits: limits, Lasts: 5 * time.Second, Inject: func(ctx context.Context, r *run) (string, error) {
		p, err := which(ctx, r)
		if err != nil {
			return "", err
		}
		return p.Name, p.Kill()
	}}
}

// stopped is a process that does not run for a while, and nobody is told.
func stopped(name string, which pick, limits Limits) Fault {
	f := Fault{Name: name, Limits: limits, Lasts: stopTime, Inject: func(ctx context.Context, r *run) (string, error) {
		p, err := which(ctx, r)
		if err != nil {
			return "", err
		}
		r.hit = p
		return p.Name, p.Stop()
	}}
	f.Heal = func(_ context.Context, r *run) error { return r.hit.Continue() }
	return f
}
