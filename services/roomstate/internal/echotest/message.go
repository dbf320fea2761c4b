package echotest

import (
	"fmt"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// The codes of the plugin's errors.
const (
	errNotObject = 412
	errInvalid   = 413
)

type failure struct {
	EchoTest string `json:"echotest"`
	Code     int    `json:"error_code"`
	Text     string `json:"error"`
}

type okView struct {
	EchoTest string `json:"echotest"`
	Result   string `json:"result"`
}

// message applies what it sets, and with an offer makes the echo.
func (n *turn) message() {
	jsep := n.Command.GetMessage().GetJsep()
	if jsep.GetType() == "answer" {
		n.Failure = fault.Newf(fault.UnexpectedAnswer, "Unexpected ANSWER (did we offer?)")
		return
	}
	set, f := read(n.Command.GetMessage().GetBody())
	if f == nil && set.asksNothing() && jsep == nil {
		f = &failure{"event", errInvalid, "Message error: no supported attributes found"}
	}
	if f != nil {
		n.Answer(event(f, nil))
		return
	}
	if jsep == nil {
		set = set.withoutCodecs()
	}
	n.Settings = n.Settings.with(set)
	n.changed = true
	n.Bind = &plugin.Binding{Room: n.name, Role: role}
	var answer *busv1.Jsep
	switch {
	case jsep != nil:
		if answer = n.takeOffer(jsep); answer == nil {
			return
		}
	case n.Peer != nil:
		if !n.tell(set) {
			return
		}
	}
	n.tellPresent(set)
	n.notice()
	n.Answer(event(okView{"event", "ok"}, answer))
}

// takeOffer has a node answer. It returns nil if the turn has ended.
func (n *turn) takeOffer(jsep *busv1.Jsep) *busv1.Jsep {
	peer := n.Peer
	if peer == nil {
		placed, ok := n.Ask(plugin.Question{Place: true, Load: plugin.LoadOf(jsep.GetSdp()).Times(2)}) // there and back
		if !ok {
			return nil
		}
		if placed.Err != nil {
			n.Failure = placed.Err
			return nil
		}
		spent, ok := n.Ask(plugin.Question{Spent: true, Handle: n.me()})
		if !ok {
			return nil
		}
		if spent.Err != nil {
			n.Failure = spent.Err
			return nil
		}
		peer = &plugin.Peer{Node: placed.Node, Generation: max(n.Generation, spent.Spent) + 1}
	}
	got, ok := n.Ask(plugin.Question{
		Node: peer.Node, Handle: n.me(), Told: peer.Told,
		Request: &mediav1.AcceptOfferRequest{
			Peer: n.peerID(peer), Sdp: jsep.GetSdp(), Feed: fmt.Sprintf("%s#%d", n.name, peer.Generation), SessionName: "-",
			Rules: n.Settings.rules(), Echo: n.Settings.echo(),
			LowestRidFirst: jsep.GetLowestRidFirst(), E2Ee: jsep.GetE2Ee(), Recording: n.recorded(),
		},
	})
	if !ok {
		return nil
	}
	if got.Err != nil {
		n.Failure = got.Err
		return nil
	}
	accepted, _ := got.Response.(*mediav1.AcceptOfferResponse)
	if n.Peer == nil {
		n.Made = append(n.Made, plugin.PeerKey{Node: peer.Node, Handle: n.me(), Generation: peer.Generation})
	}
	peer.Told++
	n.Peer, n.Generation = peer, peer.Generation
	n.Settings, n.Codecs = n.Settings.agreed(accepted.GetStreams()), codecsOf(accepted.GetStreams())
	for i, stream := range accepted.GetStreams() {
		if stream.GetCodec() != "" || stream.GetKind() == mediav1.Kind_KIND_DATA {
			n.Room.Section = section{stream.GetMid(), uint32(i)}
			break
		}
	}
	n.E2EE = n.E2EE || jsep.GetE2Ee()
	return &busv1.Jsep{Type: "answer", Sdp: accepted.GetSdp(), E2Ee: n.E2EE}
}

// codecsOf are those of the first streams that are in use.
func codecsOf(streams []*mediav1.PublishedStream) (c codecs) {
	for _, s := range streams {
		switch {
		case s.GetCodec() == "":
		case s.GetKind() == mediav1.Kind_KIND_AUDIO && c.Audio == "":
			c.Audio = s.GetCodec()
		case s.GetKind() == mediav1.Kind_KIND_VIDEO && c.Video == "":
			c.Video, c.Simulcast, c.SVC = s.GetCodec(), s.GetSimulcast(), s.GetSvc()
		}
	}
	return c
}

// tell lets the node know of new settings. It returns false if the turn has ended.
func (n *turn) tell(set settings) bool {
	request := &mediav1.UpdatePublisherRequest{
		Peer: n.peerID(n.Peer), Echo: n.Settings.echo(), BitrateBps: set.Bitrate, Recording: n.recorded(),
	}
	got, ok := n.Ask(plugin.Question{Node: n.Peer.Node, Handle: n.me(), Told: n.Peer.Told, Request: request})
	if !ok {
		return false
	}
	if got.Err != nil {
		n.Failure = got.Err
		return false
	}
	n.Peer.Told++
	return true
}

func (n *turn) peerID(p *plugin.Peer) *mediav1.PeerID {
	return &mediav1.PeerID{SessionId: n.me().Session, HandleId: n.me().Handle, Generation: p.Generation}
}
