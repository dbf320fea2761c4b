package conform

import (
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"
)

// Sequences returns n conversations of several participants, drawn from seed: the same seed gives the same ones.
func Sequences(n int, seed uint64) []Conversation {
	all := make([]Conversation, n)
	for i := range all {
		drawing := rapid.Custom(func(t *rapid.T) string { return newSequence(t, 40000+10*i).draw() })
		all[i] = Conversation{
			Name: fmt.Sprintf("sequence %d of seed %d", i, seed),
			Text: drawing.Example(int(seed*1_000_003 + uint64(i))),
		}
	}
	return all
}

// steps is how many requests a sequence has, besides those that begin and end it.
const steps = 22

// sequence draws a conversation. What it keeps of participants is only to draw mostly what makes sense: whether it
// does is for the servers to say.
type sequence struct {
	t      *rapid.T
	room   int
	pin    string
	secret string
	most   int  // of publishers
	codecs bool // publishers may ask for some
	people []*person
	lines  []string
}

// person is a participant: a handle that may publish, and one that may watch.
type person struct {
	name    string
	feed    int
	joined  bool
	sends   string // kinds, as package talk names them
	watches bool
	owes    bool // an answer
	slots   int
}

func newSequence(t *rapid.T, room int) *sequence {
	s := &sequence{t: t, room: room}
	for i, name := range []string{"al", "bo", "cy"} {
		s.people = append(s.people, &person{name: name, feed: room + i + 1})
	}
	return s
}

func (s *sequence) say(format string, args ...any) {
	s.lines = append(s.lines, fmt.Sprintf(format, args...))
}

func (s *sequence) oneOf(what string, choices ...string) string {
	return rapid.SampledFrom(choices).Draw(s.t, what)
}

func (s *sequence) draw() string {
	for _, p := range s.people {
		s.say("%s create", p.name)
		s.say("%s attach janus.plugin.videoroom pub", p.name)
		s.say("%s attach janus.plugin.videoroom sub", p.name)
	}
	s.create()
	s.join(s.people[0])
	if s.people[0].joined { // an offer before that is refused too
		s.publish(s.people[0])
	}
	for range steps {
		s.step()
	}
	s.end()
	return strings.Join(s.lines, "\n")
}

// severalCodecs is of a room in which publishers may ask for others than the first.
const severalCodecs = `,"audiocodec":"opus,pcmu","videocodec":"vp8,h264"`

// codec is what an offer asks for, mostly nothing.
func (s *sequence) codec() string {
	if !s.codecs {
		return ""
	}
	return s.oneOf("codec", "", "", `,"videocodec":"h264"`, `,"audiocodec":"pcmu"`, `,"audiocodec":"pcmu","videocodec":"h264"`, `,"videocodec":"vp8"`)
}

func (s *sequence) create() {
	options := s.oneOf("options", "", "", `,"notify_joining":true`, `,"bitrate":256000,"description":"A room"`,
		severalCodecs, severalCodecs, `,"require_pvtid":true`, `,"is_private":true,"fir_freq":5`,
		`,"opus_fec":false`, `,"videocodec":"vp9"`, `,"dummy_publisher":true`)
	s.codecs = options == severalCodecs
	if s.oneOf("pin", "", "", "p") != "" {
		s.pin = `,"pin":"p"`
	}
	if s.oneOf("secret", "", "s") != "" {
		s.secret = `,"secret":"s"`
	}
	s.most = rapid.SampledFrom([]int{6, 6, 6, 6, 2}).Draw(s.t, "publishers")
	s.say(`al.pub {"request":"create","room":%d,"publishers":%d%s%s%s}`, s.room, s.most, s.pin, s.secret, options)
}

// step draws what one participant does next.
func (s *sequence) step() {
	p := rapid.SampledFrom(s.people).Draw(s.t, "who")
	do := []func(*person){s.askAround, s.far}
	switch {
	case !p.joined:
		do = append(do, s.join, s.join, s.join)
	case p.sends == "":
		do = append(do, s.publish, s.publish, s.publish, s.configureIdle)
	default:
		do = append(do, s.configure, s.configure, s.moderate, s.unpublish, s.renegotiate)
	}
	switch {
	case !p.watches:
		do = append(do, s.watch, s.watch, s.watch)
	case p.owes:
		do = append(do, s.answer, s.answer, s.answer, s.answer, s.resubscribe)
	default:
		do = append(do, s.resubscribe, s.resubscribe, s.tune, s.switchFeed, s.pause)
	}
	rapid.SampledFrom(do).Draw(s.t, "what")(p)
}

func (s *sequence) join(p *person) {
	pin := s.pin
	if s.oneOf("slip", "", "", "", "", "", "yes") != "" {
		pin = `,"pin":"wrong"`
	}
	display := s.oneOf("display", "", `,"display":"One"`, `,"display":"Two"`)
	s.say(`%s.pub {"request":"join","ptype":"publisher","room":%d,"id":%d%s%s}`, p.name, s.room, p.feed, pin, display)
	p.joined = p.joined || pin == s.pin || s.pin == ""
}

