package conform

import (
	"fmt"
	"go/version"
	"strings"
)

// verb is a request of which every field is tried.
type verb struct {
	who    string // handle that sends it; a $N in it, and in what follows, is another number for each request
	before string // lines before each request, separated by newlines
	sound  string
	fields string
}

// group is verbs that are tried in one conversation, one after another.
type group struct {
	name  string
	begin string
	verbs []verb
	keyed bool   // for servers with the admin key "k" and lock_rtp_forward
	since string // the first version of Janus that outlives it; empty for all
}

// hasty is how long it must be quiet where nobody but the asker hears anything.
const hasty = "quiet 40ms\n"

// Fields returns conversations that try each field of each request of the core and of the plugins, beside a Janus of that
// version; those for servers with the admin key "k" and lock_rtp_forward, or those for servers without.
func Fields(ofJanus string, keyed bool) []Conversation {
	var all []Conversation
	for i, g := range groups {
		if g.keyed != keyed || g.since != "" && version.Compare("go"+ofJanus, "go"+g.since) < 0 {
			continue
		}
		var b strings.Builder
		b.WriteString(strings.ReplaceAll(g.begin, "$R", fmt.Sprint(20000+i)))
		b.WriteString("\n" + hasty)
		n := 30000 + 1000*i // of rooms that a request needs for itself
		for _, v := range g.verbs {
			fill := func(text string) string {
				return strings.NewReplacer("$N", fmt.Sprint(n), "$R", fmt.Sprint(20000+i)).Replace(text)
			}
			// Numbers stand for the names while values are put in.
			sound := strings.NewReplacer("$n$N", `"$n987654321"`, "$N", `987654321`, "$R", fmt.Sprint(20000+i), "$S", `"$S"`, "$h", `"$h"`).Replace(v.sound)
			for _, request := range mutants(sound, v.fields) {
				n++
				request = strings.NewReplacer(`"$n987654321"`, "$n$N", "987654321", "$N", `"$S"`, "$S", `"$h"`, "$h").Replace(request)
				if v.before != "" {
					b.WriteString(fill(v.before) + "\n")
				}
				b.WriteString(fill(v.who+" "+request) + "\n")
			}
		}
		all = append(all, Conversation{Name: g.name, Text: b.String()})
	}
	return all
}

const (
	session = "al create\nal attach janus.plugin.videoroom h\n"
	// published is a room with someone in it who sends audio and video.
	published = session + `al attach janus.plugin.videoroom pub
al.pub {"request":"create","room":$R,"publishers":3,"audiolevel_event":true}
al.pub offer av {"request":"joinandconfigure","ptype":"publisher","room":$R,"id":1,"display":"Al"}
wait 500ms
`
	// subscribed is someone who watches that.
	subscribed = published + `al attach janus.plugin.videoroom sub
al.sub {"request":"join","ptype":"subscriber","room":$R,"streams":[{"feed":1}]}
al.sub answer {"request":"start"}
wait 500ms
`
	// textSession is a text room and a handle.
	textSession = `al create
al attach janus.plugin.textroom h
al.h {"request":"create","room":$R,"secret":"s","pin":"p"}
`
	// soundOffer is an SDP as JSON has it, of nobody who would check a candidate.
	soundOffer = `v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\n` +
		`a=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=setup:actpass\r\n` +
		`a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n` +
		`a=rtpmap:111 opus/48000/2\r\n`
	newHandle = "al attach janus.plugin.videoroom n$N"
)

