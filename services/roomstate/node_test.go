package roomstate_test

import (
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
)

// fakeNode is a media node whose SDP is a list of streams: "audio:opus video:vp8@a", with the mid behind the @ if it is
// not the stream's place. It says yes to everything.
type fakeNode struct {
	says []func(*busv1.NodeStatus) // more in each beat
	mediav1.UnimplementedMediaServer
	id       string
	address  string
	server   *grpc.Server
	health   *health.Server
	requests *bus.Requester
	stop     func()

	// hold, if set, is called in each MakeOffer and AcceptOffer, before the answer.
	hold func()
	// described, if set, is said of the peer of its handle.
	described *mediav1.DescribePeerResponse
	// refuseCapture, if set, is said of each file.
	refuseCapture error
	// update, if set, answers each UpdatePublisher.
	update func() error
	// from is the node whose peers it can take.
	from *fakeNode

	draining atomic.Bool
	keeper   atomic.Pointer[mediav1.KeepRequest] // says who keeps its peers, and since which change
	kept     fakeKeeper
	beats    atomic.Uint64

	mu        sync.Mutex
	offers    map[string]int // how many times each command id was heard
	peers     map[string]*mediav1.PeerID
	slots     map[string][]*mediav1.Slot
	closed    []string
	written   []string // captures that were begun, by their peer and file; those that go on are capturing
	capturing map[string]bool
	shunned   bool     // endpoints do not come here, if it is to go on with a dead node's
	rescued   []string // peers of dead nodes, by whom they were kept
	wg        sync.WaitGroup
}

