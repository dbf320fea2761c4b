package jcfg

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// isCodecs are the keys of rooms that are lists of codecs, and what may be in them.
var isCodecs = map[string][]string{
	"audiocodec": {"opus", "multiopus", "isac32", "isac16", "pcmu", "pcma", "g722", "l16", "l16-48"},
	"videocodec": {"vp8", "vp9", "h264", "av1", "h265"},
}

// needs is what has to be set for a key of a room.
var needs = map[string]string{
	"signed_tokens": "roomstate does not start with this room unless its --token-secret-file is set",
	"post":          "roomstate does not start with this room unless its --text-post-allow names where that is",
}

// needed is what has to be set for a value of a room, empty for nothing.
func needed(key string, value any) string {
	if value == false || value == "false" { // as it is, or as the rooms file has it
		return ""
	}
	return needs[key]
}

// codecs leaves out of a list what is no codec, as Janus does, and says so. It returns false if none is left: the default counts.
func (r *Result) codecs(file, name string, s Setting, list string) (string, bool) {
	known := r.sifted(file, name, s, strings.ToLower(list), "codec that it may have", func(codec string) bool {
		return slices.Contains(isCodecs[s.Name], codec)
	})
	if known == "" {
		r.gone(file, s.Line, name, "it names no codec: the default counts")
	}
	return known, known != ""
}

// addresses leaves out of a list what is no address, likewise.
func (r *Result) addresses(file, name string, s Setting, list string) (string, bool) {
	known := r.sifted(file, name, s, list, "address", func(address string) bool {
		_, err := netip.ParseAddr(address)
		return err == nil
	})
	if known == "" {
		r.gone(file, s.Line, name, "it names no address")
	}
	return known, known != ""
}

// sifted is of a list what fits. All else is said to be left out.
func (r *Result) sifted(file, name string, s Setting, list, what string, fits func(one string) bool) string {
	var known []string
	for one := range strings.SplitSeq(list, ",") {
		if fits(one) {
			known = append(known, one)
		} else if one != "" {
			r.gone(file, s.Line, name, fmt.Sprintf("%q is no %s; Janus passes it over too", one, what))
		}
	}
	return strings.Join(known, ",")
}

// unsound tells what there is against one key of a room.
func (r *Result) unsound(list string, id any, key string, value any, usable bool) error {
	if r.Check == nil || !usable {
		return nil
	}
	_, err := r.Check(list, map[string]any{"room": id, key: value})
	return err
}

// fits tells whether the rooms file can have a room, and if not, says why.
func (r *Result) fits(file, list string, g Setting, room map[string]any) bool {
	if r.Check == nil {
		return true
	}
	name, err := r.Check(list, room)
	if err == nil && r.names[list+" "+name] {
		err = fmt.Errorf("room %v is there already", room["room"])
	}
	if err == nil && len(r.Rooms[list]) > 0 && fmt.Sprintf("%T", r.Rooms[list][0]["room"]) != fmt.Sprintf("%T", room["room"]) {
		err = errors.New("string_ids is not what it is for the rooms before it")
	}
	if err != nil {
		r.gone(file, g.Line, g.Name, fmt.Sprintf("the room is left out: %v", err))
		return false
	}
	if r.names == nil {
		r.names = map[string]bool{}
	}
	r.names[list+" "+name] = true
	return true
}
