package node

import (
	"context"
	"slices"
	"time"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/media/internal/forward"
	"github.com/cardea-rtc/cardea/services/media/internal/sdp"
	"github.com/cardea-rtc/cardea/services/media/internal/transport"
)

// sdps are the last descriptions of a peer, for people to read.
type sdps struct{ local, remote string }

// Description is what people may want to know of a peer.
type Description struct {
	Peer          PeerID
	Local, Remote string // the last SDP; empty if there was none
	Started, Up   bool
	Client        bool // we are the DTLS client
	Fingerprint   string
	Candidates    []string
	Network       transport.Description
	Sections      []SectionDescription // of audio and video
	Data          *DataStatistics      // nil without data channels
	DataFile      string               // where messages are written, as a section's
	CaptureFile   string               // empty if nothing is captured
	CaptureText   bool
	REMB          uint64 // the endpoint's last, in bits a second; 0 for none
	Times         PeerTimes
}

// PeerTimes are when a peer got so far; zero for not yet.
type PeerTimes struct {
	Made    time.Time
	Reached time.Time // a pair of candidates was chosen
	Up      time.Time // DTLS was done
}

// SectionDescription is of one m= section.
type SectionDescription struct {
	Index   int
	MID     string
	Kind    sdp.Kind
	Codec   string
	Inbound []LayerDescription // lowest first
	Sent    *sdp.Sent          // nil if nothing is sent
	Stats   forward.LegStats   // likewise
	Bytes   uint64             // sent in the last second
	File    string             // that is written of it, within the folder of recordings; empty for none
}

// LayerDescription is of one layer that is received.
type LayerDescription struct {
	RID   string
	Stats forward.LayerStats
	Bytes uint64 // received in the last second
	RTX   uint32 // SSRC; 0 if it is not known
}

// Describe tells of the peer of a handle, whatever its generation.
func (n *Node) Describe(ctx context.Context, h Handle) (Description, error) {
	sh := n.shard(h)
	return do(ctx, sh, func(time.Duration) (Description, error) {
		p := sh.peers[h]
		if p == nil {
			return Description{}, fault.New(fault.NoSuchPeer, nil)
		}
		d := Description{
			Peer: p.id, Local: p.sdps.local, Remote: p.sdps.remote, Started: p.conn.Started(), Up: p.up, Client: p.client,
			Fingerprint: p.conn.Fingerprint(), Candidates: p.conn.Candidates(), Network: p.conn.Describe(),
		}
		d.Sections, d.Data = p.sections(), p.dataStatistics()
		if file := p.publishing.recorded.messages; file != nil {
			d.DataFile = file.Name()
		}
		d.CaptureFile, d.CaptureText, d.Times, d.REMB = p.captured.file, p.captured.text, p.times, p.remb
		return d, nil
	})
}

// sections describes all audio and video.
func (p *peer) sections() []SectionDescription {
	var all []SectionDescription
	for i, in := range p.publishing.streams {
		if in != nil {
			all = append(all, in.describe(i))
		}
	}
	for i, sl := range p.subscribing.slots {
		if sl.leg != nil {
			one := SectionDescription{Index: i, MID: sl.mid, Kind: sl.kind, Codec: sl.offered.Codec}
			at := slices.IndexFunc(all, func(d SectionDescription) bool { return d.Index == i && p.subscribing.shared })
			if at < 0 {
				at, all = len(all), append(all, one)
			}
			sent := sl.offered.Sent
			all[at].Sent, all[at].Stats = &sent, sl.leg.Stats()
			if out := p.subscribing.legs[sent.SSRC]; out != nil {
				all[at].Bytes = out.bytes.grown
			}
		}
	}
	return all
}

func (in *inbound) describe(index int) SectionDescription {
	d := SectionDescription{Index: index, MID: in.agreed.MID, Kind: in.agreed.Kind, Codec: in.agreed.Format.Codec}
	if in.recorder != nil {
		d.File = in.recorder.file.Name()
	}
	for layer := range in.layers {
		one := LayerDescription{Stats: in.stream.Stats(layer), Bytes: in.bytes[layer].grown, RTX: in.repair[layer]}
		if len(in.agreed.RIDs) == in.layers { // in the order in which they were offered
			at := layer
			if !in.publisher.lowestFirst {
				at = in.layers - 1 - layer
			}
			one.RID = in.agreed.RIDs[at]
		}
		d.Inbound = append(d.Inbound, one)
	}
	return d
}
