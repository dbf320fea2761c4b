package media

import (
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/logging"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"github.com/cardea-rtc/cardea/proto/mediav1"
)

// endpoint is a pion PeerConnection: what is at the far end.
type endpoint struct {
	*webrtc.PeerConnection
	t  *testing.T
	s  *system
	id *mediav1.PeerID

	tracks  chan *received
	readers sync.WaitGroup // end with the PeerConnection
}

// received is a track that has come.
type received struct {
	*webrtc.TrackRemote
	packets chan *rtp.Packet
}

// dialing is what an endpoint may be made with.
type dialing struct {
	settings     webrtc.SettingEngine
	interceptors interceptor.Registry // nearest to the network first
	extensions   []string             // further ones of audio
	picture      []string             // and of video
	feedback     bool                 // tells when packets arrive
	redundancy   bool                 // knows RED of Opus (RFC 2198)
}

// withRedundancy makes an endpoint offer RED of Opus, first.
func withRedundancy(d *dialing) { d.redundancy = true }

const (
	mimeRED     = "audio/red"
	payloadRED  = 63
	payloadOpus = 111 // Pion's
)

// withTransportFeedback makes an endpoint tell when packets arrive.
func withTransportFeedback(d *dialing) { d.feedback = true }

// dial makes an endpoint.
func (s *system) dial(change ...func(*dialing)) *endpoint {
	s.t.Helper()
	var d dialing
	settings := &d.settings
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetIPFilter(func(ip net.IP) bool { return ip.IsLoopback() })
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	settings.SetICETimeouts(5*time.Second, 20*time.Second, 500*time.Millisecond)
	quiet := logging.NewDefaultLoggerFactory()
	quiet.DefaultLogLevel = logging.LogLevelDisabled
	settings.LoggerFactory = quiet
	for _, f := range change {
		f(&d)
	}
	media := &webrtc.MediaEngine{}
	if d.redundancy {
		if err := media.RegisterCodec(webrtc.RTPCodecParameters{
			RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: mimeRED, ClockRate: 48000, Channels: 2, SDPFmtpLine: "111/111"},
			PayloadType:        payloadRED,
		}, webrtc.RTPCodecTypeAudio); err != nil {
			s.t.Fatal(err)
		}
	}
	if err := media.RegisterDefaultCodecs(); err != nil {
		s.t.Fatal(err)
	}
	const mid, rid, repaired = "urn:ietf:params:rtp-hdrext:sdes:mid", "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id", "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
	for kind, uris := range map[webrtc.RTPCodecType][]string{
		webrtc.RTPCodecTypeVideo: append([]string{mid, rid, repaired}, d.picture...),
		webrtc.RTPCodecTypeAudio: append([]string{mid}, d.extensions...),
	} {
		for _, uri := range uris {
			if err := media.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: uri}, kind); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	interceptors := &d.interceptors
	if d.feedback {
		if err := webrtc.ConfigureTWCCSender(media, interceptors); err != nil {
			s.t.Fatal(err)
		}
	}
	if err := webrtc.ConfigureRTCPReports(interceptors); err != nil {
		s.t.Fatal(err)
	}
	if err := webrtc.ConfigureNack(media, interceptors); err != nil {
		s.t.Fatal(err)
	}
	api := webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithSettingEngine(*settings), webrtc.WithInterceptorRegistry(interceptors))
	pc, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		s.t.Fatal(err)
	}
	e := &endpoint{PeerConnection: pc, t: s.t, s: s, id: s.newPeer(), tracks: make(chan *received, 16)}
	s.t.Cleanup(func() { _ = pc.GracefulClose(); e.readers.Wait() })
	pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		r := &received{TrackRemote: track, packets: make(chan *rtp.Packet, 4096)}
		e.readers.Go(func() {
			for {
				p, _, err := track.ReadRTP()
				if err != nil {
					return
				}
				select {
				case r.packets <- p:
				default:
				}
			}
		})
		e.tracks <- r
	})
	return e
}

// description sets what make returns as local description, and returns it with candidates.
func (e *endpoint) description(make func() (webrtc.SessionDescription, error)) string {
	e.t.Helper()
	d, err := make()
	if err != nil {
		e.t.Fatal(err)
	}
	gathered := webrtc.GatheringCompletePromise(e.PeerConnection)
	if err := e.SetLocalDescription(d); err != nil {
		e.t.Fatal(err)
	}
	<-gathered
	return e.LocalDescription().SDP
}

func (e *endpoint) offer(options ...*webrtc.OfferOptions) string {
	e.t.Helper()
	return e.description(func() (webrtc.SessionDescription, error) {
		if len(options) > 0 {
			return e.CreateOffer(options[0])
		}
		return e.CreateOffer(nil)
	})
}

func (e *endpoint) remote(kind webrtc.SDPType, sdp string) {
	e.t.Helper()
	if err := e.SetRemoteDescription(webrtc.SessionDescription{Type: kind, SDP: sdp}); err != nil {
		e.t.Fatalf("%v in\n%s", err, sdp)
	}
}

// publish offers what the endpoint has as a feed, and takes the answer.
func (e *endpoint) publish(feed string, change ...func(*mediav1.AcceptOfferRequest)) *mediav1.AcceptOfferResponse {
	e.t.Helper()
	r := &mediav1.AcceptOfferRequest{
		Peer: e.id, CommandId: newCommand(), Sdp: e.offer(), Feed: feed, SessionName: "VideoRoom 1234", Rules: rules(),
	}
	for _, f := range change {
		f(r)
	}
	answer, err := e.s.api.AcceptOffer(e.t.Context(), r)
	if err != nil {
		e.t.Fatal(err)
	}
	e.remote(webrtc.SDPTypeAnswer, answer.GetSdp())
	return answer
}