// kinds are what may be offered; publishing video takes more of a machine than the rest.
func (s *sequence) kinds() string { return s.oneOf("kinds", "a", "av", "av", "v", "ad") }

// publish hangs up after an offer that is refused: Janus takes no second one before (spec/videoroom.md, section 17).
func (s *sequence) publish(p *person) {
	kinds := s.kinds()
	wish := s.oneOf("wish", "", "", "", `,"bitrate":128000`, `,"audio":true,"video":true`, `,"display":"Three"`,
		`,"descriptions":[{"mid":"0","description":"first"}]`)
	s.say(`%s.pub offer %s {"request":"%s"%s}`, p.name, kinds, s.oneOf("verb", "publish", "configure"), wish+s.codec())
	if s.publishing() == s.most {
		s.say("%s.pub hangup what was refused", p.name)
		s.say("wait 500ms")
		return
	}
	p.sends = kinds
}

// publishing is how many send.
func (s *sequence) publishing() (n int) {
	for _, p := range s.people {
		if p.sends != "" {
			n++
		}
	}
	return n
}

func (s *sequence) renegotiate(p *person) {
	if strings.Contains(p.sends, "d") {
		return // a second data channel is no negotiation
	}
	p.sends = "av"
	s.say(`%s.pub offer av {"request":"configure"%s}`, p.name, s.codec())
}

func (s *sequence) unpublish(p *person) {
	s.say(`%s.pub {"request":"unpublish"}`, p.name)
	s.say("wait 500ms")
	p.sends = ""
	for _, other := range s.people {
		other.owes = other.owes || other.watches
	}
}

func (s *sequence) configureIdle(p *person) {
	s.say(`%s.pub {"request":"configure"%s}`, p.name, s.oneOf("idle", "", `,"display":"Four"`, `,"bitrate":64000`, `,"mid":"0","send":false`,
		`,"record":false`, `,"bitrate":-1`, `,"streams":[{"mid":"0"}]`))
}

func (s *sequence) configure(p *person) {
	s.say(`%s.pub {"request":"%s"%s}`, p.name, s.oneOf("verb", "configure", "configure", "configure", "publish"),
		s.oneOf("setting", "", `,"display":"Five"`, `,"bitrate":96000`, `,"mid":"0","send":false`, `,"mid":"0","send":true`, `,"keyframe":true`,
			`,"mid":"9","send":true`, `,"streams":[{"mid":"0","send":true},{"mid":"1","send":false}]`, `,"streams":[{"send":true},{"mid":"0"}]`,
			`,"audio":false`, `,"descriptions":[{"mid":"0","description":"other"}]`, `,"min_delay":5,"max_delay":50`))
}

func (s *sequence) watch(p *person) {
	of := rapid.SampledFrom(s.people).Draw(s.t, "feed")
	streams := s.oneOf("streams", `"streams":[{"feed":$F}]`, `"streams":[{"feed":$F,"mid":"0"}]`, `"streams":[{"feed":$F,"mid":"7"}]`,
		`"streams":[{"feed":$F,"mid":"0","crossrefid":"x"}],"use_msid":true`, `"feed":$F`, `"feed":$F,"offer_video":false`,
		`"streams":[{"feed":$F}],"autoupdate":true`, `"streams":[]`)
	s.say(`%s.sub {"request":"join","ptype":"subscriber","room":%d%s,%s}`, p.name, s.room, s.pin,
		strings.ReplaceAll(streams, "$F", fmt.Sprint(of.feed)))
	if of.sends != "" {
		p.watches, p.owes = true, true
	}
}

func (s *sequence) answer(p *person) {
	s.say(`%s.sub answer {"request":"start"}`, p.name)
	p.owes = false
}

func (s *sequence) resubscribe(p *person) {
	of := rapid.SampledFrom(s.people).Draw(s.t, "feed")
	feed := fmt.Sprint(of.feed)
	request := s.oneOf("resubscribe", `"subscribe","streams":[{"feed":$F}]`, `"subscribe","streams":[{"feed":$F,"mid":"1"}]`,
		`"unsubscribe","streams":[{"feed":$F}]`, `"unsubscribe","streams":[{"sub_mid":"0"}]`, `"unsubscribe","streams":[{"feed":$F,"mid":"0"}]`,
		`"update","subscribe":[{"feed":$F}],"unsubscribe":[{"feed":$F}]`, `"update","unsubscribe":[{"sub_mid":"1"}]`,
		`"subscribe","streams":[{"feed":$F,"mid":"0","crossrefid":"y"}]`)
	s.say(`%s.sub {"request":%s}`, p.name, strings.ReplaceAll(request, "$F", feed))
	p.owes = true
}

