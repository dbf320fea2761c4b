package transport

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/pion/srtp/v3"
)

// maxSSRCsPerPeer is how many sources of one peer, of RTP and RTCP, are told from their repeats.
const maxSSRCsPerPeer = 512

// secured takes the keys that DTLS agreed on.
func (p *Peer) secured(k keys, now time.Duration) {
	if p.closed {
		return
	}
	if err := p.useKeys(k); err != nil {
		p.log.Warn("SRTP keys", "err", err)
		p.end(reasonDTLSAlert)
		return
	}
	p.handler.Up(now)
}

func (p *Peer) useKeys(k keys) (err error) {
	p.inbound, err = srtp.CreateContext(k.remoteKey, k.remoteSalt, k.profile,
		srtp.SRTPReplayProtection(replayWindow), srtp.SRTCPReplayProtection(replayWindow))
	if err != nil {
		return fmt.Errorf("inbound: %w", err)
	}
	if p.opener, err = newOpener(k, p.inbound); err != nil {
		return fmt.Errorf("inbound: %w", err)
	}
	if p.outbound, err = srtp.CreateContext(k.localKey, k.localSalt, k.profile); err != nil {
		return fmt.Errorf("outbound: %w", err)
	}
	if p.sealer, err = newSealer(k, p.outbound); err != nil {
		return fmt.Errorf("outbound: %w", err)
	}
	p.keyed = k
	return nil
}

// receiveRTP decrypts in place. It and receiveRTCP report whether the packet is authentic, and new.
func (p *Peer) receiveRTP(b []byte, now time.Duration) bool {
	if p.inbound == nil || p.closed {
		p.w.drop(DropNotReady)
		return false
	}
	if len(b) < 12 {
		p.w.drop(DropNotAuthentic)
		return false
	}
	ssrc := binary.BigEndian.Uint32(b[8:])
	_, known := p.opener.roc(ssrc)
	if !known && p.ssrcs == maxSSRCsPerPeer {
		p.w.drop(DropTooManySSRCs)
		return false
	}
	plain, err := p.decrypt(b, ssrc)
	if err != nil {
		p.w.drop(dropFor(err))
		return false
	}
	if !known {
		p.ssrcs++
	}
	p.handler.RTP(plain, now)
	return true
}

func (p *Peer) decrypt(b []byte, ssrc uint32) ([]byte, error) {
	if roc, ok := p.guesses[ssrc]; ok {
		return p.guess(b, ssrc, roc)
	}
	return p.opener.open(b)
}

func (p *Peer) receiveRTCP(b []byte, now time.Duration) bool {
	if p.inbound == nil || p.closed {
		p.w.drop(DropNotReady)
		return false
	}
	_, known := p.inbound.Index(binary.BigEndian.Uint32(b[4:]))
	if !known && p.ssrcs == maxSSRCsPerPeer {
		p.w.drop(DropTooManySSRCs)
		return false
	}
	plain, err := p.inbound.DecryptRTCP(b[:0], b, nil)
	if err != nil {
		p.w.drop(dropFor(refusal(err)))
		return false
	}
	if !known {
		p.ssrcs++
	}
	p.reported()
	p.handler.RTCP(plain, now)
	return true
}

func dropFor(err error) Drop {
	if errors.Is(err, errReplayed) {
		return DropReplayed
	}
	return DropNotAuthentic
}

// Buffer returns an empty slice with room for a packet to send, valid until the next call on any peer of the worker.
func (p *Peer) Buffer() []byte { return p.w.socket.room()[:0] }

// SendRTP encrypts a packet and queues it until the end of the burst. Its header is in what Buffer returned; its payload
// is behind it or elsewhere, where it is left as it is.
func (p *Peer) SendRTP(header, payload []byte) {
	if !p.sendable() {
		return
	}
	if p.overran {
		p.w.drop(DropOverrun)
		return
	}
	b, err := p.sealer.seal(header, payload)
	if err != nil {
		if errors.Is(err, errBeyondBound) {
			p.beyond = true
			p.overrun()
		}
		p.w.drop(dropSealed(err))
		return
	}
	p.queue(b)
}

// SendRTCP encrypts a compound packet and sends it at once. It leaves Buffer alone.
func (p *Peer) SendRTCP(packet []byte) (sent bool) {
	if !p.sendable() {
		return false
	}
	if !p.mayReport(packet) {
		p.w.drop(DropBeyondBound)
		return false
	}
	b, err := p.outbound.EncryptRTCP(p.w.rtcp[:0], packet, nil)
	if err != nil {
		p.w.drop(DropSendFailed)
		return false
	}
	p.w.rtcp = b
	p.w.write(p.selected, b)
	p.w.socket.sent.add(len(b))
	return true
}

func (p *Peer) sendable() bool {
	if p.outbound != nil && p.selected.valid() && !p.closed && !p.held && !p.w.quiet {
		return true
	}
	if p.w.quiet {
		p.w.drop(DropFenced)
	} else {
		p.w.drop(DropNotReady)
	}
	return false
}

func dropSealed(err error) Drop {
	if errors.Is(err, errBeyondBound) {
		return DropBeyondBound
	}
	return DropSendFailed
}

// queue takes a datagram that lies at the start of the socket's room.
func (p *Peer) queue(b []byte) {
	if p.selected.tcp == nil {
		p.w.socket.commit(p, p.selected.addr, len(b))
		return
	}
	if !p.selected.tcp.send(b) {
		p.w.drop(DropTCPQueueFull)
		p.overrun()
		return
	}
	p.w.socket.sent.add(len(b))
}
