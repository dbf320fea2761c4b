package rpc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/proto/traces"
	"github.com/cardea-rtc/cardea/services/media/internal/keep"
	"github.com/cardea-rtc/cardea/services/media/internal/node"
)

// maxRequest is the largest request, in bytes: SDP of an endpoint came over the bus, which takes less.
const maxRequest = 2 << 20

// stopGrace is what calls under way are given to end.
const stopGrace = 2 * time.Second

// Server answers roomstate, and other nodes.
type Server struct {
	mediav1.UnimplementedMediaServer
	mediav1.UnimplementedRelaysServer
	mediav1.UnimplementedKeepersServer
	node    *node.Node
	vault   *keep.Vault
	id      string // of this process
	address string // of this server, as other nodes know it
	log     *slog.Logger
	traces  *traces.Tracer                   // may be nil
	dial    credentials.TransportCredentials // of other nodes
	creds   credentials.TransportCredentials // of this one
	serving context.Context                  // set by Serve, as long as it serves
}

// New returns a server of n that others reach at an address, and that keeps for others what they put into v. It serves with
// credentials, and dials other nodes with others.
func New(n *node.Node, v *keep.Vault, id, address string, dial, serve credentials.TransportCredentials, tracer *traces.Tracer, log *slog.Logger) *Server {
	return &Server{node: n, vault: v, id: id, address: address, dial: dial, creds: serve, traces: tracer, log: log}
}

// Serve answers on l, health included, until ctx ends and what is under way is done.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	g := grpc.NewServer(
		grpc.Creds(s.creds),
		grpc.UnaryInterceptor(s.traces.Server),
		grpc.MaxRecvMsgSize(maxRequest),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 2 * time.Second, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: 10 * time.Second, Timeout: 5 * time.Second}),
	)
	s.serving = ctx
	mediav1.RegisterMediaServer(g, s)
	mediav1.RegisterRelaysServer(g, s)
	mediav1.RegisterKeepersServer(g, s)
	checks := health.NewServer()
	grpc_health_v1.RegisterHealthServer(g, checks)
	checks.SetServingStatus(mediav1.Media_ServiceDesc.ServiceName, grpc_health_v1.HealthCheckResponse_SERVING)

	stopped := make(chan struct{})
	end := context.AfterFunc(ctx, func() {
		defer close(stopped)
		checks.Shutdown()
		hard := time.AfterFunc(stopGrace, g.Stop)
		defer hard.Stop()
		g.GracefulStop()
	})
	err := g.Serve(l)
	if !end() {
		<-stopped
	}
	if err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return fmt.Errorf("serve gRPC: %w", err)
	}
	return nil
}

// refuse makes err what the caller gets. A cause that the caller will not see is logged here.
func (s *Server) refuse(ctx context.Context, rpc string, id *mediav1.PeerID, err error) error {
	log := traces.Log(ctx, s.log)
	if fault.Of(err) == fault.Internal && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		log.Error("request failed", "rpc", rpc, "session", id.GetSessionId(), "handle", id.GetHandleId(), "err", err)
	} else {
		log.Debug("request refused", "rpc", rpc, "session", id.GetSessionId(), "handle", id.GetHandleId(), "err", err)
	}
	return fault.ToStatus(err)
}

// AcceptOffer is of mediav1.MediaServer, as are all below.
func (s *Server) AcceptOffer(ctx context.Context, r *mediav1.AcceptOfferRequest) (*mediav1.AcceptOfferResponse, error) {
	answer, err := s.node.AcceptOffer(ctx, offerRequest(r))
	if err != nil {
		return nil, s.refuse(ctx, "AcceptOffer", r.GetPeer(), err)
	}
	return offerAnswer(&answer), nil
}

func (s *Server) MakeOffer(ctx context.Context, r *mediav1.MakeOfferRequest) (*mediav1.MakeOfferResponse, error) {
	offer, err := s.node.MakeOffer(ctx, subscribeRequest(r))
	if err != nil {
		return nil, s.refuse(ctx, "MakeOffer", r.GetPeer(), err)
	}
	return &mediav1.MakeOfferResponse{Sdp: offer}, nil
}

func (s *Server) AcceptAnswer(ctx context.Context, r *mediav1.AcceptAnswerRequest) (*mediav1.AcceptAnswerResponse, error) {
	ready, err := s.node.AcceptAnswer(ctx, node.AnswerRequest{Command: command(r.GetPeer(), r.GetCommandId()), SDP: r.GetSdp()})
	if err != nil {
		return nil, s.refuse(ctx, "AcceptAnswer", r.GetPeer(), err)
	}
	return &mediav1.AcceptAnswerResponse{Ready: ready}, nil
}

func (s *Server) UpdatePublisher(ctx context.Context, r *mediav1.UpdatePublisherRequest) (*mediav1.UpdatePublisherResponse, error) {
	if err := s.node.UpdatePublisher(ctx, publisherUpdate(r)); err != nil {
		return nil, s.refuse(ctx, "UpdatePublisher", r.GetPeer(), err)
	}
	return &mediav1.UpdatePublisherResponse{}, nil
}

func (s *Server) UpdateSubscriber(ctx context.Context, r *mediav1.UpdateSubscriberRequest) (*mediav1.UpdateSubscriberResponse, error) {
	update := node.SubscriberUpdate{Peer: peerID(r.GetPeer()), Slots: slotRequests(r.GetSlots()), Paused: r.GetPaused()}
	if err := s.node.UpdateSubscriber(ctx, update); err != nil {
		return nil, s.refuse(ctx, "UpdateSubscriber", r.GetPeer(), err)
	}
	return &mediav1.UpdateSubscriberResponse{}, nil
}

func (s *Server) ClosePeer(ctx context.Context, r *mediav1.ClosePeerRequest) (*mediav1.ClosePeerResponse, error) {
	if err := s.node.ClosePeer(ctx, peerID(r.GetPeer()), r.GetReason(), r.GetQuiet()); err != nil {
		return nil, s.refuse(ctx, "ClosePeer", r.GetPeer(), err)
	}
	return &mediav1.ClosePeerResponse{}, nil
}

func (s *Server) TakePeer(ctx context.Context, r *mediav1.TakePeerRequest) (*mediav1.TakePeerResponse, error) {
	at := r.GetFrom()
	if r.GetKeeper() != "" {
		at = r.GetKeeper()
	}
	from, err := dial(at, s.address, s.dial)
	if err != nil {
		return nil, s.refuse(ctx, "TakePeer", r.GetPeer(), err)
	}
	var origin node.Origin = from
	if r.GetKeeper() != "" {
		origin = newKeeper(from, r.GetOwner())
	}
	candidates, err := s.node.TakePeer(ctx, peerID(r.GetPeer()), r.GetFrom(), origin)
	if err != nil {
		return nil, s.refuse(ctx, "TakePeer", r.GetPeer(), err)
	}
	return &mediav1.TakePeerResponse{Candidates: candidates}, nil
}

func (s *Server) ExportPeer(ctx context.Context, r *mediav1.ExportPeerRequest) (*mediav1.ExportPeerResponse, error) {
	state, err := s.node.ExportPeer(ctx, peerID(r.GetPeer()), r.LeaveAtVersion, r.GetTo())
	if err != nil {
		return nil, s.refuse(ctx, "ExportPeer", r.GetPeer(), err)
	}
	b, err := state.Encode()
	if err != nil {
		return nil, s.refuse(ctx, "ExportPeer", r.GetPeer(), err)
	}
	return &mediav1.ExportPeerResponse{State: b}, nil
}
