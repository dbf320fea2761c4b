package admin

import (
	"context"
	"time"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/store"
)

const (
	// usualDeadline is how long a node is drained if nothing is said, and longestDeadline at most: what ends nodes waits no
	// longer.
	usualDeadline   = 60 * time.Second
	longestDeadline = 600 * time.Second
)

// node finds a node by its name or id. Of several of one name it is the one heard last.
func (s *Service) node(name string) (Node, error) {
	var found *Node
	all := s.Nodes.List()
	for i := range all {
		n := &all[i]
		if (n.ID == name || n.Status.GetName() == name) && (found == nil || n.Heard.After(found.Heard)) {
			found = n
		}
	}
	if found == nil {
		return Node{}, fault.Newf(fault.BadRequest, "No such node (%s)", name)
	}
	return *found, nil
}

// listNodes tells how busy the nodes are, and how far those are that are drained.
func (s *Service) listNodes(ctx context.Context, r *request) (members, error) {
	drains, err := s.Store.Drains(ctx)
	if err != nil {
		return nil, err
	}
	list := []members{}
	for _, n := range s.Nodes.List() {
		left, err := s.Store.CountPeersOn(ctx, n.ID)
		if err != nil {
			return nil, err
		}
		st := n.Status
		one := members{
			"id": n.ID, "name": st.GetName(), "address": st.GetGrpcAddress(), "heard_ms_ago": r.now.Sub(n.Heard).Milliseconds(),
			"takes_work": n.Takes, "draining": st.GetDraining(), "peers": left, "max_peers": st.GetMaxPeers(),
			"packets_per_second": st.GetPacketsPerSecond(), "capacity_packets": st.GetCapacityPackets(),
			"lost_in_per_second": st.GetLostInPerSecond(), "lost_out_per_second": st.GetLostOutPerSecond(),
			"bits_per_second": st.GetBitsPerSecond(), "capacity_bits": st.GetCapacityBits(), "cpu": st.GetCpu(),
			"ice_tcp": st.GetIceTcp(), "ipv6": st.GetIpv6(), "public_ips": append([]string{}, st.GetPublicIps()...),
			"no_media_timer": st.GetNoMediaTimerS(), "slowlink_threshold": st.GetSlowLinkThreshold(), // as it was started with
		}
		if n.Silent != nil {
			one["silent"] = n.Silent.Error()
		}
		if d, ok := drains[n.ID]; ok {
			one["drain"] = members{
				"peers": d.Peers, "left": left, "started": d.Started.UnixMicro(), "deadline": d.Deadline.UnixMicro(),
				"over": left == 0 || r.now.After(d.Deadline),
			}
		}
		list = append(list, one)
	}
	return members{"nodes": list}, nil
}

// drainNode gives a node no more work and has all of its peers that can be moved go on with others. The answer does not wait
// for that: list_nodes tells.
func (s *Service) drainNode(ctx context.Context, r *request) (members, error) {
	var p struct {
		Node     string `json:"node"`
		Deadline int64  `json:"deadline"` // seconds
	}
	if err := r.read(&p); err != nil {
		return nil, err
	}
	n, err := s.node(p.Node)
	if err != nil {
		return nil, err
	}
	if !s.otherThan(n.ID) {
		return nil, fault.Newf(fault.NodeUnavailable, "There is no other node to take what is on %s", n.Status.GetName())
	}
	deadline := usualDeadline
	if p.Deadline > 0 {
		deadline = time.Duration(min(p.Deadline, int64(longestDeadline/time.Second))) * time.Second
	}
	if _, err := s.Nodes.Call(ctx, n.ID, &mediav1.SetDrainingRequest{Draining: true}); err != nil {
		return nil, err
	}
	peers, err := s.Store.CountPeersOn(ctx, n.ID)
	if err != nil {
		return nil, err
	}
	if err := s.Store.SetDrain(ctx, n.ID, store.Drain{Started: r.now, Deadline: r.now.Add(deadline), Peers: peers}); err != nil {
		return nil, err
	}
	return members{"node": n.Status.GetName(), "id": n.ID, "peers": peers, "deadline": int64(deadline / time.Second)}, nil
}

func (s *Service) otherThan(id string) bool {
	for _, n := range s.Nodes.List() {
		if n.ID != id && n.Takes {
			return true
		}
	}
	return false
}

// undrainNode ends that, finished or not, and gives the node work again. What has been moved stays where it is.
func (s *Service) undrainNode(ctx context.Context, r *request) (members, error) {
	var p struct {
		Node string `json:"node"`
	}
	if err := r.read(&p); err != nil {
		return nil, err
	}
	n, err := s.node(p.Node)
	if err != nil {
		return nil, err
	}
	if err := s.Store.EndDrain(ctx, n.ID); err != nil {
		return nil, err
	}
	if _, err := s.Nodes.Call(ctx, n.ID, &mediav1.SetDrainingRequest{}); err != nil {
		return nil, err
	}
	return members{"node": n.Status.GetName(), "id": n.ID}, nil
}

// moveHandle begins to move a handle's peer to a node, or to any other.
func (s *Service) moveHandle(ctx context.Context, r *request) (members, error) {
	var p struct {
		Node string `json:"node"`
	}
	if err := r.read(&p); err != nil {
		return nil, err
	}
	to := ""
	if p.Node != "" {
		n, err := s.node(p.Node)
		if err != nil {
			return nil, err
		}
		to = n.ID
	}
	return members{}, s.Move(ctx, plugin.HandleID{Session: r.session, Handle: r.handle}, to)
}
