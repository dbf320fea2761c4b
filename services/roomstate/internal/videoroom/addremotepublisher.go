package videoroom

import (
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

type remotePublisherView struct {
	VideoRoom string `json:"videoroom"`
	Room      ID     `json:"room"`
	ID        ID     `json:"id"`
	IP        string `json:"ip,omitempty"`
	Port      uint32 `json:"port"`
	RTCPPort  uint32 `json:"rtcp_port"`
}

// noInterface is what Janus says of an interface, or a multicast group, that it cannot use.
const noInterface = "Invalid network interface configuration for remote publisher"

// addRemotePublisher has the node take a publisher of another server's, which is told where to send to. As at Janus it is not
// refused where publishers are at their most, but counts among them.
func (d *draft) addRemotePublisher() (any, *failure) {
	if f := check(d.body,
		must("room", d.cfg.idKind()), may("id", d.cfg.idKind()), may("display", text), may("metadata", dict), may("mcast", text),
		may("iface", text), may("port", positive), may("srtp_suite", positive), may("srtp_crypto", text), must("streams", array),
	); f != nil {
		return nil, f
	}
	items := d.body.Objects("streams")
	if len(items) == 0 {
		return nil, fail(errInvalid, "Invalid element value (streams can't be empty)")
	}
	if f := d.checkRemoteStreams(); f != nil {
		return nil, f
	}
	if f := checkDestination(d.body); f != nil {
		return nil, f
	}
	if f := d.roomAndSecret(); f != nil {
		return nil, f
	}
	if f := d.mayForward(); f != nil {
		return nil, f
	}
	id, f := d.feedID()
	if f != nil {
		return nil, f
	}
	if group, _ := d.body.Text("mcast"); group != "" {
		return nil, fail(errUnknown, noInterface) // who sends to a group cannot be told from others
	}
	if most := d.cfg.MaxParticipants; most > 0 && len(d.publishers) >= most {
		d.Meet(plugin.Participants)
		return nil, fail(errUnknown, "Maximum number of participants (%d) already reached", most)
	}
	if d.remotePublishers() >= mostRemotePublishers {
		return nil, fail(errUnknown, "Maximum number of remote publishers (%d) already reached", mostRemotePublishers)
	}
	if f := d.personalFits(nil); f != nil {
		return nil, f
	}
	p := &publisher{handle: d.handleless("remote"), ID: id, Remote: true, Joined: d.Now.UnixNano(), Record: d.attributes.Record}
	if display, ok := d.body.Text("display"); ok {
		p.Display = &display
	}
	p.Metadata, _ = d.body.Raw("metadata")
	for i, item := range items {
		p.Streams = append(p.Streams, d.remoteStream(item, i))
	}
	peer, err := d.newPeer(p.handle, 0, d.inUse(), p.load())
	if err != nil {
		return nil, unserved(err)
	}
	if peer == nil {
		return nil, nil
	}
	p.Peer, p.Generation = peer, peer.Generation
	d.followRecording(p)
	request := d.acceptRemote(p)
	port, _ := d.body.Int("port")
	request.Port, request.Recording = uint32(port)&0xffff, d.recordingOrder(p)
	request.Interface, _ = d.body.Text("iface")
	response, ok, err := d.call(p.handle, peer, request)
	if !ok {
		return nil, nil
	}
	if err != nil {
		return nil, notAccepted(p, err)
	}
	peer.Told, peer.Up = peer.Told+1, true
	d.Made = append(d.Made, key(p.handle, peer))
	d.addPublisher(p)
	d.noticePublished("published", p)
	d.tellOthers(p.handle, publishersView{"event", d.id, []feedView{p.feedEvent()}})
	at, _ := response.(*mediav1.AcceptRemoteResponse)
	return remotePublisherView{"success", d.id, p.ID, at.GetAddress(), at.GetPort(), at.GetRtcpPort()}, nil
}

// refusedInterface is what is said where the node has not the interface.
func refusedInterface(err error) *failure {
	if fault.Of(err) == fault.WrongState {
		return fail(errUnknown, noInterface)
	}
	return nil
}

// mostRemotePublishers is how many a room may have: nobody's leaving ends them, and each has ports of a node.
const mostRemotePublishers = 64

func (d *draft) remotePublishers() (n int) {
	for _, p := range d.publishers {
		if p.Remote {
			n++
		}
	}
	return n
}
