package endpoint

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"sync"

	"github.com/pion/webrtc/v4"

	"github.com/cardea-rtc/cardea/tools/internal/dtlssrtp"
	"github.com/cardea-rtc/cardea/tools/internal/histogram"
	"github.com/cardea-rtc/cardea/tools/internal/receive"
)

// Server is the one under test, and how its endpoints speak to it. What endpoints can share they share.
type Server struct {
	url         string
	clock       Clock
	reception   Reception
	publishers  *webrtc.API
	certificate tls.Certificate
	fingerprint string // of it: hash, space, digits
	poller      *receive.Poller
	polling     sync.WaitGroup
}

// Reception is how subscribers receive.
type Reception struct {
	Repair    bool                 // lost packets are asked for again, as browsers do; publishers answer
	WholeRuns bool                 // runs of segments are taken uncut
	Late      *histogram.Histogram // gets how long each datagram waited to be read
}

// NewServer is for the Janus API at address (ws:// or wss://). If that is on loopback, media may be.
func NewServer(ctx context.Context, address string, clock Clock, reception Reception) (*Server, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("server address: %w", err)
	}
	ips, err := net.DefaultResolver.LookupIPAddr(ctx, u.Hostname())
	if err != nil {
		return nil, fmt.Errorf("server address: %w", err)
	}
	loopback := ips[0].IP.IsLoopback()
	s := &Server{url: address, clock: clock, reception: reception}
	sends, err := publisherInterceptors(reception.Repair)
	if err != nil {
		return nil, err
	}
	if s.publishers, err = newAPI(loopback, reception.Repair, sends); err != nil {
		return nil, err
	}
	if s.certificate, s.fingerprint, err = dtlssrtp.NewCertificate(); err != nil {
		return nil, err
	}
	if s.poller, err = receive.NewPoller(clock.start, reception.WholeRuns, reception.Late.Record); err != nil {
		return nil, err
	}
	s.polling.Go(func() {
		if err := s.poller.Run(); err != nil {
			fmt.Fprintln(os.Stderr, "loadtest:", err) // nothing is received any more, which the report shows
		}
	})
	return s, nil
}

// Close ends the reading of packets, when all endpoints are closed.
func (s *Server) Close() {
	s.poller.Stop()
	s.polling.Wait()
	s.poller.Close()
}

// localAddress is that from which packets to an address leave.
func localAddress(to netip.AddrPort) (netip.Addr, error) {
	c, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(to)) // sends nothing
	if err != nil {
		return netip.Addr{}, fmt.Errorf("route to server: %w", err)
	}
	defer func() { _ = c.Close() }()
	return c.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap(), nil
}

func (s *Server) newPeerConnection() (*webrtc.PeerConnection, error) {
	pc, err := s.publishers.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, fmt.Errorf("make PeerConnection: %w", err)
	}
	return pc, nil
}

// settle makes d the local description and returns it with all candidates.
func settle(ctx context.Context, pc *webrtc.PeerConnection, d webrtc.SessionDescription) (sdp string, err error) {
	gathered := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(d); err != nil {
		return "", fmt.Errorf("set local description: %w", err)
	}
	select {
	case <-gathered:
		return pc.LocalDescription().SDP, nil
	case <-ctx.Done():
		return "", fmt.Errorf("gather candidates: %w", ctx.Err())
	}
}
