package videoroom

import (
	"slices"

	"github.com/cardea-rtc/cardea/proto/mediav1"
)

// remotization is another server that gets a publisher: what it publishes, whenever it does.
type remotization struct {
	ID       string `json:"id"`
	Host     string `json:"host"` // its address, once the node has said it
	Family   string `json:"family,omitempty"`
	Port     uint32 `json:"port"`
	RTCPPort uint32 `json:"rtcp_port,omitempty"`
	Suite    uint32 `json:"srtp_suite,omitempty"`
	Key      []byte `json:"srtp_key,omitempty"`
	Unsent   bool   `json:"unsent,omitempty"` // nothing was published so far
	Node     string `json:"node,omitempty"`   // that had it, if it has a key
	Keeper   string `json:"keeper,omitempty"` // likewise, that node's word for what it knows of the key
}

// mostRemotizations is how many a publisher has at most.
const mostRemotizations = 32

func (r *remotization) server() *mediav1.RemoteServer {
	s := &mediav1.RemoteServer{Id: r.ID, Host: r.Host, Family: r.Family, Port: r.Port, RtcpPort: r.RTCPPort, Keeper: r.Keeper}
	if r.Suite != 0 {
		s.Srtp = &mediav1.SRTP{Suite: r.Suite, Key: r.Key}
	}
	return s
}

type remotizedView struct {
	VideoRoom string  `json:"videoroom"`
	Room      ID      `json:"room"`
	ID        ID      `json:"id"`
	RemoteID  *string `json:"remote_id,omitempty"`
}

// publishRemotely sends a publisher to another server, which has been told of it by add_remote_publisher there.
func (d *draft) publishRemotely() (any, *failure) {
	if f := check(d.body,
		must("room", d.cfg.idKind()), must("publisher_id", d.cfg.idKind()), must("remote_id", text), must("host", text),
		must("port", positive), may("host_family", text), may("rtcp_port", positive), may("srtp_suite", positive), may("srtp_crypto", text),
	); f != nil {
		return nil, f
	}
	if f := d.mayForward(); f != nil {
		return nil, f
	}
	if f := checkDestination(d.body); f != nil {
		return nil, f
	}
	port, _ := d.body.Int("port")
	if uint16(port) == 0 {
		return nil, fail(errInvalid, "Invalid element (port must be a non-zero positive integer)")
	}
	if f := d.roomAndSecret(); f != nil {
		return nil, f
	}
	p, f := d.namedFeed("feed")
	if f != nil {
		return nil, f
	}
	if p.Remote {
		return nil, fail(errInvalid, "Only local publishers can be remotized")
	}
	id, _ := d.body.Text("remote_id")
	if p.remotized(id) >= 0 {
		return nil, fail(errIDExists, "Remotization already exists (%s)", id)
	}
	if len(p.Remotizations) >= mostRemotizations {
		return nil, fail(errUnknown, "Maximum number of remotizations (%d) already reached", mostRemotizations)
	}
	rtcpPort, _ := d.body.Int("rtcp_port")
	r := remotization{ID: id, Port: uint32(port) & 0xffff, RTCPPort: uint32(rtcpPort) & 0xffff}
	r.Host, _ = d.body.Text("host")
	r.Family, _ = hostFamily(d.body)
	if s := srtp(d.body); s != nil {
		r.Suite, r.Key = s.GetSuite(), s.GetKey()
	}
	p = d.own(p)
	if f, ok := d.remotize(p, &r, false); f != nil || !ok {
		return nil, f
	}
	p.Remotizations = append(p.Remotizations, r)
	return remotizedView{"success", d.id, p.ID, &id}, nil
}

// remotize has the node send, if there is anything to be sent yet; resumes says that another peer of the publisher was sent
// before. It is not ok if that is not known yet.
func (d *draft) remotize(p *publisher, r *remotization, resumes bool) (f *failure, ok bool) {
	if p.Peer == nil {
		r.Unsent = true
		return nil, true
	}
	server := r.server()
	server.Resumes = resumes && !r.Unsent
	if server.Resumes && server.GetSrtp() != nil && r.Node != p.Peer.Node { // it is to refuse, whether it knows of keepers or not
		server.Keeper, server.Srtp.Key = "", nil
	}
	response, ok, err := d.call(p.handle, p.Peer, &mediav1.PublishRemotelyRequest{
		Peer: peerID(p.handle, p.Peer), Servers: []*mediav1.RemoteServer{server},
	})
	if !ok {
		return nil, false
	}
	if err != nil {
		return notForwarded(p, err), true
	}
	p.Peer.Told++
	if done, _ := response.(*mediav1.PublishRemotelyResponse); len(done.GetAddresses()) == 1 {
		r.Host = done.GetAddresses()[0]
		if r.Suite != 0 && len(done.GetKeepers()) == 1 {
			r.Node, r.Keeper = p.Peer.Node, done.GetKeepers()[0]
		}
	}
	r.Unsent = false
	return nil, true
}

// resumeRemotizations has a node send what is published anew to all that got it before. What the node refuses ends, which it
// logs; so does what is encrypted, where it is not the one that knows what was encrypted with the key.
func (d *draft) resumeRemotizations(p *publisher) {
	kept := p.Remotizations[:0:0]
	for _, r := range p.Remotizations {
		if f, _ := d.remotize(p, &r, true); f == nil {
			kept = append(kept, r)
		}
	}
	p.Remotizations = kept
}

// keyed are the nodes that know what was used of the keys with which other servers get the publisher.
func (p *publisher) keyed() (nodes []string) {
	for _, r := range p.Remotizations {
		nodes = append(nodes, r.Node)
	}
	return nodes
}

// remotized is where a remotization is in the list; -1 if it is not.
func (p *publisher) remotized(id string) int {
	return slices.IndexFunc(p.Remotizations, func(r remotization) bool { return r.ID == id })
}
