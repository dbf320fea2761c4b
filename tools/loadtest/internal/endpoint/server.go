package endpoint

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"net"
	"net/url"

	"github.com/pion/webrtc/v4"
)

// Server is the one under test, and how its endpoints speak to it. What PeerConnections can share they share.
type Server struct {
	url                     string
	clock                   Clock
	publishers, subscribers *webrtc.API
	certificate             webrtc.Certificate
}

// NewServer is for the Janus API at address (ws:// or wss://). If that is on loopback, media may be. With
// repair, lost packets are asked for again, as browsers do.
func NewServer(ctx context.Context, address string, clock Clock, repair bool) (*Server, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("server address: %w", err)
	}
	ips, err := net.DefaultResolver.LookupIPAddr(ctx, u.Hostname())
	if err != nil {
		return nil, fmt.Errorf("server address: %w", err)
	}
	loopback := ips[0].IP.IsLoopback()
	s := &Server{url: address, clock: clock}
	sends, err := publisherInterceptors(repair)
	if err != nil {
		return nil, err
	}
	if s.publishers, err = newAPI(loopback, repair, sends); err != nil {
		return nil, err
	}
	receives, err := subscriberInterceptors(repair)
	if err != nil {
		return nil, err
	}
	if s.subscribers, err = newAPI(loopback, repair, receives); err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate key: %w", err)
	}
	certificate, err := webrtc.GenerateCertificate(key)
	if err != nil {
		return nil, fmt.Errorf("generate certificate: %w", err)
	}
	s.certificate = *certificate
	return s, nil
}

func (s *Server) newPeerConnection(api *webrtc.API) (*webrtc.PeerConnection, error) {
	pc, err := api.NewPeerConnection(webrtc.Configuration{Certificates: []webrtc.Certificate{s.certificate}})
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
