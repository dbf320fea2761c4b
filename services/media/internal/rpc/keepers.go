package rpc

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"google.golang.org/grpc"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/media/internal/keep"
	"github.com/cardea-rtc/cardea/services/media/internal/node"
)

// Keep is of mediav1.KeepersServer, as are Fence and TakeKept.
func (s *Server) Keep(stream grpc.BidiStreamingServer[mediav1.KeepRequest, mediav1.KeepResponse]) error {
	m, err := stream.Recv()
	if err != nil {
		return err
	}
	owner := m.GetOwner()
	if owner == "" || m.GetKeeper() != s.id {
		return s.refuse(stream.Context(), "Keep", nil, fault.New(fault.WrongState, fmt.Errorf("values of %q are for %q", owner, m.GetKeeper())))
	}
	line, fenced, err := s.vault.Open(owner, m.GetChange())
	if err != nil {
		return s.endKeeping(stream, err)
	}
	s.log.Info("values are kept", "owner", owner)
	messages, ended := make(chan *mediav1.KeepRequest), make(chan struct{})
	defer close(ended)
	go func() { // ends with the stream, which ends when this function returns
		defer close(messages)
		for {
			m, err := stream.Recv()
			if err != nil {
				return
			}
			select {
			case messages <- m:
			case <-ended:
				return
			}
		}
	}()
	for {
		response := &mediav1.KeepResponse{Number: m.GetNumber()}
		if err := s.take(owner, line, m, response); err != nil {
			return s.endKeeping(stream, err)
		}
		if err := stream.Send(response); err != nil {
			return err
		}
		var open bool
		select {
		case m, open = <-messages:
			if !open {
				return nil
			}
		case <-fenced:
			return s.endKeeping(stream, keep.ErrFenced)
		case <-s.serving.Done():
			return s.refuse(stream.Context(), "Keep", nil, fault.New(fault.NodeUnavailable, s.serving.Err()))
		}
	}
}

// take puts the values of one message into the vault, and names those that it does not take.
func (s *Server) take(owner string, line uint64, m *mediav1.KeepRequest, response *mediav1.KeepResponse) error {
	if len(m.GetKept()) == 0 {
		return s.vault.Hear(owner, line)
	}
	for _, k := range m.GetKept() {
		switch err := s.vault.Put(owner, line, keptPeer(k.GetPeer()), k.GetSerial(), k.GetState()); {
		case errors.Is(err, keep.ErrFull):
			response.Refused = append(response.Refused, k.GetPeer())
		case err != nil:
			return err
		}
	}
	return nil
}

func (s *Server) endKeeping(stream grpc.BidiStreamingServer[mediav1.KeepRequest, mediav1.KeepResponse], err error) error {
	if errors.Is(err, keep.ErrFenced) {
		return stream.Send(&mediav1.KeepResponse{Fenced: true})
	}
	return s.refuse(stream.Context(), "Keep", nil, fault.New(fault.NodeUnavailable, err))
}

func keptPeer(p *mediav1.PeerID) keep.Peer {
	return keep.Peer{Session: p.GetSessionId(), Handle: p.GetHandleId(), Generation: p.GetGeneration()}
}

func (s *Server) Fence(ctx context.Context, r *mediav1.FenceRequest) (*mediav1.FenceResponse, error) {
	if r.GetOwner() == "" || r.GetOwner() == s.id {
		return nil, s.refuse(ctx, "Fence", nil, fault.New(fault.WrongState, fmt.Errorf("cannot fence %q", r.GetOwner())))
	}
	response := &mediav1.FenceResponse{}
	for _, p := range s.vault.Fence(r.GetOwner(), r.GetChange()) {
		response.Kept = append(response.Kept, &mediav1.PeerID{SessionId: p.Session, HandleId: p.Handle, Generation: p.Generation})
	}
	s.log.Warn("node is fenced", "owner", r.GetOwner(), "kept", len(response.Kept))
	return response, nil
}

