package transport

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/pion/srtp/v3"
)

// State is what a Peer is to the network. Given to another node, that one goes on in its place: the endpoint sees
// nothing but another candidate. It holds secrets.
type State struct {
	Credentials Credentials
	Previous    Credentials // see Peer.previous
	Client      bool        // we were the DTLS client
	Moves       int         // from node to node, so far

	Profile               uint16 // an SRTP protection profile (RFC 5764, section 4.1.2)
	LocalKey, LocalSalt   []byte
	RemoteKey, RemoteSalt []byte

	Sent     []SentIndex
	Received []ReceivedIndex

	Connection *Connection // nil if the DTLS connection stays behind, and with it all data channels
	Data       DataState
}

// SentIndex is where one of our SSRCs has got to. An index used twice under one key would tell both plaintexts.
type SentIndex struct {
	SSRC uint32
	RTP  uint64 // index of the next packet (RFC 3711, section 3.3.1); 0 if none was sent
	RTCP uint32 // last SRTCP index
}

// ReceivedIndex is the roll-over counter of one of the endpoint's SSRCs.
type ReceivedIndex struct{ SSRC, ROC uint32 }

// Export returns the state: sent is what was sent by RTP, with room for more SSRCs that send only RTCP, and received
// the SSRCs that came. It is an error while there are no keys.
func (p *Peer) Export(sent []SentIndex, received []uint32) (State, error) {
	if p.outbound == nil || p.closed {
		return State{}, fmt.Errorf("peer has no keys")
	}
	s := State{
		Credentials: p.local, Previous: p.previous, Client: p.client, Moves: p.moves, Profile: uint16(p.keyed.profile),
		LocalKey: p.keyed.localKey, LocalSalt: p.keyed.localSalt, RemoteKey: p.keyed.remoteKey, RemoteSalt: p.keyed.remoteSalt,
	}
	for _, index := range sent {
		index.RTCP, _ = p.outbound.Index(index.SSRC)
		s.Sent = append(s.Sent, index)
	}
	for _, ssrc := range received {
		if roc, ok := p.opener.roc(ssrc); ok {
			s.Received = append(s.Received, ReceivedIndex{ssrc, roc})
		}
	}
	s.Connection = p.dtls.carried()
	var err error
	if s.Data, err = p.dtls.channels.carried(); err != nil {
		return State{}, err
	}
	if s.Data.Associated && s.Connection == nil {
		return State{}, errNotCarried
	}
	return s, nil
}

// switchGrace is how long after its nomination of a path here an endpoint that has sent media may still send to the
// node before.
const switchGrace = 500 * time.Millisecond

// Adopt makes a peer of another node's. It answers checks and receives, but sends no media until Continue. When the
// endpoint has gone over to a path here, as its media, its RTCP or its nomination says, arrived is called, once, on the worker's goroutine. If it has
// not gone over after 20 s the peer closes, whether it is heard or not.
func (w *Worker) Adopt(h Handler, s State, arrived func(), log *slog.Logger) (*Peer, error) {
	for _, c := range []Credentials{s.Credentials, s.Previous} {
		if c.Ufrag != "" && w.group.known.find([]byte(c.Ufrag)) != nil {
			return nil, fmt.Errorf("ufrag %q is here already", c.Ufrag)
		}
	}
	if s.Connection != nil {
		if _, err := s.Connection.state(s.Client, s.Profile); err != nil {
			return nil, err
		}
	}
	if err := s.Data.check(); err != nil {
		return nil, err
	}
	p := newPeer(w, h, log)
	p.dtls.fixed = s.Connection // what comes from now on waits
	k := keys{
		profile: srtp.ProtectionProfile(s.Profile), localKey: s.LocalKey, localSalt: s.LocalSalt,
		remoteKey: s.RemoteKey, remoteSalt: s.RemoteSalt,
	}
	if err := p.useKeys(k); err != nil {
		return nil, err
	}
	p.guesses = map[uint32]uint32{}
	for _, r := range s.Received {
		p.guesses[r.SSRC] = r.ROC
	}
	p.held, p.moves, p.client, p.arrived = true, s.Moves+1, s.Client, arrived
	p.stop = func() {}
	p.alive.Set(w.Now() + connectTimeout)
	if s.Previous != (Credentials{}) {
		p.setCredentials(s.Previous)
		p.previous = s.Previous
	}
	p.setCredentials(s.Credentials)
	w.live[p] = struct{}{}
	return p, nil
}

