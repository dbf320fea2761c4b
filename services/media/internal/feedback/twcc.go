package feedback

import (
	"time"

	"github.com/pion/rtcp"

	"github.com/cardea-rtc/cardea/services/media/internal/packet"
)

const (
	twccInterval = 100 * time.Millisecond
	twccWindow   = 1024 // sequence numbers remembered at a time; must be a power of two
	twccEnough   = 256  // sequence numbers that make feedback due before its time
	twccMost     = 400  // sequence numbers in one packet, which so stays below 1000 bytes

	deltaUnit     = 250 * time.Microsecond
	referenceUnit = 64 * time.Millisecond
	maxLargeDelta = 1<<15 - 1 // in delta units
	maxSmallDelta = 1<<8 - 1
	maxRunLength  = 1<<13 - 1
	vectorLength  = 7 // two-bit symbols in a status vector chunk
)

// TWCC notes when the packets of one connection arrived, by their transport-wide sequence numbers, and makes feedback
// of it (draft-holmer-rmcat-transport-wide-cc-extensions-01). Its zero value is ready.
type TWCC struct {
	arrivals []twccArrival // by sequence number; made with the first packet
	extender packet.Extender
	base     uint64 // the first sequence number that feedback has not told of; 0 before the first packet
	end      uint64 // the one after the highest recorded
	sent     time.Duration
	count    uint8 // of feedback packets
}

// twccArrival is when a packet came; it is none if seq is not the one looked for.
type twccArrival struct {
	seq uint64
	at  time.Duration
}

// Record notes a packet. It allocates nothing but its window, once.
func (t *TWCC) Record(seq uint16, arrival time.Duration) {
	if t.arrivals == nil {
		t.arrivals = make([]twccArrival, twccWindow)
		t.sent = arrival
	}
	ext := t.extender.Extend(seq)
	if t.base == 0 {
		t.base, t.end = ext, ext
	}
	if ext < t.base {
		return // told of as lost already
	}
	t.end = max(t.end, ext+1)
	if t.end-t.base > twccWindow {
		t.base = t.end - twccWindow
	}
	*t.at(ext) = twccArrival{ext, arrival}
}

func (t *TWCC) at(seq uint64) *twccArrival { return &t.arrivals[seq%twccWindow] }

// Due is true when feedback should be sent: 100 ms after the last, or earlier if many packets wait.
func (t *TWCC) Due(now time.Duration) bool {
	return t.end > t.base && (now-t.sent >= twccInterval || t.end-t.base >= twccEnough)
}

// Append appends feedback for what was recorded since the last call; nothing if there was none. ssrc is any of
// the connection's media sources.
func (t *TWCC) Append(dst []rtcp.Packet, sender, ssrc uint32, now time.Duration) []rtcp.Packet {
	t.sent = now
	for t.base < t.end {
		dst = append(dst, t.build(sender, ssrc))
	}
	return dst
}

// build makes one packet of feedback, and moves base past what it tells. It ends early where two arrivals are further
// apart than a delta can say.
func (t *TWCC) build(sender, ssrc uint32) *rtcp.TransportLayerCC {
	fb := &rtcp.TransportLayerCC{
		SenderSSRC: sender, MediaSSRC: ssrc,
		BaseSequenceNumber: uint16(t.base), FbPktCount: t.count,
	}
	t.count++
	var symbols []uint16
	var clock time.Duration // what the deltas so far add up to
	started := false
	for ; t.base < t.end && len(symbols) < twccMost; t.base++ {
		a := t.at(t.base)
		if a.seq != t.base {
			symbols = append(symbols, rtcp.TypeTCCPacketNotReceived)
			continue
		}
		if !started {
			reference := a.at / referenceUnit
			fb.ReferenceTime = uint32(reference) & 0xffffff
			clock, started = reference*referenceUnit, true
		}
		delta := int64((a.at - clock) / deltaUnit)
		if delta > maxLargeDelta || delta < -maxLargeDelta {
			break
		}
		clock += time.Duration(delta) * deltaUnit
		symbol := uint16(rtcp.TypeTCCPacketReceivedLargeDelta)
		if delta >= 0 && delta <= maxSmallDelta {
			symbol = rtcp.TypeTCCPacketReceivedSmallDelta
		}
		symbols = append(symbols, symbol)
		fb.RecvDeltas = append(fb.RecvDeltas, &rtcp.RecvDelta{Type: symbol, Delta: delta * deltaUnit.Microseconds()})
	}
	fb.PacketStatusCount = uint16(len(symbols))
	fb.PacketChunks = chunks(symbols)
	size := fb.MarshalSize()
	fb.Header = rtcp.Header{
		Padding: unpadded(fb)%4 != 0,
		Count:   rtcp.FormatTCC,
		Type:    rtcp.TypeTransportSpecificFeedback,
		Length:  uint16(size/4 - 1),
	}
	return fb
}

// unpadded returns the size of a feedback packet without padding, in bytes.
func unpadded(fb *rtcp.TransportLayerCC) int {
	size := 20 + 2*len(fb.PacketChunks)
	for _, d := range fb.RecvDeltas {
		if size++; d.Type == rtcp.TypeTCCPacketReceivedLargeDelta {
			size++
		}
	}
	return size
}

// chunks packs status symbols: into runs where at least a vector's worth are the same, else into vectors.
func chunks(symbols []uint16) []rtcp.PacketStatusChunk {
	var out []rtcp.PacketStatusChunk
	for len(symbols) > 0 {
		run := 1
		for run < len(symbols) && run < maxRunLength && symbols[run] == symbols[0] {
			run++
		}
		if run >= vectorLength || run == len(symbols) {
			out = append(out, &rtcp.RunLengthChunk{
				Type: rtcp.TypeTCCRunLengthChunk, PacketStatusSymbol: symbols[0], RunLength: uint16(run),
			})
			symbols = symbols[run:]
			continue
		}
		vector := make([]uint16, vectorLength)
		n := copy(vector, symbols)
		out = append(out, &rtcp.StatusVectorChunk{
			Type: rtcp.TypeTCCStatusVectorChunk, SymbolSize: rtcp.TypeTCCSymbolSizeTwoBit, SymbolList: vector,
		})
		symbols = symbols[n:]
	}
	return out
}
