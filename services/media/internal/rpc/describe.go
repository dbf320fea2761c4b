package rpc

import (
	"context"
	"time"

	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/media/internal/node"
	"github.com/cardea-rtc/cardea/services/media/internal/sdp"
)

// DescribePeer is of mediav1.MediaServer.
func (s *Server) DescribePeer(ctx context.Context, r *mediav1.DescribePeerRequest) (*mediav1.DescribePeerResponse, error) {
	d, err := s.node.Describe(ctx, node.Handle{Session: r.GetSessionId(), ID: r.GetHandleId()})
	if err != nil {
		return nil, s.refuse(ctx, "DescribePeer", &mediav1.PeerID{SessionId: r.GetSessionId(), HandleId: r.GetHandleId()}, err)
	}
	out := &mediav1.DescribePeerResponse{
		Peer:     &mediav1.PeerID{SessionId: d.Peer.Session, HandleId: d.Peer.ID, Generation: d.Peer.Generation},
		LocalSdp: d.Local, RemoteSdp: d.Remote, Started: d.Started, Up: d.Up, DtlsClient: d.Client,
		SrtpProfile: d.Network.SRTPProfile, Fingerprint: d.Fingerprint, LocalCandidates: d.Candidates,
		SelectedAddress: d.Network.Address, SelectedTcp: d.Network.TCP,
		CaptureFile: d.CaptureFile, CaptureText: d.CaptureText, RembBps: d.REMB,
		MadeUs: microseconds(d.Times.Made), ReachedUs: microseconds(d.Times.Reached), UpUs: microseconds(d.Times.Up),
	}
	if data := d.Data; data != nil {
		out.Data = &mediav1.DescribePeerResponse_Data{
			Index: uint32(data.Index), Mid: data.MID, Recording: d.DataFile,
			PacketsReceived: data.Traffic.PacketsReceived, BytesReceived: data.Traffic.BytesReceived,
			PacketsSent: data.Traffic.PacketsSent, BytesSent: data.Traffic.BytesSent,
		}
	}
	for i := range d.Sections {
		out.Sections = append(out.Sections, sectionDescription(&d.Sections[i]))
	}
	return out, nil
}

// microseconds are since 1970, 0 for the zero time.
func microseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func sectionDescription(d *node.SectionDescription) *mediav1.DescribePeerResponse_Section {
	out := &mediav1.DescribePeerResponse_Section{Index: uint32(d.Index), Mid: d.MID, Codec: d.Codec, Kind: mediav1.Kind_KIND_AUDIO, Recording: d.File}
	if d.Kind == sdp.Video {
		out.Kind = mediav1.Kind_KIND_VIDEO
	}
	for i := range d.Inbound {
		s := &d.Inbound[i].Stats
		out.Inbound = append(out.Inbound, &mediav1.DescribePeerResponse_Layer{
			Rid: d.Inbound[i].RID, Ssrc: s.SSRC, Packets: s.Packets, Bytes: s.Bytes, Lost: s.Lost,
			Nacks: s.NACKs, Retransmissions: s.Recovered, JitterMs: uint32(s.Jitter.Milliseconds()),
			BytesLastSecond: d.Inbound[i].Bytes, RtxSsrc: d.Inbound[i].RTX,
		})
	}
	if d.Sent != nil {
		s := &d.Stats
		out.Outbound = &mediav1.DescribePeerResponse_Outbound{
			Ssrc: d.Sent.SSRC, RtxSsrc: d.Sent.RTX, Packets: s.Packets, Bytes: s.Bytes, Nacks: s.NACKs,
			Retransmissions: s.Retransmitted, Lost: s.Lost, JitterMs: uint32(s.Jitter.Milliseconds()), RttMs: uint32(s.RTT.Milliseconds()),
			BytesLastSecond: d.Bytes, FractionLost: uint32(s.FractionLost),
		}
	}
	return out
}
