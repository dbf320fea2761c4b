package main

import (
	"context"
	"time"
)

// storeFaults are of NATS and Redis.
func storeFaults(long time.Duration) []Fault {
	return []Fault{
		away("kill nats", aNATS, blink, storeBlinks),
		stopped("stop nats", aNATS, away8),
		away("kill redis", theRedis, blink, storeBlinks),
		stopped("stop redis", theRedis, away8),
		away("nats away long", aNATS, long, storeAway),
		away("redis away long", theRedis, long, storeAway),
		ofThree(away("kill a nats of three", aNATS, blink, replicaGone)),
		ofThree(stopped("stop a nats of three", aNATS, away8)),
		withElection(away("kill the master of redis", theRedis, away8Time, failover)),
		withElection(stopped("stop the master of redis", theRedis, failover)),
		withSentinel(away("kill a replica of redis", aRedisReplica, blink, replicaGone)),
		withSentinel(away("kill a sentinel", aSentinel, blink, replicaGone)),
	}
}

// away8 is for stores that do not answer for some seconds: requests wait that long.
var away8 = Limits{Media: noGap, Request: stopTime + 5*time.Second, Whole: 5 * time.Second, Source: design + ": back by itself in 5 s, requests wait"}

// away8Time is how long a master of Redis is away that is not waited for.
const away8Time = 8 * time.Second

// electionTime is what limits reckon Sentinels' election with: a second until they are sure, another to elect. If each votes for itself
// they try again after twice the failover-timeout, and nobody can do anything about it meanwhile.
const electionTime = 2 * time.Second

// failover is for a master of Redis: the election, and what DESIGN allows after it.
var failover = Limits{Media: noGap, Request: electionTime + 5*time.Second, Claim: 2 * time.Second, Whole: 5 * time.Second, Source: design + ": back by itself 5 s after Sentinels have chosen another"}

// withSentinel is a fault of a Redis that fails over.
func withSentinel(f Fault) Fault {
	f.Sentinel = true
	return f
}

// withElection is one after which there is another master.
func withElection(f Fault) Fault {
	f.Election = true
	return withSentinel(f)
}

// ofThree is a fault of a NATS cluster.
func ofThree(f Fault) Fault {
	f.NATS = 3
	return f
}

// away is a store that is killed and started again after some time.
func away(name string, which pick, lasts time.Duration, limits Limits) Fault {
	return Fault{Name: name, Limits: limits, Lasts: lasts, Inject: func(ctx context.Context, r *run) (string, error) {
		p, err := which(ctx, r)
		if err != nil {
			return "", err
		}
		r.hit = p
		return p.Name, p.Down()
	}, Heal: func(_ context.Context, r *run) error {
		r.hit.Up()
		return nil
	}}
}
