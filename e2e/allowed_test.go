//go:build e2e

package e2e

import "regexp"

// allowed are the differences from Debian's Janus (1.1.2) that are meant, each with its reason.
var allowed = []struct {
	pattern *regexp.Regexp
	reason  string
}{
	{
		regexp.MustCompile(`jsep\.sdp\.\d\.codecs: \["vp8/90000"\] ≠ \["vp8/90000","rtx/90000"\]$`),
		"subscribers are offered RTX whether or not the publisher sends it; Janus 1.4 does so too",
	},
	{
		regexp.MustCompile(`"switch","streams":\[\]\} .*(error: "No such feed \(0\)" ≠ "Empty switch list"|error_code: 428 ≠ 430)$`),
		"Janus 1.4 says so too",
	},
	{
		regexp.MustCompile(`al\.h \{"(spatial_layer|temporal_layer|svc)":\S+\} \| al 1 plugindata\.data\.(error|error_code|result): `),
		"EchoTest's 1.1.2 does not know these fields; 1.4 does",
	},
	{
		regexp.MustCompile(`"kick".* text\.(textbridge: only the first|textroom: only the second)|"kick".*plugindata\.data\.(textbridge|textroom): only`),
		"TextRoom's 1.1.2 misspells the key; 1.4 does not",
	},
	{
		regexp.MustCompile(`"listparticipants".*textroom: only the second: "success"`),
		"TextRoom's 1.4 says so too",
	},
	{
		regexp.MustCompile(`"destroy".* only the first: .*"textroom":"destroyed"`),
		"who destroys a text room hears of it once, as its member, and not once more as the one who asked",
	},
	{
		regexp.MustCompile(`"textroom":"join".* only the first: .*"textroom":"announcement"`),
		"announcements are no part of a text room's history; at 1.1.2 they are",
	},
	{
		regexp.MustCompile(`plugindata\.data\.display: only the second: `),
		"unpublished, leaving and kicked name the participant, as Janus 1.4 does",
	},
	{
		regexp.MustCompile(`bo\.pub ({"request":"unpublish"}|detach) .* only the first: .*"unpublished":\d+,`),
		"Janus tells others twice that one has unpublished, the second time when the PeerConnection is closed",
	},
	{
		regexp.MustCompile(`error\.reason: "Invalid Janus API request - .*" ≠ "Invalid Janus API request - `),
		"what is wrong with JSON is told in the words of another parser",
	},
	{
		regexp.MustCompile(` hint: only the first: `),
		"the hint of an ack is for people, and no client reads it",
	},
	{
		regexp.MustCompile(`"candidates":\{\}\} .*(only the first: .*"janus":"ack"|only the second: .*"candidates is not an array")`),
		"a malformed trickle is refused at once; Janus does so only once there is a PeerConnection, and until then drops it in silence",
	},
	{
		regexp.MustCompile(`bo\.pub hangup .* only the first: .*("reason":"Janus API"|"unpublished":32)`),
		"an offer that was refused leaves nothing behind that could be hung up",
	},
	{
		regexp.MustCompile(`(bo\.(all|pub)|(al|bo)\.h) detach .* only the first: .*"reason":"Detach"`),
		"a detached handle hears of no hangup; nor does one at Janus 1.4",
	},
	{
		regexp.MustCompile(`al\.echo hangup .* only the first: .*"result":"done"`),
		"a hangup without a PeerConnection is told to the plugin by 1.1.2 and not by 1.4",
	},
}

func allowedBecause(difference string) string {
	for _, a := range allowed {
		if a.pattern.MatchString(difference) {
			return a.reason
		}
	}
	return ""
}
