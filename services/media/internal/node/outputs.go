package node

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/cardea-rtc/cardea/proto/fault"
)

// OutputsState is what a node writes and sends of a publisher elsewhere than to nodes and endpoints.
type OutputsState struct {
	Recorded *RecordedState // nil of what is not
	Forwards []Forwarder
	Remotes  []Remote
}

// RecordedState is what is written of a publisher.
type RecordedState struct {
	Recording
	First string // base name of the first node's files, with the time; empty if there are none yet
	Moves int    // to other nodes since then
}

// movable is an error if some of a publisher's outputs cannot go on from another node.
func (pub *publisher) movable() error {
	encrypted := false
	for _, f := range pub.forwarding.all {
		encrypted = encrypted || f.want.Crypto.Suite != 0
	}
	for _, r := range pub.forwarding.remotes {
		encrypted = encrypted || r.Crypto.Suite != 0
	}
	if encrypted { // under a key that is given: another node does not know which indexes were used
		return fault.New(fault.WrongState, errors.New("peer is forwarded by SRTP from here"))
	}
	return nil
}

func (pub *publisher) exportOutputs() OutputsState {
	var s OutputsState
	if rec := &pub.recorded; rec.Base != "" {
		s.Recorded = &RecordedState{Recording: rec.Recording, First: rec.first, Moves: rec.moves}
	}
	for _, f := range pub.forwarding.all {
		again := f.want
		again.Host, again.Family = f.Address.String(), "" // it stays where it is, whatever its name stands for by now
		s.Forwards = append(s.Forwards, again)
	}
	for _, r := range pub.forwarding.remotes {
		again := r.Remote
		again.Host, again.Family = r.address.String(), ""
		s.Remotes = append(s.Remotes, again)
	}
	return s
}

// admitOutputs tells whether all of it may go on from here. Where it must, since there is no other node that has the peer, what may
// not is left out.
func (n *Node) admitOutputs(ctx context.Context, s *OutputsState, must bool) error {
	if len(s.Forwards) > maxForwarders || len(s.Remotes) > maxRemotizations { // no node gives so many
		if !must {
			return fault.New(fault.WrongState, fmt.Errorf("%d forwarders, %d remotizations", len(s.Forwards), len(s.Remotes)))
		}
		s.Forwards, s.Remotes = nil, nil
	}
	if s.Recorded != nil && n.cfg.Recordings == nil {
		if !must {
			return fault.New(fault.WrongState, errors.New("peer is recorded, and there is no folder for that here"))
		}
		n.log.Warn("recording ends: this node has no folder for it", "base", s.Recorded.Base)
		s.Recorded = nil
	}
	var err error
	allowed := func(host string) bool {
		if err != nil {
			return false
		}
		_, refused := n.cfg.Outlet.Resolve(ctx, host, "")
		if refused != nil && !must {
			err = fault.New(fault.WrongState, refused)
		}
		return refused == nil
	}
	forwards, remotes := s.Forwards, s.Remotes
	s.Forwards, s.Remotes = nil, nil
	for i := range forwards {
		if allowed(forwards[i].Host) {
			s.Forwards = append(s.Forwards, forwards[i])
		}
	}
	for i := range remotes {
		if allowed(remotes[i].Host) {
			s.Remotes = append(s.Remotes, remotes[i])
		}
	}
	return err
}

// goOnOutputs begins all of it anew, now that the peer is here.
func (pub *publisher) goOnOutputs(s *OutputsState, now time.Duration) {
	if r := s.Recorded; r != nil {
		pub.recorded = recorded{Recording: r.Recording, first: r.First, moves: r.Moves + 1}
		pub.record(now)
	}
	for i := range s.Forwards {
		f := &s.Forwards[i]
		address, err := netip.ParseAddr(f.Host)
		if err == nil {
			_, err = pub.forward([]Forwarder{*f}, []netip.Addr{address}, now)
		}
		if err != nil {
			pub.peer.log.Warn("not forwarded any more", "forwarder", f.ID, "err", err)
		}
	}
	for i := range s.Remotes {
		r := &s.Remotes[i]
		address, err := netip.ParseAddr(r.Host)
		if err == nil {
			err = pub.remotizeAll([]Remote{*r}, []netip.Addr{address})
		}
		if err != nil {
			pub.peer.log.Warn("not published remotely any more", "remote", r.ID, "err", err)
		}
	}
}
