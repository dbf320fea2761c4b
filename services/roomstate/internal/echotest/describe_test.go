package echotest

import (
	"encoding/json"
	"testing"

	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// TestAdministratorsSeeWhatWasAgreedOn in Janus's words.
func TestAdministratorsSeeWhatWasAgreedOn(t *testing.T) {
	layer := int32(1)
	simulcast := codecsOf([]*mediav1.PublishedStream{
		{Kind: mediav1.Kind_KIND_VIDEO, Disabled: true}, {Kind: mediav1.Kind_KIND_AUDIO, Codec: "opus"},
		{Kind: mediav1.Kind_KIND_VIDEO, Codec: "vp8", Simulcast: true}, {Kind: mediav1.Kind_KIND_VIDEO, Codec: "h264"},
	})
	svc := codecsOf([]*mediav1.PublishedStream{{Kind: mediav1.Kind_KIND_VIDEO, Codec: "vp9", Svc: true}})
	const head, tail = `{"audio_active":true,"video_active":true,`, `"e2ee":false,"hangingup":0,"destroyed":0}`
	for name, c := range map[string]struct {
		room Room
		peer *mediav1.DescribePeerResponse
		want string
	}{
		"nothing yet": {Room{Settings: defaults()}, nil, head + `"bitrate":0,"peer-bitrate":0,"slowlink_count":0,` + tail},
		"simulcast": {
			Room{Settings: settings{Temporal: new(uint32(0)), Fallback: new(uint32(5))}, Codecs: simulcast, Relayed: layers{Substream: &layer}},
			&mediav1.DescribePeerResponse{
				RembBps: 9, LocalSdp: "a=rtpmap:63 red/48000/2\r\n",
				Sections: []*mediav1.DescribePeerResponse_Section{
					{Kind: mediav1.Kind_KIND_AUDIO, Recording: "x-audio.mjr"}, {Kind: mediav1.Kind_KIND_VIDEO}, {Kind: mediav1.Kind_KIND_VIDEO, Recording: "x-video.mjr"},
				},
				Data: &mediav1.DescribePeerResponse_Data{Recording: "x-data.mjr"},
			},
			head + `"audio_codec":"opus","audio_red":true,"video_codec":"vp8","bitrate":0,"peer-bitrate":9,"slowlink_count":0,` +
				`"simulcast":true,"substream":1,"substream-target":2,"temporal-layer":-1,"temporal-layer-target":0,"fallback":5,` +
				`"recording":{"audio":"x-audio.mjr","data":"x-data.mjr","video":"x-video.mjr"},` + tail,
		},
		"SVC": {
			Room{Settings: settings{SpatialLayer: new(uint32(0))}, Codecs: svc, Relayed: layers{TemporalLayer: &layer}}, nil,
			head + `"video_codec":"vp9","bitrate":0,"peer-bitrate":0,"slowlink_count":0,` +
				`"svc":true,"spatial-layer":-1,"spatial-layer-target":0,"temporal-layer":1,"temporal-layer-target":2,` + tail,
		},
	} {
		got, err := json.Marshal(New().Describe(&c.room, plugin.HandleID{}).(plugin.Measured).With(c.peer))
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %s, %v, want %s", name, got, err, c.want)
		}
	}
}
