package rtpforward

import (
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/pion/rtcp"

	"github.com/cardea-rtc/cardea/services/media/internal/packet"
)

const (
	// askAtMost is how often a receiver's wish for a key frame of one SSRC is passed on.
	askAtMost = 200 * time.Millisecond
	// maxAsked is for how many SSRCs that is remembered.
	maxAsked = 64
)

// Feedback is where a receiver asks for key frames.
type Feedback struct {
	conn *net.UDPConn
	done chan struct{}
}

// hello is what a receiver learns from where to ask, and what opens a NAT: an RTP header and nothing else, twice, as Janus sends it.
var hello = packet.AppendHeader(nil, &packet.Header{}, &packet.ExtensionIDs{}, &packet.Extensions{})

const hellos = 2

// Listen opens a port for the RTCP of a receiver, and says so to it. keyframe is called for each PLI or FIR (RFC 4585, RFC 5104) that
// comes from its address, with the SSRC that it names, on a goroutine of the port's own.
func (o *Outlet) Listen(receiver netip.AddrPort, keyframe func(ssrc uint32)) (*Feedback, error) {
	conn, err := net.ListenUDP("udp", nil)
	if err != nil {
		return nil, fmt.Errorf("forwarding's RTCP: %w", err)
	}
	f := &Feedback{conn: conn, done: make(chan struct{})}
	for range hellos {
		_, _ = conn.WriteToUDPAddrPort(hello, receiver) // nobody there yet is no harm
	}
	o.ended.Go(func() {
		select {
		case <-o.ending:
		case <-f.done:
		}
		_ = conn.Close()
	})
	o.ended.Go(func() { f.read(receiver.Addr(), keyframe) })
	return f, nil
}

// Port is the local one.
func (f *Feedback) Port() uint16 { return f.conn.LocalAddr().(*net.UDPAddr).AddrPort().Port() }

// Close ends the port, once.
func (f *Feedback) Close() { close(f.done) }

// read ends with the socket. Errors of single datagrams, as where nobody listens at the far end, do not end it.
func (f *Feedback) read(from netip.Addr, keyframe func(ssrc uint32)) {
	b := make([]byte, 1500)
	asked := map[uint32]time.Time{}
	for {
		n, sender, err := f.conn.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		if sender.Addr().Unmap() != from {
			continue
		}
		for _, ssrc := range keyframesWanted(b[:n]) {
			now := time.Now()
			if now.Sub(asked[ssrc]) < askAtMost {
				continue
			}
			if len(asked) >= maxAsked {
				clear(asked)
			}
			asked[ssrc] = now
			keyframe(ssrc)
		}
	}
}

// keyframesWanted are the SSRCs of which RTCP asks for a key frame.
func keyframesWanted(b []byte) []uint32 {
	packets, err := rtcp.Unmarshal(b)
	if err != nil {
		return nil
	}
	var ssrcs []uint32
	for _, p := range packets {
		switch p := p.(type) {
		case *rtcp.PictureLossIndication:
			ssrcs = append(ssrcs, p.MediaSSRC)
		case *rtcp.FullIntraRequest:
			for _, e := range p.FIR {
				ssrcs = append(ssrcs, e.SSRC)
			}
		}
	}
	return ssrcs
}
