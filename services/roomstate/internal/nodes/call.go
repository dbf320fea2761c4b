package nodes

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/proto/traces"
)

const (
	// callTime bounds a call to a node.
	callTime = 5 * time.Second
	// healthTime bounds a health check.
	healthTime = time.Second
)

// Call asks a node. Where the request names another one, by its id, that one's address is sent. Errors carry a fault.Reason.
func (r *Registry) Call(ctx context.Context, id string, request proto.Message) (proto.Message, error) {
	if !r.knows(id) {
		r.Learn(ctx)
	}
	conn, err := r.connection(id)
	if err != nil {
		return nil, fault.New(fault.NodeUnavailable, err)
	}
	if request, err = r.addressed(ctx, request); err != nil {
		return nil, err
	}
	within, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	response, err := call(within, conn, request)
	err = fault.FromStatus(err)
	if ctx.Err() == nil { // else it was not the node that ended it
		r.answered(id, err)
	}
	if err != nil {
		return nil, fmt.Errorf("node %s: %w", id, err)
	}
	return response, nil
}

func call(ctx context.Context, conn *grpc.ClientConn, request proto.Message) (proto.Message, error) {
	c := mediav1.NewMediaClient(conn)
	switch r := request.(type) {
	case *mediav1.AcceptOfferRequest:
		return c.AcceptOffer(ctx, r)
	case *mediav1.MakeOfferRequest:
		return c.MakeOffer(ctx, r)
	case *mediav1.AcceptAnswerRequest:
		return c.AcceptAnswer(ctx, r)
	case *mediav1.UpdatePublisherRequest:
		return c.UpdatePublisher(ctx, r)
	case *mediav1.UpdateSubscriberRequest:
		return c.UpdateSubscriber(ctx, r)
	case *mediav1.ClosePeerRequest:
		return c.ClosePeer(ctx, r)
	case *mediav1.DescribePeerRequest:
		return c.DescribePeer(ctx, r)
	case *mediav1.StartCaptureRequest:
		return c.StartCapture(ctx, r)
	case *mediav1.StopCaptureRequest:
		return c.StopCapture(ctx, r)
	case *mediav1.TestSTUNRequest:
		return c.TestSTUN(ctx, r)
	case *mediav1.ForwardRequest:
		return c.Forward(ctx, r)
	case *mediav1.StopForwardRequest:
		return c.StopForward(ctx, r)
	case *mediav1.PassOfferRequest:
		return c.PassOffer(ctx, r)
	case *mediav1.PassAnswerRequest:
		return c.PassAnswer(ctx, r)
	case *mediav1.AcceptRemoteRequest:
		return c.AcceptRemote(ctx, r)
	case *mediav1.PublishRemotelyRequest:
		return c.PublishRemotely(ctx, r)
	case *mediav1.UnpublishRemotelyRequest:
		return c.UnpublishRemotely(ctx, r)
	case *mediav1.TakePeerRequest:
		return c.TakePeer(ctx, r)
	case *mediav1.SetDrainingRequest:
		return c.SetDraining(ctx, r)
	case *mediav1.FenceRequest:
		return mediav1.NewKeepersClient(conn).Fence(ctx, r)
	}
	return nil, fault.New(fault.Internal, fmt.Errorf("no call takes a %T", request))
}

func (r *Registry) knows(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.nodes[id]
	return ok
}

// connection returns the one connection to a node, which redials by itself.
func (r *Registry) connection(id string) (*grpc.ClientConn, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, ok := r.nodes[id]
	if !ok {
		return nil, fmt.Errorf("node %s is not known", id)
	}
	if n.dead {
		return nil, fmt.Errorf("node %s is gone", id)
	}
	if n.conn == nil {
		conn, err := dial(n.address, r.dialWith)
		if err != nil {
			return nil, fmt.Errorf("node %s at %s: %w", id, n.address, err)
		}
		n.conn = conn
	}
	return n.conn, nil
}

func dial(address string, with credentials.TransportCredentials) (*grpc.ClientConn, error) {
	return grpc.NewClient("passthrough:///"+address,
		grpc.WithTransportCredentials(with), grpc.WithUnaryInterceptor(traces.Client),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10 * time.Second, Timeout: 3 * time.Second}),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 2 * time.Second},
			MinConnectTimeout: time.Second,
		}))
}

// healthy asks a node whether it serves.
func (r *Registry) healthy(ctx context.Context, id string) bool {
	status, err := r.health(ctx, id)
	return err == nil && status == healthv1.HealthCheckResponse_SERVING
}

// health asks a node how it is. NodeUnavailable if it does not answer.
func (r *Registry) health(ctx context.Context, id string) (healthv1.HealthCheckResponse_ServingStatus, error) {
	conn, err := r.connection(id)
	if err != nil {
		return 0, fault.New(fault.NodeUnavailable, err)
	}
	ctx, cancel := context.WithTimeout(ctx, healthTime)
	defer cancel()
	response, err := healthv1.NewHealthClient(conn).Check(ctx, &healthv1.HealthCheckRequest{})
	return response.GetStatus(), fault.FromStatus(err)
}
