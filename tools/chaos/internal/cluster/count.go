package cluster

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Count is what there is of something, by name.
type Count map[string]float64

// metrics are those of a process that have no labels, and the sums of others.
func (p *Process) metrics(ctx context.Context) (Count, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.ops+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.Name, err)
	}
	defer resp.Body.Close()
	all := Count{}
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		name, value, ok := strings.Cut(lines.Text(), " ")
		if !ok || strings.HasPrefix(name, "#") {
			continue
		}
		if n, err := strconv.ParseFloat(value, 64); err == nil {
			all[name] = n
		}
	}
	return all, nil
}

// Fullest is the edge that has most sessions: after one has gone, all are at the other.
func (c *Cluster) Fullest(ctx context.Context) (best *Process, err error) {
	most := -1.0
	for _, p := range c.Edges {
		m, err := p.metrics(ctx)
		if err != nil {
			return nil, err
		}
		if n := m["cardea_edge_sessions"]; n > most {
			best, most = p, n
		}
	}
	return best, nil
}

// Count says how much there is of all that a fault might leave behind.
func (c *Cluster) Count(ctx context.Context) (Count, error) {
	all := Count{}
	var sessions struct{ Sessions []uint64 }
	if err := c.Admin.Ask(ctx, "list_sessions", nil, &sessions); err != nil {
		return nil, err
	}
	all["sessions"] = float64(len(sessions.Sessions))
	var rooms struct {
		Rooms []struct{ Publishers, Subscribers, Participants int }
	}
	if err := c.Admin.Ask(ctx, "list_rooms", nil, &rooms); err != nil {
		return nil, err
	}
	all["rooms"] = float64(len(rooms.Rooms))
	for _, p := range slices.Concat(c.Replicas, c.Edges, c.Nodes) {
		m, err := p.metrics(ctx)
		if err != nil {
			return nil, err
		}
		starts, _ := p.Starts()
		of := fmt.Sprintf(" of %s, start %d", p.Name, starts)
		if slices.Contains(c.Nodes, p) { // peers move from one to another, and take theirs along
			of = " of media nodes"
		}
		all["goroutines"+of] += m["go_goroutines"]
		all["descriptors"+of] += m["process_open_fds"]
		for _, direction := range []string{"in", "out"} {
			all["streams "+direction] += m[`cardea_media_streams{direction="`+direction+`"}`]
			all["relays "+direction] += m[`cardea_media_relays{direction="`+direction+`"}`]
		}
		all["peers"] += m["cardea_media_peers"]
		all["peers kept"] += m["cardea_media_kept_peers"]
		all["sessions at edges"] += m["cardea_edge_sessions"]
		all["shards"] += m["cardea_roomstate_shards"]
	}
	return all, c.countKeys(ctx, all)
}

// countKeys adds Redis's keys by kind, without those that end by themselves soon.
func (c *Cluster) countKeys(ctx context.Context, all Count) error {
	master, err := c.Master(ctx)
	if err != nil {
		return err
	}
	keys, err := ask(ctx, master, redisPort, "--scan")
	if err != nil {
		return err
	}
	for key := range strings.Lines(keys) {
		kind, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(key), "{cardea}:"), ":")
		if kind != "answer" && kind != "log" { // kept for a while after their sessions
			all["Redis keys "+kind]++
		}
	}
	fields, err := ask(ctx, master, redisPort, "hlen", "{cardea}:nodes")
	if err != nil {
		return err
	}
	all["Redis fields of nodes"], err = strconv.ParseFloat(strings.TrimSpace(fields), 64)
	return err
}

// What survivors may have more of than before: runtimes and pools keep some. What is of all media nodes may grow at each of them.
const (
	moreGoroutines  = 40
	moreOfNodes     = 3
	edgeGoroutines  = 160 // of edges, which get the sockets of others that end
	moreDescriptors = 15
	poolDescriptors = 288 + moreDescriptors // of roomstate, whose connections to Redis are pooled and stay for half an hour
)

// Leaked says what there is more of than before, or less.
func (before Count) Leaked(after Count) (all []string) {
	for _, name := range slices.Sorted(maps.Keys(after)) {
		was, known := before[name]
		is := after[name]
		switch {
		case strings.HasPrefix(name, "goroutines"):
			more := float64(moreGoroutines)
			switch {
			case strings.Contains(name, "edge"):
				more = edgeGoroutines
			case strings.Contains(name, "nodes"):
				more *= moreOfNodes
			}
			if known && is > was+more {
				all = append(all, fmt.Sprintf("%s: %.0f, were %.0f", name, is, was))
			}
		case strings.HasPrefix(name, "descriptors"):
			more := float64(moreDescriptors)
			switch {
			case strings.Contains(name, "roomstate"):
				more = poolDescriptors
			case strings.Contains(name, "nodes"):
				more *= moreOfNodes
			}
			if known && is > was+more {
				all = append(all, fmt.Sprintf("%s: %.0f, were %.0f", name, is, was))
			}
		case strings.HasPrefix(name, "relays"): // how many follows from where peers are
		case name == "Redis keys keeper", name == "Redis keys node":
			// That a node is fenced is kept for a week; nodes without peers have no set.
		case is != was:
			all = append(all, fmt.Sprintf("%s: %.0f, were %.0f", name, is, was))
		}
	}
	if after["relays in"] != after["relays out"] {
		all = append(all, fmt.Sprintf("relays: %.0f had, %.0f sent", after["relays in"], after["relays out"]))
	}
	return all
}
