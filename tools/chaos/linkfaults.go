package main

import "context"

// linkFaults are of what is between nodes and others.
func linkFaults() []Fault {
	return []Fault{
		{Name: "part two media nodes", Limits: linkCut, Lasts: cutTime, Heal: mend, Inject: func(ctx context.Context, r *run) (string, error) {
			p, err := r.busiest(ctx)
			if err != nil {
				return "", err
			}
			other := r.one(r.cluster.Nodes)
			for other == p {
				other = r.one(r.cluster.Nodes)
			}
			return p.Name + " and " + other.Name, r.cluster.Part(p.Name, other.Name)
		}},
		isolated("cut off a media node", theBusiest, nodeStopped),
		isolated("cut off an edge", anEdge, edgeGone),
		isolated("cut off a roomstate replica", aReplica, replicaCut),
	}
}

func isolated(name string, which pick, limits Limits) Fault {
	return Fault{Name: name, Limits: limits, Lasts: cutTime, Heal: mend, Inject: func(ctx context.Context, r *run) (string, error) {
		p, err := which(ctx, r)
		if err != nil {
			return "", err
		}
		return p.Name, r.cluster.Isolate(p.Name)
	}}
}

func mend(_ context.Context, r *run) error { return r.cluster.Mend() }
