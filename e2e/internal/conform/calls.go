package conform

import (
	"fmt"
	"strings"

	"pgregory.net/rapid"
)

// Calls returns n conversations of VideoCall among three users, drawn from seed.
func Calls(n int, seed uint64) []Conversation {
	all := make([]Conversation, n)
	for i := range all {
		drawing := rapid.Custom(func(t *rapid.T) string { return newCalls(t, i).draw() })
		all[i] = Conversation{
			Name: fmt.Sprintf("calls %d of seed %d", i, seed),
			Text: drawing.Example(int(seed*1_000_003 + 500_000 + uint64(i))),
		}
	}
	return all
}

// callSteps is how many requests a conversation has, besides registrations.
const callSteps = 12

// calls draws a conversation, and keeps what makes sense next.
type calls struct {
	t      *rapid.T
	number int
	users  []*user
	lines  []string
}

// user is someone who calls or is called.
type user struct {
	name  string // of the socket
	with  *user
	kinds string // of the call
	rings bool   // is to accept
	calls bool   // waits for the other to accept
	owes  bool   // an answer to a renegotiation
	asked bool   // waits for one
}

func newCalls(t *rapid.T, number int) *calls {
	c := &calls{t: t, number: number}
	for _, name := range []string{"al", "bo", "cy"} {
		c.users = append(c.users, &user{name: name})
	}
	return c
}

func (c *calls) say(format string, args ...any) {
	c.lines = append(c.lines, fmt.Sprintf(format, args...))
}

func (c *calls) oneOf(what string, choices ...string) string {
	return rapid.SampledFrom(choices).Draw(c.t, what)
}

// username is of the whole server, so others have other numbers.
func (c *calls) username(u *user) string { return fmt.Sprintf("%s of %d", u.name, c.number) }

func (c *calls) draw() string {
	for _, u := range c.users {
		c.say("%s create", u.name)
		c.say("%s attach janus.plugin.videocall h", u.name)
		c.say(`%s.h {"request":"register","username":"%s"}`, u.name, c.username(u))
	}
	for range callSteps {
		c.step(rapid.SampledFrom(c.users).Draw(c.t, "who"))
	}
	for _, u := range c.users {
		c.say("%s destroy", u.name)
		c.say("wait 500ms")
	}
	return strings.Join(c.lines, "\n")
}

func (c *calls) step(u *user) {
	do := []func(*user){c.set, c.mistake}
	switch {
	case u.with == nil:
		do = append(do, c.call, c.call, c.call, c.call)
	case u.rings:
		do = append(do, c.accept, c.accept, c.accept, c.accept, c.hangUp)
	case u.calls:
		do = append(do, c.hangUp)
	case u.owes:
		do = []func(*user){c.answer}
	case u.asked:
		do = []func(*user){c.set}
	default:
		do = append(do, c.renegotiate, c.hangUp, c.set)
	}
	rapid.SampledFrom(do).Draw(c.t, "what")(u)
}

// call calls another, who may be in a call already.
func (c *calls) call(u *user) {
	other := rapid.SampledFrom(c.users).Draw(c.t, "whom")
	if other == u {
		return
	}
	kinds := c.oneOf("kinds", "a", "av", "av", "v")
	c.say(`%s.h offer %s {"request":"call","username":"%s"}`, u.name, kinds, c.username(other))
	c.say("wait 500ms")
	if other.with == nil {
		u.with, u.kinds, u.calls = other, kinds, true
		other.with, other.kinds, other.rings = u, kinds, true
	}
}

func (c *calls) accept(u *user) {
	c.say(`%s.h answer %s {"request":"accept"}`, u.name, u.kinds)
	c.say("wait 1s")
	u.rings, u.with.calls = false, false
}

func (c *calls) renegotiate(u *user) {
	c.say(`%s.h offer %s {"request":"set"}`, u.name, u.kinds)
	u.asked, u.with.owes = true, true
}

func (c *calls) answer(u *user) {
	c.say(`%s.h answer %s {"request":"set"}`, u.name, u.kinds)
	c.say("wait 500ms")
	u.owes, u.with.asked = false, false
}

func (c *calls) set(u *user) {
	c.say(`%s.h {"request":"set"%s}`, u.name, c.oneOf("setting", "", `,"audio":false`, `,"audio":true,"video":true`, `,"video":false`, `,"bitrate":128000`,
		`,"bitrate":"x"`, `,"substream":1`, `,"substream":4`, `,"temporal":0`, `,"fallback":100000`, `,"record":false`, `,"keyframe":true`))
}

func (c *calls) hangUp(u *user) {
	c.say("%s.h %s", u.name, c.oneOf("end", `{"request":"hangup"}`, `{"request":"hangup","reason":"enough"}`, "hangup"))
	c.say("wait 1s")
	if u.with != nil {
		*u.with = user{name: u.with.name}
	}
	*u = user{name: u.name}
}

// mistake is what is refused.
func (c *calls) mistake(u *user) {
	if u.with != nil { // a call, however wrong, would end the one that there is
		c.say(`%s.h {"request":%s}`, u.name, c.oneOf("mistake in a call", `"register"`, `"leap"`, `"set","audio":5`))
		return
	}
	c.say(`%s.h {"request":%s}`, u.name, c.oneOf("mistake", `"register","username":"other"`, `"register"`, `"call","username":"nobody"`, `"leap"`,
		`"call"`, `"set","audio":5`))
}