// nominated is told that the endpoint has chosen a path here. One that sends media is there when that comes: until
// then it may be in flight to the other node, where it would be lost.
func (p *Peer) nominated(now time.Duration) {
	switch {
	case p.arrived == nil:
	case len(p.guesses) == 0:
		p.arrive()
	case !p.arrival.IsSet():
		p.arrival.Set(now + switchGrace)
	}
}

// reported is told that RTCP has come, which an endpoint sends on the path that it has chosen. It may be seconds until Chromium nominates
// that, by its next check; all the while the node before hears nothing of what the endpoint lacks, and of what it could take.
func (p *Peer) reported() {
	if p.arrived != nil && len(p.guesses) == 0 {
		p.arrive()
	}
}

// checkArrival is for when no media has come by then.
func (p *Peer) checkArrival(time.Duration) {
	if p.arrived != nil {
		p.arrive()
	}
}

func (p *Peer) arrive() {
	tell := p.arrived
	p.arrived = nil
	p.arrival.Stop()
	tell()
}

// Continue lets an adopted peer send, from where s says that the other node has stopped: after that it must send no
// more.
func (p *Peer) Continue(s State) {
	for _, index := range s.Sent {
		if index.RTP > 0 {
			p.sealer.goOnAt(index.SSRC, index.RTP)
		}
		p.outbound.SetIndex(index.SSRC, index.RTCP+1)
	}
	for _, r := range s.Received {
		if _, open := p.guesses[r.SSRC]; open {
			p.guesses[r.SSRC] = r.ROC
		}
	}
	p.held = false
	p.resumeConnection(&s)
}

// resumeConnection goes on with the DTLS connection, and the data channels in it.
func (p *Peer) resumeConnection(s *State) {
	p.dtls.fixed = s.Connection
	if s.Connection == nil || p.closed {
		return
	}
	state, err := s.Connection.state(p.client, s.Profile)
	if err == nil {
		err = s.Data.check()
	}
	if err != nil {
		p.log.Warn("DTLS connection not gone on with", "err", err)
		p.dtls.fixed = nil
		return
	}
	var overflow <-chan struct{}
	if s.Data.Associated {
		overflow = p.dtls.channels.adopt(&s.Data)
	}
	ctx, stop := context.WithCancel(context.Background())
	p.stop = stop
	p.w.tasks.Go(func() { p.dtls.resume(ctx, state, p.client, overflow) })
}

// Candidates are the values of a=candidate lines that lead to an adopted peer. They come before those of the nodes
// that it was on, for a while: 62 moves.
//
// Each is of a generation of its own, an attribute of libwebrtc's that others pass over (RFC 8839, section 5.1: cand-extension). Chromium
// remembers an address that it has left for 30 s, and takes no other priority for it, unless what it is told is of a later generation.
func (p *Peer) Candidates() []string {
	all := p.w.group.candidates(uint32(min(p.moves, maxMoves)))
	if p.moves == 0 {
		return all
	}
	for i := range all {
		all[i] += fmt.Sprint(" generation ", p.moves)
	}
	return all
}

// Leave ends the peer here without a word to the endpoint, which goes on with another node.
func (p *Peer) Leave() {
	p.dtls.silent.Store(true)
	p.Close()
}

// guess decrypts the first packets of an SSRC whose roll-over counter another node last knew: it may have wrapped since,
// or what comes first may be a late one from before.
func (p *Peer) guess(b []byte, ssrc, roc uint32) ([]byte, error) {
	sealed := append(p.w.sealed[:0], b...)
	p.w.sealed = sealed
	for _, guess := range [...]uint32{roc, roc + 1, roc - 1} {
		p.opener.setROC(ssrc, guess)
		copy(b, sealed)
		if plain, err := p.opener.open(b); err == nil {
			delete(p.guesses, ssrc)
			if p.arrived != nil {
				if !p.arrival.IsSet() { // there may be other paths here, and no nomination yet
					p.choose(p.came)
				}
				p.arrive()
			}
			return plain, nil
		}
	}
	p.opener.setROC(ssrc, roc)
	return nil, errForged
}
