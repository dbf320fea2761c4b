package videocall

import (
	"fmt"
	"strings"

	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// recording is what is written of what a user sends. A name given later counts for the next.
func (d *draft) recording(id plugin.HandleID) *mediav1.Recording {
	u := d.user(id)
	switch {
	case u.Settings.Record == u.Call.Written:
		return nil
	case !u.Settings.Record:
		d.inCall(id, func(c *call) { c.Written = false })
		return &mediav1.Recording{}
	}
	u.Takes++
	d.put(id, u)
	d.inCall(id, func(c *call) { c.Written = true })
	other, _ := d.other(u)
	unnamed := fmt.Sprintf("videocall-%s-%s", plain(u.name()), plain(d.user(other).name()))
	switch name := u.Settings.Filename; {
	case plugin.StaysInFolder(name):
		return &mediav1.Recording{Base: name, Take: u.Takes, Unnumbered: true}
	case plugin.MayBeInFolder(name):
		return &mediav1.Recording{Base: name, Otherwise: unnamed, Take: u.Takes, Unnumbered: true}
	default:
		return &mediav1.Recording{Base: unnamed, Stamped: true, Take: u.Takes, Unnumbered: true}
	}
}

// maxPlain is how much of a username is part of a file's name, in characters: a file system has its limits.
const maxPlain = 40

// plain makes a username part of a file's name.
func plain(name string) string {
	var b strings.Builder
	for i, r := range []rune(name) {
		if i == maxPlain {
			break
		}
		if r < ' ' || strings.ContainsRune(`/\`, r) {
			r = '_'
		}
		b.WriteRune(r)
	}
	return b.String()
}
