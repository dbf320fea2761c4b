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
		regexp.MustCompile(`al\.h \{"(spatial_layer|temporal_layer|svc)":\S+\} \| al 1 plugindata\.data\.(error|error_code|result): `),
		newer, "EchoTest's 1.1.2 does not know these fields; 1.4 does", "1.4",
	},
	{
		regexp.MustCompile(`"switch",.*"(substream|temporal|spatial_layer|temporal_layer)":.*(error: "No such feed \(99\)" ≠ "Invalid element type|error_code: 428 ≠ 430$)`),
		newer, "layers in switch came with Janus 1.1.4", "1.1.4",
	},
	{
		regexp.MustCompile(`\.h \{"request":"register"\} .*(error: "Already registered .* ≠ "Missing mandatory|error_code: 477 ≠ 475$)`),
		newer, "VideoCall looks at what is missing first, as Janus 1.4 does", "1.4",
	},
	{
		regexp.MustCompile(`"moderate","room":9070,"id":\$dummy,.* only the first: .*"moderation"`),
		newer, "nobody is told that a dummy is muted, as at Janus 1.4", "1.4",
	},
	{
		regexp.MustCompile(`rtp_stream\.video_rtcp: only the second: `),
		newer, "the port of feedback is told, as by Janus 1.4", "1.4",
	},
	{
		regexp.MustCompile(`"kick".* text\.(textbridge: only the first|textroom: only the second)|"kick".*plugindata\.data\.(textbridge|textroom): only`),
		newer, "TextRoom's 1.1.2 misspells the key; 1.4 does not", "1.4",
	},
	{
		regexp.MustCompile(`"listparticipants".*textroom: only the second: "success"`),
		newer, "TextRoom's 1.4 says so too", "1.4",
	},
	{
		regexp.MustCompile(`"destroy".* only the first: .*"textroom":"destroyed"`),
		defect, "who destroys a text room hears of it once, as its member, and not once more as the one who asked", "",
	},
	{
		regexp.MustCompile(`plugindata\.data\.display: only the second: `),
		newer, "unpublished, leaving and kicked name the participant, as Janus 1.4 does", "1.4",
	},
	{
		regexp.MustCompile(` only the first: \{"idle":true,"janus":"event","plugindata":\{"data":\{[^{}]*"unpublished":`),
		defect, "Janus says again that somebody has unpublished, when the PeerConnection is closed, or ends who never published; who was told what was published can do nothing by it", "",
	},
	{
		regexp.MustCompile(`"candidates":\{\}\} .*(only the first: .*"janus":"ack"|only the second: .*"candidates is not an array")`),
		own, "a malformed trickle is refused at once; Janus does so only once there is a PeerConnection, and until then drops it in silence", "",
	},
	{
		regexp.MustCompile(`(bo\.pub hangup|hangup what was refused) \| \w+ \d only the first: \{"janus":"hangup","reason":"Janus API",`),
		defect, "an offer that was refused leaves nothing behind that could be hung up", "",
	},
	{
		regexp.MustCompile(`\w+\.\w+ detach .* only the first: .*"reason":"Detach"`),
		defect, "a detached handle hears of no hangup; at Janus that is chance, and at 1.4 it seldom does", "",
	},
	{
		regexp.MustCompile(`al\.echo hangup .* only the first: .*"result":"done"`),
		newer, "a hangup without a PeerConnection is told to the plugin by 1.1.2 and not by 1.4", "1.4",
	},
	{
		regexp.MustCompile(`al\.h {"audio":true,"(svc|spatial_layer|temporal_layer)":`),
		newer, "EchoTest looks at svc, spatial_layer and temporal_layer, as Janus 1.4 does", "1.4",
	},
	{
		regexp.MustCompile(`"request":"(publish_remotely|(add|update)_remote_publisher)",.*"srtp_(suite|crypto)":.*( ≠ "Invalid (element type \(srtp_|SRTP suite)|error_code: (428|436) ≠ 430|only the first: {"janus":"event",.*"publishers":|plugindata\.data\.(error|error_code|id|port|rtcp_port|room|videoroom): )`),
		newer, "SRTP to remote publishers came with Janus 1.3", "1.3",
	},
	{
		regexp.MustCompile(`"host":"(x|(long )*)",.*(error: "Could not resolve address .* ≠ "No such feed|error_code: 430 ≠ 428)`),
		own, "no name of a host is resolved for a publisher that is not there", "",
	},
	{
		regexp.MustCompile(`only the (first|second): {"janus":"media",.*"timing":"chance"`),
		own, "a busy machine makes gaps in what it sends, and which server notices, and when, is chance", "",
	},
	{
		regexp.MustCompile(`"request":"kick",.* only the first: {"janus":"hangup","reason":"Close PC"`),
		defect, "who is kicked without a PeerConnection has none to be hung up", "",
	},
	{
		regexp.MustCompile(`^\w+\.pub {"request":"leave"} .* only the second: {"janus":"hangup","reason":"Close PC"`),
		defect, "who leaves has its PeerConnection ended; Janus leaves it up", "",
	},
	{
		regexp.MustCompile(`"permanent":true,.*\.permanent: true ≠ false$`),
		own, "Cardea in one process keeps nothing on disk, and says so", "",
	},
	{
		regexp.MustCompile(` offer .*(error: {"code":490,|"code":490,"reason":"Error setting ICE locally"|only the second: .*("janus":"ack"|"error_code":432))`),
		defect, "after a refused offer another may be made without a hangup", "",
	},
	{
		regexp.MustCompile(`"request":"rtp_forward".*("port":(0|4294967296)\}.*forwarders|"video_port_[23]":5\}.*rtp_stream)`),
		own, "what would send nothing is no forwarder", "",
	},
	{
		regexp.MustCompile(`"request":"rtp_forward".*"streams":\[\{"(host|host_family)":`),
		own, "a wrong host of one of the streams is refused, and not passed over", "",
	},
	{
		regexp.MustCompile(`(:9223372036854775807\b.*"request":"rtp_forward"|"request":"rtp_forward".*:9223372036854775807\b).*(local_rtcp_port|remote_rtcp_port|\.pt|rtp_stream\.\S+): `),
		own, "numbers beyond 32 bits are cut in another way", "",
	},
	{
		regexp.MustCompile(`"listforwarders",.*publishers: \[{.*"forwarders":\[\],.*\] ≠ \[\]$`),
		defect, "who has no forwarders any more is not listed", "",
	},
	{
		regexp.MustCompile(`al\.idle hangup .* only the first: .*"reason":"Janus API"`),
		own, "an offer that no call takes leaves nothing behind that could be hung up", "",
	},
	{
		regexp.MustCompile(`"destroy".* only the second: {"janus":"hangup","reason":"Close PC","sender":"\$\w+\.sub"`),
		defect, "subscribers of a room that is destroyed have their PeerConnection ended; Janus leaves it silent", "",
	},
	{
		regexp.MustCompile(`"description":"".*streams\.\d\.description: only the first: ""$`),
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
		regexp.MustCompile(`"(add|update)_remote_publisher",.*"(h264|vp9)_profile":.*(≠ "Invalid element type \((h264|vp9)_profile should be|Invalid element type \((h264|vp9)_profile should be a boolean\)|error_code: (430 ≠|\d+ ≠ 430))`),
		own, "profiles of remote publishers' streams are strings, as in Janus's own answers; 1.1.2 wants booleans", "",
	},
	{
		regexp.MustCompile(`"request":"create",[^|]*"threads":[^|]* \| al 0 plugindata\.data\.`),
		newer, "threads came with Janus 1.2.3", "1.2.3",
	},
	{
		regexp.MustCompile(`^al\.h {"dummy_e2ee":[^|]* \| al 0 plugindata\.data\.`),
		newer, "dummy_e2ee came with Janus 1.3.2", "1.3.2",
	},
	{
		regexp.MustCompile(`^al\.\w+ {[^|]*"metadata":[^|]* \| al \d (plugindata\.data\.|only the first: {"janus":"event",.*"publishers":)|publishers\.\d\.metadata: only the second: {}$`),
		newer, "metadata of participants came with Janus 1.3", "1.3",
	},
	{
		regexp.MustCompile(`"(new_)?post":"(x|(long )*)",`),
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
