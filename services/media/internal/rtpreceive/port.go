package rtpreceive

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"sync"

	"github.com/pion/rtcp"
	"github.com/pion/srtp/v3"

	"github.com/cardea-rtc/cardea/services/media/internal/rtpforward"
)

const (
	// maxWaiting is how many packets of a port wait to be taken, and maxBytes how much of them.
	maxWaiting = 1024
	maxBytes   = 4 << 20
	// packetSize is that of most packets; longer ones, messages, have memory of their own.
	packetSize = 1500
	maxSize    = 65535
	// headerSize is the least that RTP has, in bytes.
	headerSize = 12
	// replays is how far behind the last a packet may be that is encrypted.
	replays = 1024
)

// Port is where one publisher's packets come, and from where it is asked for key frames.
type Port struct {
	inlet     *Inlet
	rtp, rtcp *net.UDPConn
	ready     func()
	done      chan struct{}
	address   netip.Addr // listened on; not valid for any

	mu       sync.Mutex
	decrypt  *srtp.Context     // nil for plain RTP
	crypto   rtpforward.Crypto // what that was made of
	waiting  [][]byte
	bytes    int
	spare    [][]byte       // for packets, empty again
	taken    [][]byte       // of the last Take; its owner's
	feedback netip.AddrPort // where key frames are asked for; not valid before it is known
}

// Open listens for a publisher, on a port if one is wanted, else on any of the range. ready is called, on a goroutine of the
// port's own, when something waits for Take, and not again until that was called. iface is the interface to listen on, or its
// address; empty for what the inlet was told. TooBusy if there is no port, or there may be none; BadElement for a key that
// cannot be gone by; WrongState for an interface that may not be listened on.
func (i *Inlet) Open(iface string, port uint16, c rtpforward.Crypto, ready func()) (*Port, error) {
	if len(i.cfg.From) == 0 {
		i.cfg.Log.Warn("remote publisher refused", "err", errOff)
		return nil, errNoPort(errOff)
	}
	p := &Port{inlet: i, ready: ready, done: make(chan struct{})}
	var err error
	if p.address, err = i.choose(iface); err != nil {
		return nil, err
	}
	if err := p.SetCrypto(c); err != nil {
		return nil, err
	}
	if err := p.listen(port); err != nil {
		return nil, errNoPort(err)
	}
	i.ended.Go(func() {
		select {
		case <-i.ending:
		case <-p.done:
		}
		_, _ = p.rtp.Close(), p.rtcp.Close()
	})
	i.ended.Go(p.read)
	i.ended.Go(p.hearFeedback)
	return p, nil
}

func (p *Port) listen(wanted uint16) (err error) {
	if wanted != 0 && !p.inlet.cfg.Ports.has(wanted) {
		return fmt.Errorf("port %d is not among those for remote publishers", wanted)
	}
	open := func(conn **net.UDPConn) func(uint16) error {
		return func(port uint16) (err error) {
			*conn, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(p.address, port)))
			return err
		}
	}
	if wanted != 0 {
		err = open(&p.rtp)(wanted)
	} else {
		err = p.inlet.each(open(&p.rtp))
	}
	if err != nil {
		return err
	}
	if err = p.inlet.each(open(&p.rtcp)); err != nil {
		_ = p.rtp.Close()
	}
	return err
}

// SetCrypto says how packets are encrypted from now on. What was known of streams stays known as long as the key does.
func (p *Port) SetCrypto(c rtpforward.Crypto) error {
	if p.decrypt != nil && c.Suite == p.crypto.Suite && bytes.Equal(c.Key, p.crypto.Key) {
		return nil
	}
	context, err := c.Context(srtp.SRTPReplayProtection(replays))
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.decrypt, p.crypto = context, rtpforward.Crypto{Suite: c.Suite, Key: bytes.Clone(c.Key)}
	return nil
}

// Address is where to send to, if it is known.
func (p *Port) Address() netip.Addr {
	if p.address.IsUnspecified() {
		return netip.Addr{}
	}
	return p.address
}

// RTP is the local port of packets, RTCP that of feedback.
func (p *Port) RTP() uint16 { return portOf(p.rtp) }

// RTCP is where the sender says from where it takes feedback.
func (p *Port) RTCP() uint16 { return portOf(p.rtcp) }

func portOf(c *net.UDPConn) uint16 { return c.LocalAddr().(*net.UDPAddr).AddrPort().Port() }

// Close ends the port, once.
func (p *Port) Close() { close(p.done) }

// read ends with the socket.
func (p *Port) read() {
	b := make([]byte, maxSize)
	var clear []byte
	for {
		n, from, err := p.rtp.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		if !p.inlet.hears(from.Addr()) {
			p.inlet.dropped[Stranger].Add(1)
			continue
		}
		if n < headerSize || b[0]>>6 != 2 {
			p.inlet.dropped[Malformed].Add(1)
			continue
		}
		p.mu.Lock()
		packet := b[:n]
		if p.decrypt != nil {
			if clear, err = p.decrypt.DecryptRTP(clear[:0], packet, nil); err != nil {
				p.mu.Unlock()
				p.inlet.dropped[Forged].Add(1)
				continue
			}
			packet = clear
		}
		first := p.keep(packet)
		p.mu.Unlock()
		if first {
			p.ready()
		}
	}
}

// keep copies a packet for Take, and reports whether it is the first that waits. The caller holds mu.
func (p *Port) keep(packet []byte) bool {
	if len(p.waiting) >= maxWaiting || p.bytes+len(packet) > maxBytes {
		p.inlet.dropped[Full].Add(1)
		return false
	}
	var kept []byte
	if n := len(p.spare); n > 0 && len(packet) <= packetSize {
		kept, p.spare = p.spare[n-1], p.spare[:n-1]
	} else if len(packet) <= packetSize {
		kept = make([]byte, 0, packetSize)
	}
	p.waiting = append(p.waiting, append(kept, packet...))
	p.bytes += len(packet)
	p.inlet.received.Add(1)
	return len(p.waiting) == 1
}

// Take returns what has come since the last call, in order; it is valid until the next. It never waits. For one goroutine.
func (p *Port) Take() [][]byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, b := range p.taken {
		if cap(b) == packetSize && len(p.spare) < maxWaiting {
			p.spare = append(p.spare, b[:0])
		}
		p.taken[i] = nil
	}
	p.taken, p.waiting, p.bytes = p.waiting, p.taken[:0], 0
	return p.taken
}

// hearFeedback learns where the sender takes feedback. It ends with the socket.
func (p *Port) hearFeedback() {
	b := make([]byte, packetSize)
	for {
		_, from, err := p.rtcp.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		if !p.inlet.hears(from.Addr()) {
			p.inlet.dropped[Stranger].Add(1)
			continue
		}
		p.mu.Lock()
		p.feedback = from
		p.mu.Unlock()
	}
}

// Refuse counts a packet that Take has given, and that is none after all.
func (p *Port) Refuse() { p.inlet.dropped[Malformed].Add(1) }

// RequestKeyframe asks the sender, if it has said from where. Streams see that it is not asked often.
func (p *Port) RequestKeyframe(ssrc uint32) {
	p.mu.Lock()
	to := p.feedback
	p.mu.Unlock()
	if !to.IsValid() {
		return
	}
	b, err := (&rtcp.PictureLossIndication{SenderSSRC: 1, MediaSSRC: ssrc}).Marshal()
	if err != nil {
		return // cannot be
	}
	_, _ = p.rtcp.WriteToUDPAddrPort(b, to) // one that is lost is asked for again
}