func startNode(t *testing.T, nc *nats.Conn, id string, says ...func(*busv1.NodeStatus)) *fakeNode {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	requests, err := bus.NewRequester(nc, 200*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	n := &fakeNode{
		id: id, address: l.Addr().String(), server: grpc.NewServer(), health: health.NewServer(), requests: requests,
		offers: map[string]int{}, peers: map[string]*mediav1.PeerID{}, slots: map[string][]*mediav1.Slot{}, says: says,
	}
	mediav1.RegisterMediaServer(n.server, n)
	mediav1.RegisterKeepersServer(n.server, &n.kept)
	healthv1.RegisterHealthServer(n.server, n.health)
	ctx, cancel := context.WithCancel(context.Background())
	n.wg.Go(func() { _ = n.server.Serve(l) })
	n.wg.Go(func() { n.beat(ctx, nc) })
	n.stop = sync.OnceFunc(func() {
		cancel()
		n.server.Stop()
		_ = n.requests.Close()
		n.wg.Wait()
	})
	t.Cleanup(n.stop)
	return n
}

func (*fakeNode) TestSTUN(_ context.Context, r *mediav1.TestSTUNRequest) (*mediav1.TestSTUNResponse, error) {
	return &mediav1.TestSTUNResponse{PublicIp: r.GetAddress(), PublicPort: r.GetLocalPort()}, nil
}

func (n *fakeNode) beat(ctx context.Context, nc *nats.Conn) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		n.beats.Add(1)
		status := &busv1.NodeStatus{Id: n.id, Name: n.id, GrpcAddress: n.address, Draining: n.draining.Load(),
			Keeper: n.keeper.Load().GetKeeper(), KeeperChange: n.keeper.Load().GetChange()}
		for _, say := range n.says {
			say(status)
		}
		_ = bus.Publish(nc, bus.NodeBeats, status)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func peerName(p *mediav1.PeerID) string {
	return fmt.Sprintf("%d/%d/%d", p.GetSessionId(), p.GetHandleId(), p.GetGeneration())
}

func (n *fakeNode) AcceptOffer(_ context.Context, r *mediav1.AcceptOfferRequest) (*mediav1.AcceptOfferResponse, error) {
	if n.hold != nil {
		n.hold()
	}
	if strings.HasPrefix(r.GetSdp(), "bad") {
		return nil, fault.ToStatus(fault.Newf(fault.InvalidSDP, "Invalid SDP (doesn't start with v=)"))
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.offers[r.GetCommandId()]++
	n.peers[peerName(r.GetPeer())] = r.GetPeer()
	response := &mediav1.AcceptOfferResponse{Sdp: "answer to " + r.GetSdp()}
	for i, line := range strings.Fields(r.GetSdp()) {
		kind, codec, _ := strings.Cut(line, ":")
		codec, mid, named := strings.Cut(codec, "@")
		if !named {
			mid = fmt.Sprint(i)
		}
		s := &mediav1.PublishedStream{Mid: mid, Codec: codec, Kind: mediav1.Kind_KIND_VIDEO}
		switch kind {
		case "audio":
			s.Kind = mediav1.Kind_KIND_AUDIO
		case "data":
			s.Kind = mediav1.Kind_KIND_DATA
		}
		response.Streams = append(response.Streams, s)
	}
	return response, nil
}

func (n *fakeNode) AcceptRemote(_ context.Context, r *mediav1.AcceptRemoteRequest) (*mediav1.AcceptRemoteResponse, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.peers[peerName(r.GetPeer())] = r.GetPeer()
	return &mediav1.AcceptRemoteResponse{Port: 20000, RtcpPort: 20001}, nil
}

func (n *fakeNode) MakeOffer(_ context.Context, r *mediav1.MakeOfferRequest) (*mediav1.MakeOfferResponse, error) {
	if n.hold != nil {
		n.hold()
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.offers[r.GetCommandId()]++
	n.peers[peerName(r.GetPeer())] = r.GetPeer()
	n.slots[peerName(r.GetPeer())] = r.GetSlots()
	return &mediav1.MakeOfferResponse{Sdp: fmt.Sprintf("offer of %d", len(r.GetSlots()))}, nil
}

func (n *fakeNode) AcceptAnswer(_ context.Context, r *mediav1.AcceptAnswerRequest) (*mediav1.AcceptAnswerResponse, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	response := &mediav1.AcceptAnswerResponse{}
	for _, s := range n.slots[peerName(r.GetPeer())] {
		response.Ready = append(response.Ready, s.GetMid())
	}
	return response, nil
}

func (n *fakeNode) PassOffer(_ context.Context, r *mediav1.PassOfferRequest) (*mediav1.PassOfferResponse, error) {
	if n.hold != nil {
		n.hold()
	}
	if strings.HasPrefix(r.GetSdp(), "bad") {
		return nil, fault.ToStatus(fault.Newf(fault.InvalidSDP, "Invalid SDP (doesn't start with v=)"))
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.offers[r.GetCommandId()]++
	for _, p := range []*mediav1.PeerID{r.GetFrom().GetPeer(), r.GetTo().GetPeer()} {
		n.peers[peerName(p)] = p
	}
	return &mediav1.PassOfferResponse{Sdp: "passed " + r.GetSdp()}, nil
}

func (n *fakeNode) PassAnswer(_ context.Context, r *mediav1.PassAnswerRequest) (*mediav1.PassAnswerResponse, error) {
	return &mediav1.PassAnswerResponse{Sdp: "passed " + r.GetSdp()}, nil
}

func (n *fakeNode) UpdatePublisher(context.Context, *mediav1.UpdatePublisherRequest) (*mediav1.UpdatePublisherResponse, error) {
	if n.update != nil {
		if err := n.update(); err != nil {
			return nil, fault.ToStatus(err)
		}
	}
	return &mediav1.UpdatePublisherResponse{}, nil
}

func (n *fakeNode) UpdateSubscriber(context.Context, *mediav1.UpdateSubscriberRequest) (*mediav1.UpdateSubscriberResponse, error) {
	return &mediav1.UpdateSubscriberResponse{}, nil
}

func (n *fakeNode) DescribePeer(_ context.Context, r *mediav1.DescribePeerRequest) (*mediav1.DescribePeerResponse, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if d := n.described; d.GetPeer().GetSessionId() == r.GetSessionId() && d.GetPeer().GetHandleId() == r.GetHandleId() {
		return d, nil
	}
	return nil, fault.ToStatus(fault.New(fault.NoSuchPeer, nil))
}

// peerOf is the name that captures have of the handle's peer, empty if there is none.
func (n *fakeNode) peerOf(session, handle uint64) string {
	for name, p := range n.peers {
		if p.GetSessionId() == session && p.GetHandleId() == handle {
			return name
		}
	}
	return ""
}

func (n *fakeNode) StartCapture(_ context.Context, r *mediav1.StartCaptureRequest) (*mediav1.StartCaptureResponse, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	file := &mediav1.StartCaptureResponse{File: "/captures/" + r.GetFolder() + "/" + r.GetFilename()}
	peer := n.peerOf(r.GetSessionId(), r.GetHandleId())
	switch {
	case !r.GetCheck() && peer == "":
		return nil, fault.ToStatus(fault.New(fault.NoSuchPeer, nil))
	case n.refuseCapture != nil:
		return nil, fault.ToStatus(n.refuseCapture)
	case r.GetCheck():
		return file, nil
	case n.capturing[peer]:
		return nil, fault.ToStatus(fault.Newf(fault.BadRequest, "pcap already started"))
	}
	if n.capturing == nil {
		n.capturing = map[string]bool{}
	}
	n.capturing[peer] = true
	n.written = append(n.written, file.GetFile())
	return file, nil
}

func (n *fakeNode) StopCapture(_ context.Context, r *mediav1.StopCaptureRequest) (*mediav1.StopCaptureResponse, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	peer := n.peerOf(r.GetSessionId(), r.GetHandleId())
	if peer == "" {
		return nil, fault.ToStatus(fault.New(fault.NoSuchPeer, nil))
	}
	if !n.capturing[peer] {
		return nil, fault.ToStatus(fault.Newf(fault.BadRequest, "Capture not started"))
	}
	delete(n.capturing, peer)
	return &mediav1.StopCaptureResponse{}, nil
}

func (n *fakeNode) ClosePeer(_ context.Context, r *mediav1.ClosePeerRequest) (*mediav1.ClosePeerResponse, error) {
	n.mu.Lock()
	_, there := n.peers[peerName(r.GetPeer())]
	delete(n.peers, peerName(r.GetPeer()))
	if there {
		n.closed = append(n.closed, peerName(r.GetPeer())+" "+r.GetReason())
	}
	n.mu.Unlock()
	if there && !r.GetQuiet() {
		n.wg.Go(func() {
			n.say(r.GetPeer(), &busv1.PeerEvent{Kind: &busv1.PeerEvent_Closed_{Closed: &busv1.PeerEvent_Closed{Reason: r.GetReason()}}})
		})
	}
	return &mediav1.ClosePeerResponse{}, nil
}

// TakePeer has the endpoint follow at once.
func (n *fakeNode) TakePeer(_ context.Context, r *mediav1.TakePeerRequest) (*mediav1.TakePeerResponse, error) {
	if r.GetKeeper() != "" {
		return n.takeKept(r)
	}
	if n.from == nil || r.GetFrom() != n.from.address || !slices.Contains(n.from.has(), peerName(r.GetPeer())) {
		return nil, fault.ToStatus(fault.New(fault.NoSuchPeer, nil))
	}
	n.mu.Lock()
	n.peers[peerName(r.GetPeer())] = r.GetPeer()
	n.mu.Unlock()
	n.wg.Go(func() {
		n.from.mu.Lock()
		delete(n.from.peers, peerName(r.GetPeer()))
		n.from.mu.Unlock()
		n.say(r.GetPeer(), &busv1.PeerEvent{Kind: &busv1.PeerEvent_Moved_{Moved: &busv1.PeerEvent_Moved{}}})
	})
	return &mediav1.TakePeerResponse{Candidates: []string{"1 1 udp 9 192.0.2.7 10000 typ host"}}, nil
}

func (n *fakeNode) SetDraining(_ context.Context, r *mediav1.SetDrainingRequest) (*mediav1.SetDrainingResponse, error) {
	n.draining.Store(r.GetDraining())
	return &mediav1.SetDrainingResponse{}, nil
}

// say sends news of a peer until they are taken.
func (n *fakeNode) say(p *mediav1.PeerID, news *busv1.PeerEvent) {
	news.Node, news.NodeId, news.Generation = n.id, n.id, p.GetGeneration()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, _ = n.requests.Do(ctx, bus.Commands, &busv1.Command{
		Id: bus.NewCommandID(), SessionId: p.GetSessionId(), HandleId: p.GetHandleId(),
		Verb: &busv1.Command_Peer{Peer: news},
	}, nil)
}

// has returns the names of the peers that the node has.
func (n *fakeNode) has() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Sorted(maps.Keys(n.peers))
}

// up says that all peers of a handle are up.
func (n *fakeNode) up(handle uint64) {
	n.mu.Lock()
	var peers []*mediav1.PeerID
	for _, p := range n.peers {
		if p.GetHandleId() == handle {
			peers = append(peers, p)
		}
	}
	n.mu.Unlock()
	for _, p := range peers {
		n.say(p, &busv1.PeerEvent{Kind: &busv1.PeerEvent_Up_{Up: &busv1.PeerEvent_Up{}}})
	}
}
