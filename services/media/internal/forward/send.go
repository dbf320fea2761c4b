package forward

import (
	"encoding/binary"
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/codec"
	"github.com/cardea-rtc/cardea/services/media/internal/packet"
)

// carried are the header extensions whose values a subscriber gets as the publisher sent them.
const carried = packet.HasAudioLevel | packet.HasVideoOrientation | packet.HasPlayoutDelay | packet.HasAbsCaptureTime

// send sends a packet for the first time.
func (l *Leg) send(t *slot, r *run, out uint64, now time.Duration) {
	l.end.next = max(l.end.next, out+1)
	if !l.write(t, r, out, now) {
		return
	}
	l.noteSent(t)
	l.stats.Packets++
	l.stats.Bytes += uint64(len(t.payload))
	l.resends.earn()
	if out >= l.end.last {
		l.end = tip{
			sent: true, last: out, next: l.end.next, ts: t.ts + r.ts, arrival: t.arrival,
			pictureID: t.desc.PictureID + r.pictureID, tl0: t.desc.TL0PICIDX + r.tl0,
		}
	}
}

// write writes a packet as a run makes it, and hands it over.
func (l *Leg) write(t *slot, r *run, out uint64, now time.Duration) bool {
	h := l.header(t, r)
	payload, payloadType := l.payload(t)
	h.SSRC, h.PayloadType, h.Seq = l.cfg.SSRC, payloadType, uint16(out)
	ext := l.extensions(t, r, now)
	b := packet.AppendHeader(l.cfg.Sender.Buffer(), &h, &l.ids, &ext)
	return l.finish(b, nil, t, r, payload)
}

// writeRTX writes the same packet as a retransmission (RFC 4588, section 4), and hands it over.
func (l *Leg) writeRTX(t *slot, r *run, out uint64, now time.Duration) {
	h := l.header(t, r)
	h.SSRC, h.PayloadType, h.Seq = l.cfg.RTXSSRC, l.cfg.RTXPayloadType, l.resends.next()
	ext := l.extensions(t, r, now)
	b := packet.AppendHeader(l.cfg.Sender.Buffer(), &h, &l.ids, &ext)
	payload, _ := l.payload(t)
	l.finish(b, binary.BigEndian.AppendUint16(b, uint16(out))[len(b):], t, r, payload)
}

// header fills in what does not depend on whether the packet is sent for the first time.
func (l *Leg) header(t *slot, r *run) packet.Header {
	topOfPicture := l.source.cfg.SVC && t.desc.End && t.desc.Spatial == r.spatial
	return packet.Header{Timestamp: t.ts + r.ts, Marker: t.marker || topOfPicture}
}

func (l *Leg) extensions(t *slot, r *run, now time.Duration) packet.Extensions {
	ext := t.ext
	ext.Present = ext.Present&carried | packet.HasMID
	ext.MID = l.mid
	if l.ids.DependencyDescriptor != 0 && len(t.dependencies) > 0 {
		ext.Present |= packet.HasDependencyDescriptor
		ext.DependencyDescriptor = codec.AppendRenumbered(l.source.scratch[:0], t.dependencies, r.pictureID)
		l.source.scratch = ext.DependencyDescriptor
	}
	if l.playoutDelay != nil {
		ext.Present |= packet.HasPlayoutDelay
		ext.PlayoutDelay = *l.playoutDelay
	}
	if l.ids.AbsSendTime != 0 {
		ext.Present |= packet.HasAbsSendTime
		ext.AbsSendTime = packet.AbsSendTime(now)
	}
	if l.ids.TransportCC != 0 {
		ext.Present |= packet.HasTransportCC
		ext.TransportSeq = l.cfg.Sender.NextTransportSeq(now)
	}
	return ext
}

// finish hands a packet over, if it is not too long: its header, what is before the payload proper, and that, with its
// picture numbers rewritten. It is copied only if they differ from the publisher's.
func (l *Leg) finish(header, before []byte, t *slot, r *run, payload []byte) bool {
	if len(header)+len(before)+len(payload) > packet.MaxSize {
		l.stats.Dropped[DropOversized]++
		return false
	}
	red := t.red != 0 && l.cfg.RED != 0
	if len(before) == 0 && !red && r.pictureID == 0 && r.tl0 == 0 {
		l.cfg.Sender.SendRTP(header, payload)
		return true
	}
	b := append(append(header, before...), payload...)[len(header):]
	own := b[len(before):]
	if red {
		codec.RenumberRED(own, l.cfg.PayloadType)
	}
	t.desc.Rewrite(own, t.desc.PictureID+r.pictureID, t.desc.TL0PICIDX+r.tl0)
	l.cfg.Sender.SendRTP(header, b)
	return true
}