var groups = []group{
	{name: "create", begin: session, verbs: []verb{
		{who: "al.h", sound: `{"request":"create","room":$N}`, fields: "request room description is_private allowed " +
			"allowed.0 secret pin require_pvtid signed_tokens bitrate bitrate_cap fir_freq publishers audiocodec videocodec"},
	}},
	{name: "create-more", begin: session, verbs: []verb{
		{who: "al.h", sound: `{"request":"create","room":$N,"allowed":["x"]}`, fields: "allowed.0 vp9_profile h264_profile opus_fec opus_dtx " +
			"audiolevel_ext audiolevel_event audio_active_packets audio_level_average videoorient_ext playoutdelay_ext " +
			"transport_wide_cc_ext record rec_dir lock_record permanent notify_joining require_e2ee dummy_publisher dummy_streams"},
	}},
	{name: "create-dummies", begin: session, verbs: []verb{
		{who: "al.h", sound: `{"request":"list"}`, fields: "admin_key"},
		{who: "al.h", sound: `{"request":"create","room":$N,"dummy_publisher":true,"dummy_streams":[{"codec":"opus"}]}`,
			fields: "threads admin_key dummy_e2ee dummy_streams dummy_streams.0 dummy_streams.0.codec dummy_streams.0.fmtp"},
	}},
	{name: "edit", begin: session, verbs: []verb{
		{who: "al.h", before: `al.h {"request":"create","room":$N,"secret":"s"}`, sound: `{"request":"edit","room":$N,"secret":"s"}`,
			fields: "room secret new_description new_is_private new_secret new_pin new_require_pvtid new_bitrate new_fir_freq " +
				"new_publishers new_lock_record new_rec_dir permanent"},
		{who: "al.h", before: `al.h {"request":"create","room":$N,"secret":"s"}`, sound: `{"request":"destroy","room":$N,"secret":"s"}`,
			fields: "room secret permanent"},
	}},
	{name: "rooms", begin: published + `al.h {"request":"edit","room":$R,"new_secret":"s"}`, verbs: []verb{
		{who: "al.h", sound: `{"request":"exists","room":$R}`, fields: "room"},
		{who: "al.h", sound: `{"request":"listparticipants","room":$R}`, fields: "room"},
		{who: "al.h", sound: `{"request":"allowed","room":$R,"secret":"s","action":"add","allowed":["a"]}`, fields: "room secret action allowed allowed.0"},
		{who: "al.h", sound: `{"request":"kick","room":$R,"secret":"s","id":77}`, fields: "room secret id"},
		{who: "al.h", sound: `{"request":"moderate","room":$R,"secret":"s","id":1,"mid":"7","mute":true}`, fields: "room secret id mid mute"},
		{who: "al.h", sound: `{"request":"enable_recording","room":$R,"secret":"s","record":false}`, fields: "room secret record"},
	}},
	{name: "forwarders", begin: published + `al.h {"request":"edit","room":$R,"new_secret":"s"}`, verbs: []verb{
		{who: "al.h", sound: `{"request":"listforwarders","room":$R,"secret":"s"}`, fields: "room secret"},
		{who: "al.h", sound: `{"request":"rtp_forward","room":$R,"secret":"s","publisher_id":1,"host":"127.0.0.1","streams":[{"mid":"0","port":6000}]}`,
			fields: "room secret publisher_id host host_family srtp_suite srtp_crypto streams streams.0 streams.0.mid streams.0.port " +
				"streams.0.host streams.0.host_family streams.0.ssrc streams.0.pt streams.0.rtcp_port streams.0.simulcast " +
				"streams.0.port_2 streams.0.ssrc_2 streams.0.pt_2 streams.0.srtp_suite streams.0.srtp_crypto"},
		{who: "al.h", sound: `{"request":"rtp_forward","room":$R,"secret":"s","publisher_id":1,"host":"127.0.0.1"}`,
			fields: "admin_key audio_port audio_ssrc audio_pt audio_rtcp_port video_port video_ssrc video_pt video_rtcp_port video_port_2 data_port simulcast"},
		{who: "al.h", sound: `{"request":"stop_rtp_forward","room":$R,"secret":"s","publisher_id":1,"stream_id":5}`, fields: "room secret publisher_id stream_id"},
	}},
	{name: "forwarders-more", begin: published + `al.h {"request":"edit","room":$R,"new_secret":"s"}`, verbs: []verb{
		{who: "al.h", sound: `{"request":"rtp_forward","room":$R,"secret":"s","publisher_id":1,"host":"127.0.0.1","streams":[{"mid":"0","port":6000}]}`,
			fields: "admin_key streams.0.port_3 streams.0.ssrc_3 streams.0.pt_3"},
		{who: "al.h", sound: `{"request":"rtp_forward","room":$R,"secret":"s","publisher_id":1,"host":"127.0.0.1"}`,
			fields: "video_ssrc_2 video_pt_2 video_port_3 video_ssrc_3 video_pt_3"},
		{who: "al.h", sound: `{"request":"stop_rtp_forward","room":$R,"secret":"s","publisher_id":1,"stream_id":5}`, fields: "admin_key"},
		{who: "al.h", sound: `{"request":"publish_remotely","room":$R,"secret":"s","publisher_id":1,"remote_id":"r","host":"127.0.0.1","port":6000}`, fields: "admin_key"},
	}},
	{name: "remotes", begin: published + `al.h {"request":"edit","room":$R,"new_secret":"s"}`, verbs: []verb{
		{who: "al.h", sound: `{"request":"publish_remotely","room":$R,"secret":"s","publisher_id":1,"remote_id":"r","host":"127.0.0.1","port":6000}`,
			fields: "room secret publisher_id remote_id host port host_family rtcp_port srtp_suite srtp_crypto"},
		{who: "al.h", sound: `{"request":"unpublish_remotely","room":$R,"secret":"s","publisher_id":1,"remote_id":"r"}`, fields: "room secret publisher_id remote_id"},
		{who: "al.h", sound: `{"request":"listremotes","room":$R,"secret":"s","publisher_id":1}`, fields: "room secret publisher_id"},
		{who: "al.h", sound: `{"request":"update_remote_publisher","room":$R,"secret":"s","id":77,"streams":[{"type":"audio","mid":"0","mindex":0,"codec":"opus"}]}`,
			fields: "room secret id display streams"},
		{who: "al.h", sound: `{"request":"remove_remote_publisher","room":$R,"secret":"s","id":77}`, fields: "room secret id"},
	}},
	{name: "remote-publishers", begin: session + `al.h {"request":"create","room":$R,"secret":"s"}
al attach janus.plugin.videoroom pub
al.pub {"request":"join","ptype":"publisher","room":$R,"id":1,"display":"Al"}
al.h {"request":"add_remote_publisher","room":$R,"secret":"s","id":78,"streams":[{"type":"audio","mid":"0","mindex":0,"codec":"opus"}]}
`, verbs: []verb{
		{who: "al.h", sound: `{"request":"add_remote_publisher","room":$R,"secret":"s","id":78,"streams":[{"type":"audio","mid":"0","mindex":0,"codec":"opus"}]}`,
			fields: "room secret display streams streams.0 streams.0.type streams.0.mid streams.0.mindex streams.0.codec " +
				"streams.0.description streams.0.disabled streams.0.stereo streams.0.fec streams.0.dtx streams.0.simulcast streams.0.svc " +
				"streams.0.audiolevel_ext_id streams.0.videoorient_ext_id streams.0.playoutdelay_ext_id port mcast iface"},
		{who: "al.h", sound: `{"request":"update_remote_publisher","room":$R,"secret":"s","id":78,"streams":[{"type":"audio","mid":"0","mindex":0,"codec":"opus"}]}`,
			fields: "room secret id display streams streams.0 streams.0.type streams.0.mid streams.0.mindex streams.0.codec " +
				"streams.0.description streams.0.disabled streams.0.stereo streams.0.simulcast"},
	}},
	{name: "remote-publishers-more", begin: session + `al.h {"request":"create","room":$R,"secret":"s"}
al attach janus.plugin.videoroom pub
al.pub {"request":"join","ptype":"publisher","room":$R,"id":1,"display":"Al"}
al.h {"request":"add_remote_publisher","room":$R,"secret":"s","id":78,"streams":[{"type":"audio","mid":"0","mindex":0,"codec":"opus"}]}
`, verbs: []verb{
		{who: "al.h", sound: `{"request":"add_remote_publisher","room":$R,"secret":"s","id":78,"streams":[{"type":"audio","mid":"0","mindex":0,"codec":"opus"}]}`,
			fields: "metadata srtp_suite srtp_crypto"},
		{who: "al.h", before: `al.h {"request":"create","room":$N}`,
			sound: `{"request":"add_remote_publisher","room":$N,"id":79,"streams":[{"type":"audio","mid":"0","mindex":0,"codec":"opus"}]}`, fields: "id metadata"},
		{who: "al.h", sound: `{"request":"update_remote_publisher","room":$R,"secret":"s","id":78,"streams":[{"type":"audio","mid":"0","mindex":0,"codec":"opus"}]}`,
			fields: "metadata srtp_suite srtp_crypto"},
	}},
	{name: "join-metadata", begin: session + `al.h {"request":"create","room":$R,"publishers":99}` + "\n", verbs: []verb{
		{who: "al.n$N", before: newHandle, sound: `{"request":"join","ptype":"publisher","room":$R}`, fields: "metadata"},
		{who: "al.n$N", before: newHandle, sound: `{"request":"joinandconfigure","ptype":"publisher","room":$R}`, fields: "metadata"},
	}},
	{name: "configure-metadata", begin: published, verbs: []verb{
		{who: "al.pub", sound: `{"request":"configure"}`, fields: "metadata"},
		{who: "al.pub", sound: `{"request":"publish"}`, fields: "metadata"},
	}},
	{name: "join", begin: session + `al.h {"request":"create","room":$R,"pin":"p"}` + "\n", verbs: []verb{
		{who: "al.n$N", before: newHandle, sound: `{"request":"join","ptype":"publisher","room":$R,"pin":"p"}`,
			fields: "room ptype pin token id display audio_active_packets audio_level_average"},
	}},
	{name: "joinandconfigure", begin: session + `al.h {"request":"create","room":$R}` + "\n", verbs: []verb{
		{who: "al.n$N", before: newHandle, sound: `{"request":"joinandconfigure","ptype":"publisher","room":$R}`,
			fields: "audiocodec videocodec bitrate record filename descriptions descriptions.0 audio video data streams mid"},
	}},
	{name: "watch", begin: published, verbs: []verb{
		{who: "al.n$N", before: newHandle, sound: `{"request":"join","ptype":"subscriber","room":$R,"streams":[{"feed":1,"mid":"0"}]}`,
			fields: "room ptype pin streams streams.0 streams.0.feed streams.0.mid streams.0.crossrefid streams.0.send streams.0.substream " +
				"streams.0.temporal streams.0.fallback streams.0.spatial_layer streams.0.temporal_layer streams.0.min_delay streams.0.max_delay"},
	}},
	{name: "watch-more", begin: published, verbs: []verb{
		{who: "al.n$N", before: newHandle, sound: `{"request":"join","ptype":"subscriber","room":$R,"feed":1}`,
			fields: "feed private_id autoupdate use_msid offer_audio offer_video offer_data audio video data substream temporal fallback " +
				"spatial_layer temporal_layer"},
	}},
	{name: "configure", begin: published, verbs: []verb{
		{who: "al.pub", sound: `{"request":"configure"}`, fields: "audiocodec videocodec bitrate record filename display audio_active_packets " +
			"audio_level_average audio video data streams descriptions mid send keyframe min_delay max_delay update restart secret"},
		{who: "al.pub", sound: `{"request":"configure","streams":[{"mid":"0"}],"descriptions":[{"mid":"0","description":"d"}]}`,
			fields: "streams.0 streams.0.mid streams.0.send streams.0.keyframe streams.0.min_delay streams.0.max_delay " +
				"descriptions.0 descriptions.0.mid descriptions.0.description"},
		{who: "al.pub", sound: `{"request":"publish","audiocodec":"x"}`, fields: "audiocodec videocodec bitrate"},
	}},
	{name: "subscription", begin: subscribed, verbs: []verb{
		{who: "al.sub", sound: `{"request":"subscribe","streams":[{"feed":99,"mid":"0"}]}`, fields: "streams streams.0 streams.0.feed streams.0.mid " +
			"streams.0.crossrefid streams.0.send streams.0.substream streams.0.temporal streams.0.fallback streams.0.min_delay"},
		{who: "al.sub", sound: `{"request":"unsubscribe","streams":[{"feed":99,"mid":"0"}]}`, fields: "streams streams.0 streams.0.feed streams.0.mid streams.0.sub_mid"},
		{who: "al.sub", sound: `{"request":"update","subscribe":[{"feed":99}],"unsubscribe":[{"feed":98}]}`, fields: "subscribe unsubscribe " +
			"subscribe.0 unsubscribe.0 subscribe.0.feed unsubscribe.0.feed subscribe.0.mid unsubscribe.0.sub_mid"},
		{who: "al.sub", sound: `{"request":"switch","streams":[{"feed":99,"mid":"0","sub_mid":"0"}]}`, fields: "streams streams.0 streams.0.feed " +
			"streams.0.mid streams.0.sub_mid streams.0.substream streams.0.temporal"},
		{who: "al.sub", sound: `{"request":"start"}`, fields: "request"},
	}},
	{name: "subscription-svc", begin: subscribed, verbs: []verb{
		{who: "al.sub", sound: `{"request":"subscribe","streams":[{"feed":99,"mid":"0"}]}`, fields: "streams.0.spatial_layer streams.0.temporal_layer streams.0.max_delay"},
		{who: "al.sub", sound: `{"request":"update","subscribe":[{"feed":99}]}`, fields: "subscribe.0.spatial_layer subscribe.0.temporal_layer"},
		{who: "al.sub", sound: `{"request":"switch","streams":[{"feed":99,"mid":"0","sub_mid":"0"}]}`, fields: "streams.0.spatial_layer streams.0.temporal_layer"},
		{who: "al.sub", sound: `{"request":"configure","streams":[{"mid":"1"}]}`, fields: "streams.0.spatial_layer streams.0.temporal_layer"},
	}},
	{name: "subscription-configure", begin: subscribed, verbs: []verb{
		{who: "al.sub", sound: `{"request":"configure"}`, fields: "streams mid send substream temporal fallback spatial_layer temporal_layer " +
			"min_delay max_delay audio video data"},
		{who: "al.sub", sound: `{"request":"configure","streams":[{"mid":"1"}]}`, fields: "streams.0 streams.0.mid streams.0.send " +
			"streams.0.substream streams.0.temporal streams.0.fallback streams.0.min_delay streams.0.max_delay"},
	}},
	{name: "subscription-left", begin: subscribed + "al.sub {\"request\":\"leave\"}\nwait 500ms\n", verbs: []verb{
		{who: "al.sub", sound: `{"request":"configure"}`, fields: "streams mid send substream temporal audio"},
		{who: "al.sub", sound: `{"request":"configure","streams":[{"mid":"1"}]}`, fields: "streams.0 streams.0.mid streams.0.send"},
		{who: "al.sub", sound: `{"request":"subscribe","streams":[{"feed":99,"mid":"0"}]}`, fields: "streams streams.0 streams.0.feed"},
		{who: "al.sub", sound: `{"request":"unsubscribe","streams":[{"feed":1,"mid":"0"}]}`, fields: "streams streams.0 streams.0.feed streams.0.sub_mid"},
		{who: "al.sub", sound: `{"request":"switch","streams":[{"feed":1,"mid":"0","sub_mid":"0"}]}`, fields: "streams streams.0 streams.0.feed streams.0.sub_mid"},
		{who: "al.sub", sound: `{"request":"start"}`, fields: "request"},
		{who: "al.sub", sound: `{"request":"leave"}`, fields: "request"},
	}},
	{name: "echotest", begin: "al create\nal attach janus.plugin.echotest h\n", verbs: []verb{
		{who: "al.h", sound: `{"audio":true}`, fields: "audio video bitrate record filename substream temporal fallback svc " +
			"spatial_layer temporal_layer audiocodec videocodec videoprofile opusred min_delay max_delay"},
	}},
	{name: "videocall", begin: "al create\nal attach janus.plugin.videocall h\nal.h {\"request\":\"register\",\"username\":\"caller$R\"}\n", verbs: []verb{
		{who: "al.n$N", before: "al attach janus.plugin.videocall n$N", sound: `{"request":"register","username":"name$N"}`, fields: "request username"},
		{who: "al.h", sound: `{"request":"list"}`, fields: "request"},
		{who: "al.h", sound: `{"request":"call","username":"nobody"}`, fields: "username"},
		{who: "al.h", sound: `{"request":"accept"}`, fields: "username"},
		{who: "al.h", sound: `{"request":"set"}`, fields: "audio video bitrate record filename restart substream temporal fallback keyframe"},
		{who: "al.h", sound: `{"request":"hangup"}`, fields: "reason"},
	}},
	{name: "text-rooms", begin: textSession, verbs: []verb{
		{who: "al.h", sound: `{"request":"create","room":$N,"allowed":["x"]}`, fields: "request room description secret pin is_private history allowed allowed.0 permanent"},
		{who: "al.h", sound: `{"request":"exists","room":$R}`, fields: "room"},
		{who: "al.h", sound: `{"request":"listparticipants","room":$R}`, fields: "room"},
		{who: "al.h", sound: `{"request":"allowed","room":$R,"secret":"s","action":"remove","allowed":["a"]}`, fields: "room secret action allowed allowed.0"},
		{who: "al.h", sound: `{"request":"kick","room":$R,"secret":"s","username":"zoe"}`, fields: "room secret username"},
		{who: "al.h", sound: `{"request":"announcement","room":$R,"secret":"s","text":"hi"}`, fields: "room secret text"},
	}},
	{name: "text-rooms-more", begin: textSession, verbs: []verb{
		{who: "al.h", sound: `{"request":"list"}`, fields: "request admin_key"},
		{who: "al.h", sound: `{"request":"create","room":$N}`, fields: "post admin_key"},
	}},
	{name: "text-rooms-edit", begin: textSession, verbs: []verb{
		{who: "al.h", before: `al.h {"request":"create","room":$N,"secret":"s"}`, sound: `{"request":"edit","room":$N,"secret":"s"}`,
			fields: "room secret new_description new_secret new_pin new_post new_is_private permanent"},
		{who: "al.h", before: `al.h {"request":"create","room":$N,"secret":"s"}`, sound: `{"request":"destroy","room":$N,"secret":"s"}`,
			fields: "room secret permanent"},
	}},
	{name: "keyed-rooms", begin: session, keyed: true, verbs: []verb{
		{who: "al.h", sound: `{"request":"create","room":$N,"admin_key":"k"}`, fields: "admin_key"},
		{who: "al.h", sound: `{"request":"list","admin_key":"k"}`, fields: "admin_key"},
	}},
	{name: "keyed-forwarders", begin: strings.Replace(published, `"room":$R,"publishers"`, `"admin_key":"k","room":$R,"publishers"`, 1), keyed: true, verbs: []verb{
		{who: "al.h", sound: `{"request":"rtp_forward","room":$R,"admin_key":"k","publisher_id":77,"host":"127.0.0.1","streams":[{"mid":"0","port":6000}]}`, fields: "admin_key room"},
		{who: "al.h", sound: `{"request":"rtp_forward","room":$R,"admin_key":"k","publisher_id":1,"host":"127.0.0.1","audio_port":6000}`, fields: "admin_key"},
		{who: "al.h", sound: `{"request":"stop_rtp_forward","room":$R,"admin_key":"k","publisher_id":1,"stream_id":5}`, fields: "admin_key room"},
		{who: "al.h", sound: `{"request":"publish_remotely","room":$R,"admin_key":"k","publisher_id":77,"remote_id":"r","host":"127.0.0.1","port":6000}`, fields: "admin_key"},
		{who: "al.h", sound: `{"request":"unpublish_remotely","room":$R,"publisher_id":1,"remote_id":"r"}`, fields: "admin_key"},
	}},
	{name: "keyed-text-rooms", begin: "al create\nal attach janus.plugin.textroom h\n", keyed: true, verbs: []verb{
		{who: "al.h", sound: `{"request":"create","room":$N,"admin_key":"k"}`, fields: "admin_key"},
		{who: "al.h", sound: `{"request":"list","admin_key":"k"}`, fields: "admin_key"},
	}},
	{name: "core-jsep", begin: "al create\nal attach janus.plugin.echotest h\n", verbs: []verb{
		{who: "al send", sound: `{"janus":"message","transaction":"a","session_id":$S,"handle_id":$h,"body":{"audio":true},"jsep":{"type":"offer","sdp":"x"}}`,
			fields: "jsep jsep.type jsep.sdp jsep.trickle jsep.e2ee jsep.rid_order jsep.force_relay"},
		{who: "al send", sound: `{"janus":"message","transaction":"a","session_id":$S,"handle_id":$h,"body":{"audio":true},"jsep":{"type":"answer","sdp":"x"}}`,
			fields: "jsep.type jsep.sdp jsep.trickle"},
	}},
	{name: "core-offer", begin: session, verbs: []verb{
		{who: "al send", before: newHandle, sound: `{"janus":"message","transaction":"a","session_id":$S,"handle_id":$n$N,"body":{"request":"exists","room":1},` +
			`"jsep":{"type":"offer","sdp":"` + soundOffer + `"}}`,
			fields: "jsep.type jsep.sdp jsep.trickle jsep.e2ee jsep.rid_order jsep.force_relay jsep.restart"},
	}},
	{name: "core-candidates", begin: "al create\nal attach janus.plugin.echotest h\nal.h offer av {\"audio\":true}\nwait 500ms\n", verbs: []verb{
		{who: "al send", sound: `{"janus":"trickle","transaction":"a","session_id":$S,"handle_id":$h,` +
			`"candidate":{"candidate":"candidate:1 1 udp 1 192.0.2.1 9 typ host","sdpMid":"0","sdpMLineIndex":0}}`,
			fields: "candidate candidate.candidate candidate.sdpMid candidate.sdpMLineIndex candidate.completed candidate.usernameFragment"},
		{who: "al send", sound: `{"janus":"trickle","transaction":"a","session_id":$S,"handle_id":$h,` +
			`"candidates":[{"candidate":"candidate:1 1 udp 1 192.0.2.1 9 typ host","sdpMid":"0"}]}`,
			fields: "candidates candidates.0 candidates.0.candidate candidates.0.sdpMid candidates.0.sdpMLineIndex"},
	}},
	{name: "core-token", begin: session, verbs: []verb{
		{who: "al send", sound: `{"janus":"attach","transaction":"a","session_id":$S,"plugin":"janus.plugin.none"}`, fields: "token apisecret"},
		{who: "al send", sound: `{"janus":"keepalive","transaction":"a","session_id":$S}`, fields: "token apisecret"},
		{who: "al send", sound: `{"janus":"create","transaction":"a","id":5}`, fields: "token"},
	}},
	{name: "core", begin: session, verbs: []verb{
		{who: "al send", sound: `{"janus":"ping","transaction":"a"}`, fields: "transaction"},
		{who: "al send", sound: `{"janus":"message","transaction":"a","session_id":$S,"handle_id":$h,"body":{"request":"exists","room":1}}`,
			fields: "janus transaction session_id handle_id body jsep"},
		{who: "al send", sound: `{"janus":"keepalive","transaction":"a","session_id":$S}`, fields: "session_id transaction"},
		{who: "al send", sound: `{"janus":"create","transaction":"a"}`, fields: "id"},
		{who: "al send", sound: `{"janus":"attach","transaction":"a","session_id":$S,"plugin":"janus.plugin.none"}`, fields: "plugin session_id opaque_id loop_index"},
		{who: "al send", sound: `{"janus":"claim","transaction":"a","session_id":5}`, fields: "session_id"},
		{who: "al send", sound: `{"janus":"trickle","transaction":"a","session_id":$S,"handle_id":$h,"candidate":{"completed":true}}`,
			fields: "session_id handle_id candidate candidate.completed candidates"},
		{who: "al send", sound: `{"janus":"hangup","transaction":"a","session_id":$S,"handle_id":5}`, fields: "session_id handle_id"},
		{who: "al send", sound: `{"janus":"detach","transaction":"a","session_id":$S,"handle_id":5}`, fields: "session_id handle_id"},
	}},
}
