package endpoint

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"github.com/cardea-rtc/cardea/tools/internal/dtlssrtp"
	"github.com/cardea-rtc/cardea/tools/internal/synth"
)

const (
	// VerifiedShare is of how many packets one is decrypted, authenticated and read, by chance; the first of a stream,
	// padded and repeated ones always are. Of the others only the header is read, and they count as what their sequence
	// number says.
	VerifiedShare = 8

	reportInterval    = time.Second
	repairInterval    = 100 * time.Millisecond
	transportInterval = 50 * time.Millisecond

	maxEarly   = 64   // packets that are kept until there are keys for them
	receiveMTU = 1500 // bytes
)

// Datagram is of receive.Handler.
func (s *Subscriber) Datagram(b []byte, from netip.AddrPort, at time.Duration) {
	switch {
	case len(b) < 2 || s.ice == nil:
	case b[0] < 4:
		s.ice.receive(b, from)
	case b[0] >= 20 && b[0] < 64:
		s.wire.Receive(b)
	case b[0]&0xc0 != 0x80:
	case b[1] >= 192 && b[1] < 224: // RFC 5761, section 4
		s.receiveRTCP(b, at)
	case s.keys == nil:
		if len(s.early) < maxEarly {
			s.early = append(s.early, early{append([]byte(nil), b...), at})
		}
	default:
		s.receiveRTP(b, at)
	}
}

// early is a packet that came before the keys.
type early struct {
	packet []byte
	at     time.Duration
}

// secure begins to read media.
func (s *Subscriber) secure(keys *dtlssrtp.Keys) {
	s.keys = keys
	for _, e := range s.early {
		s.receiveRTP(e.packet, e.at)
	}
	s.early = nil
}

func (s *Subscriber) receiveRTP(b []byte, at time.Duration) {
	h, ok := readHeader(b, s.offer.transportCC)
	if !ok {
		s.delivery.Foreign.Add(1)
		return
	}
	kind := s.offer.kinds[h.payloadType]
	if h.hasTransport {
		s.transport.Record(h.ssrc, h.transport, at.Microseconds())
	}
	if kind == repairMedia {
		s.receiveRepair(b, at)
		return
	}
	in := s.streams[h.ssrc]
	if in == nil {
		if in = s.newInbound(h.ssrc, kind); in == nil {
			s.delivery.Foreign.Add(1)
			return
		}
	}
	seq := in.count(&h, at)
	if in.of != nil && !h.padded && rand.Uint32()%VerifiedShare != 0 {
		s.countPacket(in, uint32(seq)-in.offset)
		return
	}
	stamp, err := s.verify(b, kind, 0)
	if errors.Is(err, errNoStamp) && h.padded {
		in.offset++ // it probes for bandwidth, and has a sequence number but no packet of ours
		s.delivery.Padding.Add(1)
		return
	}
	if err != nil {
		s.delivery.Foreign.Add(1)
		return
	}
	offset := uint32(seq) - stamp.Counter
	switch {
	case in.of == nil:
		if in.of = s.Tallies[stamp.Stream]; in.of == nil {
			s.delivery.Foreign.Add(1)
			return
		}
		in.id, in.offset = stamp.Stream, offset
	case stamp.Stream != in.id:
		s.delivery.Foreign.Add(1)
		return
	case offset != in.offset:
		s.delivery.Renumbered.Add(1)
		in.offset = offset
	}
	s.countPacket(in, stamp.Counter)
	s.countVerified(stamp, at)
}

func (s *Subscriber) newInbound(ssrc uint32, kind mediaKind) *inbound {
	rate := uint32(synth.VideoClockRate)
	switch kind {
	case audioMedia:
		rate = synth.OpusClockRate
	case videoMedia:
	default:
		return nil
	}
	in := &inbound{ssrc: ssrc, clockRate: rate, missing: map[uint64]int{}}
	s.streams[ssrc] = in
	return in
}