func (s *Server) TakeKept(ctx context.Context, r *mediav1.TakeKeptRequest) (*mediav1.TakeKeptResponse, error) {
	state, err := s.vault.Look(r.GetOwner(), keptPeer(r.GetPeer()), r.GetTo())
	if err == nil && r.LeaveAtVersion != nil {
		var value *node.State
		if value, err = node.ParseState(state); err == nil && value.Version != r.GetLeaveAtVersion() {
			err = fault.New(fault.WrongState, fmt.Errorf("version is %d, not %d", value.Version, r.GetLeaveAtVersion()))
		}
		if err == nil {
			state, err = s.vault.Take(r.GetOwner(), keptPeer(r.GetPeer()), r.GetTo())
		}
	}
	switch {
	case errors.Is(err, keep.ErrNoValue):
		err = fault.New(fault.NoSuchPeer, err)
	case errors.Is(err, keep.ErrNotFenced):
		err = fault.New(fault.WrongState, err)
	}
	if err != nil {
		return nil, s.refuse(ctx, "TakeKept", r.GetPeer(), err)
	}
	return &mediav1.TakeKeptResponse{State: state}, nil
}

// keeper gives what it has kept of a node that is dead (node.Origin).
type keeper struct {
	*client
	owner string
	to    string // names this one taking of one peer: a value is gone on from once, whoever asks again
}

func newKeeper(c *client, owner string) *keeper { return &keeper{c, owner, rand.Text()} }

func (k *keeper) Dead() bool { return true }

func (k *keeper) Export(ctx context.Context, id node.PeerID, leaveAt *uint64) (*node.State, error) {
	r, err := mediav1.NewKeepersClient(k.conn).TakeKept(ctx, &mediav1.TakeKeptRequest{
		Owner: k.owner, Peer: protoPeerID(id), LeaveAtVersion: leaveAt, To: k.to,
	})
	if err != nil {
		return nil, fault.FromStatus(err)
	}
	return node.ParseState(r.GetState())
}

func protoPeerID(id node.PeerID) *mediav1.PeerID {
	return &mediav1.PeerID{SessionId: id.Session, HandleId: id.ID, Generation: id.Generation}
}

// KeepLine is an owner's stream to its keeper. One goroutine may send while another receives.
type KeepLine struct {
	stream  grpc.BidiStreamingClient[mediav1.KeepRequest, mediav1.KeepResponse]
	release func()
}

// Keep opens a line to the node at a gRPC address. It ends with ctx.
func (n *Nodes) Keep(ctx context.Context, address string) (*KeepLine, error) {
	conn, release, err := n.conn(address)
	if err != nil {
		return nil, err
	}
	stream, err := mediav1.NewKeepersClient(conn).Keep(ctx)
	if err != nil {
		release()
		return nil, fault.FromStatus(err)
	}
	return &KeepLine{stream, release}, nil
}

// KeepOpening is what the first message says: the processes whose values are kept and by whom, and how many times that has
// been another.
type KeepOpening struct {
	Owner, Keeper string
	Change        uint64
}

// Value is one as it is sent.
type Value struct {
	node.Value
	Encoded  []byte // empty of a peer that has ended here, and of one whose value is too large
	TooLarge bool   // to be kept: the keeper forgets the one before
}

// Send gives values to the keeper. They have to be less than maxRequest.
func (l *KeepLine) Send(o KeepOpening, number uint64, values []Value) error {
	m := &mediav1.KeepRequest{Owner: o.Owner, Keeper: o.Keeper, Change: o.Change, Number: number}
	for i := range values {
		m.Kept = append(m.Kept, &mediav1.Kept{Peer: protoPeerID(values[i].Peer), Serial: values[i].Serial, State: values[i].Encoded})
	}
	return l.stream.Send(m)
}

// KeepAnswer is what the keeper says.
type KeepAnswer struct {
	Number  uint64
	Refused map[node.PeerID]bool
	Fenced  bool
}

// Receive waits for an answer.
func (l *KeepLine) Receive() (KeepAnswer, error) {
	m, err := l.stream.Recv()
	if err != nil {
		return KeepAnswer{}, fault.FromStatus(err)
	}
	a := KeepAnswer{Number: m.GetNumber(), Fenced: m.GetFenced()}
	for _, p := range m.GetRefused() {
		if a.Refused == nil {
			a.Refused = map[node.PeerID]bool{}
		}
		a.Refused[peerID(p)] = true
	}
	return a, nil
}

// Close lets go of the connection, once the line's context has ended.
func (l *KeepLine) Close() { l.release() }
