package endpoint

import (
	"fmt"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/nack"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/webrtc/v4"

	"github.com/cardea-rtc/cardea/tools/internal/synth"
)

var (
	vp8  = webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: synth.VideoClockRate}
	rtx  = webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeRTX, ClockRate: synth.VideoClockRate, SDPFmtpLine: "apt=96"}
	opus = webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: synth.OpusClockRate, Channels: 2}
)

// newAPI is what all PeerConnections of publishers have in common. Media is UDP over IPv4, and may
// go over loopback. nack tells whether codecs offer it.
func newAPI(loopback, nack bool, interceptors *interceptor.Registry) (*webrtc.API, error) {
	var s webrtc.SettingEngine
	s.SetIncludeLoopbackCandidate(loopback)
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.DisableActiveTCP(true)

	m := &webrtc.MediaEngine{}
	video := []webrtc.RTPCodecParameters{{RTPCodecCapability: vp8, PayloadType: 96}}
	video[0].RTCPFeedback = []webrtc.RTCPFeedback{{Type: "ccm", Parameter: "fir"}, {Type: "nack", Parameter: "pli"}}
	if nack {
		video[0].RTCPFeedback = append(video[0].RTCPFeedback, webrtc.RTCPFeedback{Type: "nack"})
		video = append(video, webrtc.RTPCodecParameters{RTPCodecCapability: rtx, PayloadType: 97})
	}
	for _, codec := range video {
		if err := m.RegisterCodec(codec, webrtc.RTPCodecTypeVideo); err != nil {
			return nil, fmt.Errorf("register %s: %w", codec.MimeType, err)
		}
	}
	audio := webrtc.RTPCodecParameters{RTPCodecCapability: opus, PayloadType: 111}
	if err := m.RegisterCodec(audio, webrtc.RTPCodecTypeAudio); err != nil {
		return nil, fmt.Errorf("register %s: %w", audio.MimeType, err)
	}
	return webrtc.NewAPI(webrtc.WithSettingEngine(s), webrtc.WithMediaEngine(m), webrtc.WithInterceptorRegistry(interceptors)), nil
}

// publisherInterceptors send reports and, with repair, what the server asks for again.
func publisherInterceptors(repair bool) (*interceptor.Registry, error) {
	r := &interceptor.Registry{}
	reports, err := report.NewSenderInterceptor()
	if err != nil {
		return nil, fmt.Errorf("sender reports: %w", err)
	}
	r.Add(reports)
	if repair {
		responder, err := nack.NewResponderInterceptor()
		if err != nil {
			return nil, fmt.Errorf("NACK responder: %w", err)
		}
		r.Add(responder)
	}
	return r, nil
}
