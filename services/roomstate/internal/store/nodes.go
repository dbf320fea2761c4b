package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

func peerMember(p plugin.PeerKey) string {
	return p.Handle.String() + "/" + strconv.FormatUint(uint64(p.Generation), 10)
}

func readPeer(node, member string) (plugin.PeerKey, error) {
	at := strings.LastIndexByte(member, '/')
	if at < 0 {
		return plugin.PeerKey{}, fmt.Errorf("peer %q has no generation", member)
	}
	id, err := plugin.ParseHandleID(member[:at])
	if err != nil {
		return plugin.PeerKey{}, err
	}
	generation, err := strconv.ParseUint(member[at+1:], 10, 32)
	if err != nil {
		return plugin.PeerKey{}, fmt.Errorf("peer %q: %w", member, err)
	}
	return plugin.PeerKey{Node: node, Handle: id, Generation: uint32(generation)}, nil
}

// Handleless finds where a peer is kept that no handle has: its plugin and room are those of the handle that is returned.
// ErrNoHandle if there is none.
func (s *Store) Handleless(ctx context.Context, id uint64) (plugin.Handle, error) {
	text, err := s.rdb.HGet(ctx, prefix+"handleless", strconv.FormatUint(id, 10)).Result()
	if isNil(err) {
		return plugin.Handle{}, ErrNoHandle
	}
	if err != nil {
		return plugin.Handle{}, broken(err)
	}
	var kept struct {
		Room   string        `json:"room"`
		Handle plugin.Handle `json:"handle"`
	}
	if err := json.Unmarshal([]byte(text), &kept); err != nil {
		return plugin.Handle{}, fmt.Errorf("peer without a handle: %w", err)
	}
	return plugin.Handle{ID: plugin.HandleID{Handle: id}, Plugin: kept.Handle.Plugin, Room: kept.Room}, nil
}

// KnowNode remembers where a node answers, for replicas that have not heard it.
func (s *Store) KnowNode(ctx context.Context, node, address string) error {
	return broken(s.rdb.HSet(ctx, prefix+"nodes", node, address).Err())
}

// Nodes returns where the nodes answer that are not known to be gone.
func (s *Store) Nodes(ctx context.Context) (map[string]string, error) {
	nodes, err := s.rdb.HGetAll(ctx, prefix+"nodes").Result()
	return nodes, broken(err)
}

// PeersOn returns the peers that a node has, or had.
func (s *Store) PeersOn(ctx context.Context, node string) ([]plugin.PeerKey, error) {
	members, err := s.rdb.SMembers(ctx, prefix+"node:"+node).Result()
	if err != nil {
		return nil, broken(err)
	}
	peers := make([]plugin.PeerKey, 0, len(members))
	for _, member := range members {
		p, err := readPeer(node, member)
		if err != nil {
			return nil, err
		}
		peers = append(peers, p)
	}
	return peers, nil
}

// ForgetPeer takes a peer off a node's list.
func (s *Store) ForgetPeer(ctx context.Context, p plugin.PeerKey) error {
	return broken(s.rdb.SRem(ctx, prefix+"node:"+p.Node, peerMember(p)).Err())
}

// ForgetNode removes a node that is gone.
func (s *Store) ForgetNode(ctx context.Context, node string) error {
	return broken(s.rdb.HDel(ctx, prefix+"nodes", node).Err())
}
