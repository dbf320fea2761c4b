package rpc

import (
	"context"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/proto/traces"
	"github.com/cardea-rtc/cardea/services/media/internal/node"
)

// client asks another node (node.Origin).
type client struct {
	conn *grpc.ClientConn
	own  string // address of the node that asks
}

func dial(address, own string, with credentials.TransportCredentials) (*client, error) {
	conn, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(with), grpc.WithUnaryInterceptor(traces.Client))
	if err != nil {
		return nil, fault.New(fault.NodeUnavailable, fmt.Errorf("node at %q: %w", address, err))
	}
	return &client{conn, own}, nil
}

func (c *client) Export(ctx context.Context, id node.PeerID, leaveAt *uint64) (*node.State, error) {
	r, err := mediav1.NewMediaClient(c.conn).ExportPeer(ctx, &mediav1.ExportPeerRequest{
		Peer:           protoPeerID(id),
		LeaveAtVersion: leaveAt, To: c.own,
	})
	if err != nil {
		return nil, fault.FromStatus(err)
	}
	return node.ParseState(r.GetState())
}

// Dead is of node.Origin.
func (c *client) Dead() bool { return false }

func (c *client) Close() error { return c.conn.Close() }
