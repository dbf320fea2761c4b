package rpc

import (
	"context"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/proto/traces"
	"github.com/cardea-rtc/cardea/services/media/internal/node"
)

// Nodes are the other nodes of a cluster (node.Cluster). All relays from one node share a connection, which lives as long
// as any of them.
type Nodes struct {
	Credentials credentials.TransportCredentials // must be set

	mu    sync.Mutex
	conns map[string]*sharedConn // by address
}

type sharedConn struct {
	*grpc.ClientConn
	users int
}

// Pull is of node.Cluster.
func (n *Nodes) Pull(ctx context.Context, address string, feed node.FeedID, here node.RelayEnd) (node.PullLine, error) {
	conn, release, err := n.conn(address)
	if err != nil {
		return nil, err
	}
	stream, err := mediav1.NewRelaysClient(conn).Relay(ctx)
	if err != nil {
		release()
		return nil, fault.FromStatus(err)
	}
	opening := &mediav1.RelayOpening{Feed: string(feed), End: protoRelayEnd(&here)}
	if err := stream.Send(&mediav1.RelayDemand{Opening: opening}); err != nil { // what is wrong, Receive says
		release()
		return nil, fault.New(fault.NodeUnavailable, err)
	}
	return &pullLine{stream, release}, nil
}

func (n *Nodes) conn(address string) (conn grpc.ClientConnInterface, release func(), err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	c := n.conns[address]
	if c == nil {
		opened, err := grpc.NewClient("passthrough:///"+address,
			grpc.WithTransportCredentials(n.Credentials), grpc.WithUnaryInterceptor(traces.Client),
			grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxRequest)),
			grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10 * time.Second, Timeout: 3 * time.Second}),
			grpc.WithConnectParams(grpc.ConnectParams{
				Backoff:           backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second},
				MinConnectTimeout: 2 * time.Second,
			}),
		)
		if err != nil {
			return nil, nil, fault.New(fault.NodeUnavailable, fmt.Errorf("node at %q: %w", address, err))
		}
		c = &sharedConn{ClientConn: opened}
		if n.conns == nil {
			n.conns = map[string]*sharedConn{}
		}
		n.conns[address] = c
	}
	c.users++
	return c, sync.OnceFunc(func() { n.release(address, c) }), nil
}

func (n *Nodes) release(address string, c *sharedConn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if c.users--; c.users == 0 {
		delete(n.conns, address)
		_ = c.Close() // nothing is under way
	}
}