// receiveRepair takes a packet of RTX (RFC 4588, section 4). Padding in it is for probing.
func (s *Subscriber) receiveRepair(b []byte, at time.Duration) {
	stamp, err := s.verify(b, videoMedia, 2)
	if err != nil {
		s.delivery.Padding.Add(1)
		return
	}
	for _, in := range s.streams {
		if in.of != nil && in.id == stamp.Stream {
			delete(in.missing, in.highest+uint64(int64(int32(stamp.Counter+in.offset-uint32(in.highest)))))
			s.countPacket(in, stamp.Counter)
		}
	}
	s.countVerified(stamp, at)
}

// errNoStamp means that a packet is authentic, but that none of our publishers made it.
var errNoStamp = errors.New("packet has no stamp")

// verify decrypts a packet and reads its stamp, which is behind skip bytes of the payload.
func (s *Subscriber) verify(b []byte, kind mediaKind, skip int) (stamp synth.Stamp, err error) {
	var h rtp.Header
	plain, err := s.keys.Inbound.DecryptRTP(s.plain[:0], b, &h)
	if err != nil {
		return synth.Stamp{}, err
	}
	read := synth.ReadVP8
	if kind == audioMedia {
		read = synth.ReadOpus
	}
	stamp, ok := read(plain[min(h.MarshalSize()+skip, len(plain)):])
	if !ok {
		return synth.Stamp{}, errNoStamp
	}
	return stamp, nil
}

func (s *Subscriber) countPacket(in *inbound, counter uint32) {
	if in.of.Add(counter) {
		s.delivery.Packets.Add(1)
	}
}

func (s *Subscriber) countVerified(stamp synth.Stamp, at time.Duration) {
	if !s.hasMedia {
		s.hasMedia, s.waited = true, at-s.asked
		close(s.media)
	}
	s.delivery.Verified.Add(1)
	if s.delivery.Measure.Load() {
		s.delivery.Latency.Record(at - stamp.Sent)
	}
}

// receiveRTCP looks for sender reports, which ours refer to.
func (s *Subscriber) receiveRTCP(b []byte, at time.Duration) {
	if s.keys == nil || b[1] != uint8(rtcp.TypeSenderReport) {
		return
	}
	plain, err := s.keys.Inbound.DecryptRTCP(nil, b, nil)
	if err != nil {
		return
	}
	packets, err := rtcp.Unmarshal(plain)
	if err != nil {
		return
	}
	for _, p := range packets {
		if report, ok := p.(*rtcp.SenderReport); ok && s.streams[report.SSRC] != nil {
			in := s.streams[report.SSRC]
			in.senderReport, in.senderReportAt = uint32(report.NTPTime>>16), at
		}
	}
}

// Tick is of receive.Handler: what browsers send now and then.
func (s *Subscriber) Tick(now time.Duration) {
	if s.ice != nil {
		s.ice.tick(now)
	}
	if s.keys == nil {
		return
	}
	if now-s.reported >= reportInterval {
		s.reported = now
		report := &rtcp.ReceiverReport{SSRC: s.ssrc}
		for _, in := range s.streams {
			if len(report.Reports) < 31 { // what fits
				report.Reports = append(report.Reports, in.report(now))
			}
		}
		s.sendRTCP(report)
	}
	if s.repair && now-s.repaired >= repairInterval {
		s.repaired = now
		for _, in := range s.streams {
			if wanted := in.wanted(); len(wanted) > 0 && in.clockRate == synth.VideoClockRate {
				s.sendRTCP(&rtcp.TransportLayerNack{SenderSSRC: s.ssrc, MediaSSRC: in.ssrc, Nacks: rtcp.NackPairsFromSequenceNumbers(wanted)})
			}
		}
	}
	if s.offer.transportCC != 0 && now-s.transported >= transportInterval {
		s.transported = now
		for _, p := range s.transport.BuildFeedbackPacket() {
			s.sendRTCP(p)
		}
	}
}

func (s *Subscriber) sendRTCP(p rtcp.Packet) {
	plain, err := p.Marshal()
	if err != nil {
		return
	}
	if sealed, err := s.keys.Outbound.EncryptRTCP(nil, plain, nil); err == nil {
		s.socket.Send(sealed, s.ice.selected)
	}
}