func rules() *mediav1.PublishRules {
	return &mediav1.PublishRules{
		AudioCodecs: []string{"opus"}, VideoCodecs: []string{"vp8"}, OpusFec: true,
		AudioLevel: true, VideoOrientation: true, PlayoutDelay: true, TransportCc: true,
	}
}

// subscribe has the node offer slots, and answers.
func (e *endpoint) subscribe(slots ...*mediav1.Slot) []string {
	e.t.Helper()
	return e.answer(e.makeOffer(slots...))
}

func (e *endpoint) makeOffer(slots ...*mediav1.Slot) string {
	e.t.Helper()
	r, err := e.s.api.MakeOffer(e.t.Context(), &mediav1.MakeOfferRequest{
		Peer: e.id, CommandId: newCommand(), SessionName: "VideoRoom 1234", Slots: slots,
	})
	if err != nil {
		e.t.Fatal(err)
	}
	return r.GetSdp()
}

// answer returns the mids that are ready then.
func (e *endpoint) answer(offer string) []string {
	e.t.Helper()
	e.remote(webrtc.SDPTypeOffer, offer)
	answer := e.description(func() (webrtc.SessionDescription, error) { return e.CreateAnswer(nil) })
	r, err := e.s.api.AcceptAnswer(e.t.Context(), &mediav1.AcceptAnswerRequest{Peer: e.id, CommandId: newCommand(), Sdp: answer})
	if err != nil {
		e.t.Fatal(err)
	}
	return r.GetReady()
}

func (e *endpoint) track() *received {
	e.t.Helper()
	select {
	case r := <-e.tracks:
		return r
	case <-time.After(patience):
		e.t.Fatal("no track")
		return nil
	}
}

// next returns the next packet of a track.
func (r *received) next(t *testing.T) *rtp.Packet {
	t.Helper()
	select {
	case p := <-r.packets:
		return p
	case <-time.After(patience):
		t.Fatal("no packet")
		return nil
	}
}

func slotFor(mid string, feed, source, codec string) *mediav1.Slot {
	kind := mediav1.Kind_KIND_VIDEO
	if codec == "opus" {
		kind = mediav1.Kind_KIND_AUDIO
	}
	return &mediav1.Slot{
		Mid: mid, Kind: kind, Codec: codec, Source: &mediav1.Source{Feed: feed, Mid: source},
		Msid: "janus janus" + mid, Send: true,
	}
}

// sample is a source of packets: of VP8 frames of one packet, or of Opus.
type sample struct {
	track *webrtc.TrackLocalStaticRTP
	next  rtp.Packet
	step  uint32
	video bool
	every int // a key frame each so many
	sent  int

	mu    sync.Mutex
	asked bool        // for a key frame
	plis  []time.Time // when
}

func (e *endpoint) send(mime, id string, options ...func(*webrtc.TrackLocalStaticRTP)) *sample {
	e.t.Helper()
	capability := webrtc.RTPCodecCapability{MimeType: mime, ClockRate: 90000}
	s := &sample{step: 3000, video: true, every: 30}
	if strings.EqualFold(mime, webrtc.MimeTypeOpus) {
		capability.ClockRate, capability.Channels = 48000, 2
		s.step, s.video = 960, false
	}
	track, err := webrtc.NewTrackLocalStaticRTP(capability, id, "stream")
	if err != nil {
		e.t.Fatal(err)
	}
	s.track = track
	sender, err := e.AddTrack(track)
	if err != nil {
		e.t.Fatal(err)
	}
	e.drain(sender, s.requested)
	s.next.Header = rtp.Header{Version: 2, SequenceNumber: 65500, Timestamp: 1000}
	return s
}

// drain reads RTCP, without which interceptors do not act, and calls pli for each request for a key frame.
func (e *endpoint) drain(sender *webrtc.RTPSender, pli func()) {
	e.readers.Go(func() {
		for {
			packets, _, err := sender.ReadRTCP()
			if err != nil {
				return
			}
			for _, p := range packets {
				if _, ok := p.(*rtcp.PictureLossIndication); ok {
					pli()
				}
			}
		}
	})
}

func (s *sample) requested() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = true
	s.plis = append(s.plis, time.Now())
}

func (s *sample) keyframeWanted() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.asked
	s.asked = false
	return asked
}

// write sends one frame.
func (s *sample) write(t *testing.T) {
	t.Helper()
	s.next.Payload = s.payload()
	s.next.Marker = s.video
	if err := s.track.WriteRTP(&s.next); err != nil {
		t.Fatal(err)
	}
	s.next.SequenceNumber++
	s.next.Timestamp += s.step
	s.sent++
}

func (s *sample) payload() []byte {
	if !s.video {
		return []byte{0xfc, byte(s.sent), byte(s.sent >> 8)}
	}
	return vp8Frame(s.sent%s.every == 0 || s.keyframeWanted(), s.sent)
}

// vp8Frame is a packet with the payload descriptor of RFC 7741: a 15-bit picture id, then the frame's first bytes.
func vp8Frame(key bool, number int) []byte {
	frame := []byte{0x90, 0x80, 0x80 | byte(number>>8), byte(number), 0x01, 0x00, 0x00, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00}
	if key {
		frame[4] = 0x00 // the P bit is 0
	}
	return append(frame, byte(number), byte(number>>8))
}

// play writes frames until the test ends or stop is called.
func (s *sample) play(t *testing.T, interval time.Duration) (stop func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				s.write(t)
			case <-done:
				return
			}
		}
	})
	stop = sync.OnceFunc(func() { close(done); wg.Wait() })
	t.Cleanup(stop)
	return stop
}
