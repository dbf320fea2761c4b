//go:build e2e

package e2e

import (
	"go/version"
	"regexp"

	"github.com/cardea-rtc/cardea/e2e/internal/conform"
)

// Kinds of differences that are meant.
const (
	newer  = conform.Newer  // Janus 1.4 does as Cardea, which follows it where versions differ
	defect = conform.Defect // of Janus's, that the specification marks as not to be reproduced
	own    = conform.Own
)

// allowed are the differences from Janus that are meant, each with its reason. Those of kind newer are from versions before
// 1.4 only.
var allowed = []struct {
	pattern *regexp.Regexp
	kind    conform.Kind
	reason  string
	until   string // versions of Janus before this one differ so; empty for all
}{
	{
		regexp.MustCompile(`jsep\.sdp\.\d\.codecs: \["vp[89]/90000"\] ≠ \["vp[89]/90000","rtx/90000"\]$`),
		defect, "subscribers are offered RTX with any video; by Janus only if there was video in the first offer that they had", "",
	},
	{
		regexp.MustCompile(`^al\.h \{"(spatial_layer|temporal_layer|svc)":\S+\} \| al 1 plugindata\.data\.(error: ("Message error: no supported attributes found" ≠ "Invalid |only the first: "Message error: no supported attributes found"$)|error_code: only the first: 413$|result: only the second: "ok"$)`),
		newer, "EchoTest's 1.1.2 does not know these fields; 1.4 does", "1.4",
	},
	{
		regexp.MustCompile(`"switch",.*"(substream|temporal|spatial_layer|temporal_layer)":.* \| al 1 plugindata\.data\.(error: "No such feed \(99\)" ≠ "Invalid element type \((substream|temporal|spatial_layer|temporal_layer) should be a positive integer\)"$|error_code: 428 ≠ 430$)`),
		newer, "layers in switch came with Janus 1.1.4", "1.1.4",
	},
	{
		regexp.MustCompile(`^\w+\.h \{"request":"register"\} \| \w+ 1 plugindata\.data\.(error: "Already registered \(.*\)" ≠ "Missing mandatory element \(username\)"$|error_code: 477 ≠ 475$)`),
		newer, "VideoCall looks at what is missing first, as Janus 1.4 does", "1.4",
	},
	{
		regexp.MustCompile(`"moderate","room":9070,"id":\$dummy,.* only the first: \{"janus":"event","plugindata":\{"data":\{"id":"\$drawn","mid":"0","moderation":"muted",`),
		newer, "nobody is told that a dummy is muted, as at Janus 1.4", "1.4",
	},
	{
		regexp.MustCompile(`"join",.*"room":9074,.* plugindata\.data\.publishers\.0\.streams\.0\.dtx: only the first: true$`),
		newer, "a dummy's Opus has DTX where the room allows it, as at Janus 1.4", "1.4",
	},
	{
		regexp.MustCompile(` plugindata\.data\.rtp_stream\.video_rtcp: only the second: \d+$`),
		newer, "the port of feedback is told, as by Janus 1.4", "1.4",
	},
	{
		regexp.MustCompile(`"kick",.* \| \w+ \d (plugindata\.data|text)\.(textbridge: only the first|textroom: only the second): "success"$`),
		newer, "TextRoom's 1.1.2 misspells the key; 1.4 does not", "1.4",
	},
	{
		regexp.MustCompile(`"listparticipants",.* (plugindata\.data|text)\.textroom: only the second: "success"$`),
		newer, "TextRoom's 1.4 says so too", "1.4",
	},
	{
		regexp.MustCompile(`"destroy",.* only the first: \{"janus":"data","sender":"\$\w+\.h","text":\{"room":(\d+|"\w+"),"textroom":"destroyed"\}\}$`),
		defect, "who destroys a text room hears of it once, as its member, and not once more as the one who asked", "",
	},
	{
		regexp.MustCompile(` plugindata\.data\.display: only the second: "[^"]*"$`),
		newer, "unpublished, leaving and kicked name the participant, as Janus 1.4 does", "1.4",
	},
	{
		regexp.MustCompile(` only the first: \{"idle":true,"janus":"event","plugindata":\{"data":\{[^{}]*"unpublished":`),
		defect, "Janus says again that somebody has unpublished, when the PeerConnection is closed, or ends who never published; who was told what was published can do nothing by it", "",
	},
	{
		regexp.MustCompile(`(bo\.pub hangup|hangup what was refused) \| \w+ \d only the first: \{"janus":"hangup","reason":"Janus API",`),
		defect, "an offer that was refused leaves nothing behind that could be hung up", "",
	},
	{
		regexp.MustCompile(`^\w+\.\w+ detach \| \w+ \d only the first: \{"janus":"hangup",("opaque_id":"[^"]*",)?"reason":"Detach",`),
		defect, "a detached handle hears of no hangup; at Janus that is chance, and at 1.4 it seldom does", "",
	},
	{
		regexp.MustCompile(`^al\.echo hangup \| al \d only the first: \{"janus":"event","plugindata":\{"data":\{"echotest":"event","result":"done"\},`),
		newer, "a hangup without a PeerConnection is told to the plugin by 1.1.2 and not by 1.4", "1.4",
	},
	{
		regexp.MustCompile(`^al\.h \{"audio":true,"(svc|spatial_layer|temporal_layer)":.* \| al 1 plugindata\.data\.(error: only the second: "Invalid (element type|value) \((svc|spatial_layer|temporal_layer) should be |error_code: only the second: 413$|result: only the first: "ok"$)`),
		newer, "EchoTest looks at svc, spatial_layer and temporal_layer, as Janus 1.4 does", "1.4",
	},
	{
		regexp.MustCompile(`"publish_remotely",.*"srtp_crypto":"short"\} \| al 0 plugindata\.data\.(error: only the second: "Invalid SRTP suite or key"$|error_code: only the second: 430$|(id|remote_id|room): only the first: |videoroom: "success" ≠ "event"$)`),
		own, "a key that is none of SRTP's is refused, and not passed over in silence", "",
	},
	{
		regexp.MustCompile(`"unpublish_remotely",.*"remote_id":"key"\} \| al 0 plugindata\.data\.(error: only the second: "No such remotization \(key\)"$|error_code: only the second: 428$|(id|room): only the first: |videoroom: "success" ≠ "event"$)`),
		own, "a key that is none of SRTP's is refused, and not passed over in silence", "",
	},
	{
		regexp.MustCompile(`"request":"(publish_remotely|(add|update)_remote_publisher)",.*"srtp_(suite|crypto)":.* \| al \d (plugindata\.data\.(error: .*"Invalid (element type \(srtp_(suite|crypto) should be |SRTP suite)|error_code: (\d+ ≠|only the second:) 430$|videoroom: "success" ≠ "event"$)|only the first: \{"janus":"event","plugindata":\{"data":\{"publishers":)`),
		newer, "SRTP to remote publishers came with Janus 1.3", "1.3",
	},
	{
		regexp.MustCompile(`only the (first|second): {"janus":"media",.*"timing":"chance"`),
		own, "a busy machine makes gaps in what it sends, and which server notices, and when, is chance", "",
	},
	{
		regexp.MustCompile(`"permanent":true,.*\.permanent: true ≠ false$`),
		own, "Cardea in one process keeps nothing on disk, and says so", "",
	},
	{
		regexp.MustCompile(`"request":"rtp_forward",.*("port":(0|4294967296)\}\].* \| al 0 plugindata\.data\.forwarders: \[\{"host":"127\.0\.0\.1","port":0,.*\}\] ≠ \[\]$|"video_port_[23]":5\} \| al 0 plugindata\.data\.rtp_stream\.video_(stream_id_)?[23]: only the first: \d+$)`),
		own, "what would send nothing is no forwarder", "",
	},
	{
		regexp.MustCompile(`"request":"rtp_forward",.*"streams":\[\{"(host|host_family)":.* \| al 0 plugindata\.data\.(error: only the second: "(Could not resolve address|Unsupported protocol family) \(|error_code: only the second: 430$|(forwarders|publisher_id|room): only the first: |videoroom: "rtp_forward" ≠ "event"$)`),
		own, "a wrong host of one of the streams is refused, and not passed over", "",
	},
	{
		regexp.MustCompile(`(:9223372036854775807\b.*"request":"rtp_forward"|"request":"rtp_forward".*:9223372036854775807\b).* \| al 0 plugindata\.data\.(forwarders\.0\.(pt: -1 ≠ 4294967295$|(local|remote)_rtcp_port: only the second: )|rtp_stream\.(audio|video)(_stream_id)?: only the second: )`),
		own, "numbers beyond 32 bits are cut in another way", "",
	},
	{
		regexp.MustCompile(`"listforwarders",.* \| al 0 plugindata\.data\.publishers: \[\{.*"forwarders":\[\],.*\] ≠ \[\]$`),
		defect, "who has no forwarders any more is not listed", "",
	},
	{
		regexp.MustCompile(`^al\.idle hangup \| al \d only the first: \{"janus":"hangup","reason":"Janus API",`),
		own, "an offer that no call takes leaves nothing behind that could be hung up", "",
	},
	{
		regexp.MustCompile(`"destroy".* only the second: {"janus":"hangup","reason":"Close PC","sender":"\$\w+\.sub"`),
		defect, "subscribers of a room that is destroyed have their PeerConnection ended; Janus leaves it silent", "",
	},
	{
		regexp.MustCompile(`"update_remote_publisher",.*"description":"".*\.streams\.\d\.description: only the first: ""$`),
		own, "an empty description is none", "",
	},
	{
		regexp.MustCompile(`^bo\.sub \{"request":"configure","restart":true\} \| bo \d only the second: \{"janus":"event","plugindata":\{"data":\{"configured":"ok",`),
		defect, "a restart that waits for an answer is said to be configured; Janus says nothing", "",
	},
	{
		regexp.MustCompile(`^bo\.back (answer )?\{.*( "updating" ≠ "updated"$|\.streams: only the second: | jsep: only the second: |only the second: \{"janus":"(hangup","reason":"Close PC|webrtcup)",)`),
		defect, "who has left and subscribes anew gets an offer; Janus says updating for ever", "",
	},
	{
		regexp.MustCompile(`"destroy".* only the first: {"janus":"hangup","reason":"Close PC","sender":"\$bo\.pub"`),
		defect, "an offer that was refused leaves nothing behind that could be hung up", "",
	},
	{
		regexp.MustCompile(`"request":"create",[^|]*"threads":[^|]* \| al 0 plugindata\.data\.(error: only the second: "Invalid element type \(threads should be |error_code: only the second: 430$|(permanent|room): only the first: |videoroom: "created" ≠ "event"$)`),
		newer, "threads came with Janus 1.2.3", "1.2.3",
	},
	{
		regexp.MustCompile(`^al\.h \{"dummy_e2ee":[^|]* \| al 0 plugindata\.data\.(error: only the second: "Invalid element type \(dummy_e2ee should be |error_code: only the second: 430$|(permanent|room): only the first: |videoroom: "created" ≠ "event"$)`),
		newer, "dummy_e2ee came with Janus 1.3.2", "1.3.2",
	},
	{
		regexp.MustCompile(`^al\.\w+ \{[^|]*"metadata":[^|]* \| al \d (plugindata\.data\.(error: .*"Invalid element type \(metadata should be an object\)"$|error_code: (436 ≠|only the second:) 430$|(room|description|id|private_id|publishers|port|rtcp_port|configured): only the first: |videoroom: "(joined|success)" ≠ "event"$)|only the first: \{"janus":"event",.*"publishers":)|\.publishers\.\d\.metadata: only the second: \{\}$`),
		newer, "metadata of participants came with Janus 1.3", "1.3",
	},
	{
		regexp.MustCompile(`"(new_)?post":"(x|(long )*)",.* \| al 0 plugindata\.data\.(error: only the second: "Unauthorized \(post: not an http or https address\)"$|error_code: only the second: 419$|(permanent|room): only the first: |textroom: "(created|edited)" ≠ "error"$)`),
		own, "texts are posted to addresses of --text-post-allow only, and what is no address is refused", "",
	},
}

// allowedBeside tells why a difference from that version of Janus is meant. Janus and Go number their versions alike.
func allowedBeside(ofJanus string) func(difference string) (string, conform.Kind) {
	return func(difference string) (string, conform.Kind) {
		for _, a := range allowed {
			holds := a.until == "" || version.Compare("go"+ofJanus, "go"+a.until) < 0
			if holds && a.pattern.MatchString(difference) {
				return a.reason, a.kind
			}
		}
		return "", own
	}
}