func (s *sequence) tune(p *person) {
	s.say(`%s.sub {"request":"configure"%s}`, p.name, s.oneOf("tuning", `,"mid":"0","send":false`, `,"mid":"0","send":true`, `,"mid":"8","send":true`,
		`,"audio":false`, `,"video":true`, `,"substream":1`, `,"temporal":7`, `,"streams":[{"mid":"0"},{"send":true}]`, ``))
}

func (s *sequence) switchFeed(p *person) {
	of := rapid.SampledFrom(s.people).Draw(s.t, "feed")
	s.say(`%s.sub {"request":"switch","streams":[{"feed":%d,"mid":"%s","sub_mid":"%s"}]}`, p.name, of.feed,
		s.oneOf("mid", "0", "1"), s.oneOf("sub_mid", "0", "0", "1", "5"))
}

func (s *sequence) pause(p *person) {
	s.say(`%s.sub {"request":"%s"}`, p.name, s.oneOf("pause", "pause", "start"))
}

func (s *sequence) moderate(p *person) {
	s.say(`%s.pub {"request":"moderate","room":%d%s,"id":%d,"mid":"%s","mute":%s}`, p.name, s.room, s.secret, p.feed,
		s.oneOf("mid", "0", "1", "9"), s.oneOf("mute", "true", "false"))
}

// askAround is a request that needs no standing in the room.
func (s *sequence) askAround(p *person) {
	handle := s.oneOf("handle", "pub", "sub")
	request := s.oneOf("ask", `"exists","room":$R`, `"listparticipants","room":$R`, `"edit","room":$R,"new_description":"New"$S`,
		`"edit","room":$R,"new_publishers":5$S`, `"allowed","room":$R,"action":"add","allowed":["t"]$S`, `"allowed","room":$R,"action":"disable"$S`,
		`"enable_recording","room":$R,"record":false$S`, `"kick","room":$R,"id":7$S`, `"create","room":$R`, `"edit","room":$R,"secret":"wrong"`,
		`"listforwarders","room":$R$S`, `"EXISTS","room":$R`, `"leap"`, `"destroy","room":$R,"secret":"wrong?"`)
	if s.secret == "" && strings.Contains(request, "destroy") {
		return // it would be obeyed
	}
	s.say(`%s.%s {"request":%s}`, p.name, handle, strings.NewReplacer("$R", fmt.Sprint(s.room), "$S", s.secret).Replace(request))
}

// far is about a publisher of another server, who sends nothing.
func (s *sequence) far(p *person) {
	if s.most < len(s.people) {
		return // Janus has as many as it is told, no more and no fewer, for a full room (spec/videoroom.md, section 17)
	}
	id := s.room + 7
	request := s.oneOf("far", `"add_remote_publisher","display":"Far","streams":[{"type":"audio","mindex":0,"mid":"0","codec":"opus"}]`,
		`"add_remote_publisher","streams":[{"type":"audio","mindex":0,"mid":"0","codec":"opus"},{"type":"video","mindex":1,"mid":"1","codec":"vp8"}]`,
		`"update_remote_publisher","display":"Farther","streams":[{"type":"audio","mindex":0,"mid":"0","codec":"opus","description":"x"}]`,
		`"update_remote_publisher","streams":[{"type":"video","mindex":1,"mid":"1","codec":"vp8"}]`, `"remove_remote_publisher"`, `"listremotes","publisher_id":7`)
	s.say(`%s.pub {"request":%s,"room":%d,"id":%d%s}`, p.name, request, s.room, id, s.secret)
}

// end draws how it ends. Where Janus leaves subscribers without a word (spec/videoroom.md, section 17) the two servers
// go different ways from there on, so these come last.
func (s *sequence) end() {
	watched := slices.ContainsFunc(s.people, func(p *person) bool { return p.watches })
	ends := []string{"detach", "leave", "kick", "hangup", "session"}
	if !watched {
		ends = append(ends, "destroy")
	}
	p := s.people[0]
	switch s.oneOf("end", ends...) {
	case "detach":
		s.say("%s.pub detach", p.name)
	case "leave":
		if p.sends != "" {
			s.unpublish(p)
		}
		s.say(`%s.pub {"request":"leave"}`, p.name)
		s.say(`%s.pub {"request":"configure"}`, p.name)
	case "kick":
		if p.sends != "" {
			s.unpublish(p)
		}
		s.say(`bo.pub {"request":"kick","room":%d,"id":%d%s}`, s.room, p.feed, s.secret)
	case "hangup":
		s.say("%s.pub hangup", p.name)
	case "session":
		s.say("%s destroy", p.name)
	case "destroy":
		s.say(`bo.pub {"request":"destroy","room":%d%s}`, s.room, s.secret)
	}
	s.say("wait 500ms")
	s.say(`cy.pub {"request":"listparticipants","room":%d}`, s.room)
}
