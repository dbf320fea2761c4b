package admin

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/cardea-rtc/cardea/proto/mediav1"
)

const sectionsSDP = "v=0\r\na=msid:not mine\r\n" +
	"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10\r\na=msid:s t\r\n" +
	"m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=mid:1\r\na=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\n" +
	"a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\na=extmap:5 " + twccURI + "\r\n" +
	"m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:2\r\n"

func TestSectionsAreRead(t *testing.T) {
	got := sectionsOf(sectionsSDP)
	for mid, want := range map[string]section{
		"0": {pt: 111, rtx: -1, clock: 48000, stream: "s", track: "t"},
		"1": {pt: 96, rtx: 97, clock: 90000, nack: true},
		"2": {pt: -1, rtx: -1},
	} {
		if got[mid] != want {
			t.Errorf("%s is %+v, want %+v", mid, got[mid], want)
		}
	}
	if len(got) != 3 {
		t.Errorf("got %v", got)
	}
}

func TestHandleInfoHasWhatTheSDPsSay(t *testing.T) {
	info := members{}
	describePeer(info, &mediav1.DescribePeerResponse{
		LocalSdp: sectionsSDP, RemoteSdp: "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=msid:their track\r\n",
		Sections: []*mediav1.DescribePeerResponse_Section{{
			Index: 1, Mid: "1", Kind: mediav1.Kind_KIND_VIDEO, Codec: "vp8", Inbound: []*mediav1.DescribePeerResponse_Layer{{Packets: 1}},
		}},
	})
	webrtc := info["webrtc"].(members)
	if b := webrtc["bwe"].(members); b["twcc"] != true || b["twcc-ext-id"] != 5 {
		t.Errorf("bwe %v", b)
	}
	video := webrtc["media"].(members)["1"].(members)
	if c := video["codecs"].(members); c["codec"] != "vp8" || c["pt"] != 96 || c["rtx-pt"] != 97 {
		t.Errorf("codecs %v", c)
	}
	if m := video["msid"].(members); m["remote-stream"] != "their" || m["remote-track"] != "track" || m["local-stream"] != nil {
		t.Errorf("msid %v", m)
	}
	if video["do_nacks"] != true || video["rtcp"].(members)["main"].(members)["base"] != 90000 {
		t.Errorf("got %v", video)
	}
	if b := bwe(members{}); b["twcc"] != false {
		t.Errorf("without: %v", b)
	}
}

// TestFlagsAreThoseOfJanus, as 1.4.2 has them at each step.
func TestFlagsAreThoseOfJanus(t *testing.T) {
	const audio = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n"
	const data = "v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:0\r\n"
	for name, c := range map[string]struct {
		peer *mediav1.DescribePeerResponse
		want []string
	}{
		"no peer":         {nil, []string{"alert"}},
		"we offered":      {&mediav1.DescribePeerResponse{LocalSdp: data}, []string{"got-offer", "processing-offer"}},
		"it offered":      {&mediav1.DescribePeerResponse{RemoteSdp: audio}, []string{"all-trickles", "got-offer", "trickle"}},
		"both are there":  {&mediav1.DescribePeerResponse{LocalSdp: audio, RemoteSdp: audio, Started: true, Up: true}, []string{"all-trickles", "got-answer", "got-offer", "negotiated", "ready", "trickle"}},
		"data is carried": {&mediav1.DescribePeerResponse{LocalSdp: data, RemoteSdp: data}, []string{"all-trickles", "data-channels", "got-answer", "got-offer", "trickle"}},
	} {
		var got []string
		for flag, on := range flags(c.peer) {
			if on == true {
				got = append(got, flag)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestSSRCsThatAnEndpointNamesAreTold where it sends nothing: it reports with them.
func TestSSRCsThatAnEndpointNamesAreTold(t *testing.T) {
	remote := "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ssrc:4000000001 cname:x\r\na=ssrc:2 cname:x\r\n" +
		"m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=ssrc:3 cname:x\r\na=ssrc-group:FID 3 4\r\n" +
		"m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:2\r\na=ssrc:5 cname:x\r\n"
	all := media(&mediav1.DescribePeerResponse{RemoteSdp: remote, Sections: []*mediav1.DescribePeerResponse_Section{
		{Mid: "0", Outbound: &mediav1.DescribePeerResponse_Outbound{Ssrc: 9}}, {Mid: "1"},
		{Mid: "2", Inbound: []*mediav1.DescribePeerResponse_Layer{{Ssrc: 6}}},
	}})
	for mid, want := range map[string]string{
		"0": `{"ssrc":9,"ssrc-peer":4000000001}`, "1": `{"ssrc-peer":3,"ssrc-peer-rtx":4}`, "2": `{"ssrc-peer":6}`,
	} {
		if b, _ := json.Marshal(all[mid].(members)["ssrc"]); string(b) != want {
			t.Errorf("%s: %s, want %s", mid, b, want)
		}
	}
}

func FuzzSections(f *testing.F) {
	f.Add(sectionsSDP)
	f.Fuzz(func(t *testing.T, sdp string) {
		for mid := range sectionsOf(sdp) {
			if mid == "" {
				t.Error("a section has no mid")
			}
		}
	})
}

func TestWhereAnEndpointIsIsAmongItsCandidates(t *testing.T) {
	const sdp = "v=0\r\na=candidate:1 1 UDP 2122252543 192.0.2.7 5000 typ host\r\n"
	told, found := "1 1 UDP 2122252543 192.0.2.7 5000 typ host", "1 1 udp 1862270975 198.51.100.1 7000 typ prflx"
	for name, c := range map[string]struct {
		peer *mediav1.DescribePeerResponse
		want []string
	}{
		"nothing yet":  {&mediav1.DescribePeerResponse{}, nil},
		"told":         {&mediav1.DescribePeerResponse{RemoteSdp: sdp}, []string{told}},
		"told and met": {&mediav1.DescribePeerResponse{RemoteSdp: sdp, SelectedAddress: "192.0.2.7:5000"}, []string{told}},
		"elsewhere":    {&mediav1.DescribePeerResponse{RemoteSdp: sdp, SelectedAddress: "198.51.100.1:7000"}, []string{told, found}},
		"trickled":     {&mediav1.DescribePeerResponse{SelectedAddress: "198.51.100.1:7000"}, []string{found}},
		"over TCP": {&mediav1.DescribePeerResponse{SelectedAddress: "[2001:db8::1]:7000", SelectedTcp: true},
			[]string{"1 1 tcp 1862270975 2001:db8::1 7000 typ prflx tcptype active"}},
	} {
		got, _ := ice(c.peer)["remote-candidates"].([]string)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestDataChannelsAreCounted(t *testing.T) {
	info := members{}
	describePeer(info, &mediav1.DescribePeerResponse{Data: &mediav1.DescribePeerResponse_Data{
		Index: 2, Mid: "d", PacketsReceived: 1, BytesReceived: 2, PacketsSent: 3, BytesSent: 4,
	}})
	got := info["webrtc"].(members)["media"].(members)["d"].(members)
	if b, _ := json.Marshal(got); string(b) != `{"mid":"d","mindex":2,"stats":{"in":{"bytes":2,"packets":1},"out":{"bytes":4,"packets":3}},"type":"data"}` {
		t.Errorf("got %s", b)
	}
}
