package talk

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// comparable makes a message independent of the server that sent it: ids that it chose become names, and an SDP
// becomes what it negotiates.
func (p *player) comparable(raw json.RawMessage) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, fmt.Errorf("decode %s: %w", raw, err)
	}
	return p.rename(v), nil
}

func (p *player) rename(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, member := range v {
			switch key {
			case "reason":
				v[key] = p.rename(member)
				if text, ok := v[key].(string); ok && strings.HasPrefix(text, unparsable) {
					v[key] = unparsable // the rest is the words of a JSON parser
				}
			case "sdp":
				v[key] = summarize(fmt.Sprint(member))
			case "private_id":
				v[key] = "$private_id"
			case "date":
				v[key] = shape(fmt.Sprint(member))
			case "stream_id", "audio_stream_id", "video_stream_id", "data_stream_id", "local_rtcp_port":
				if n, ok := member.(json.Number); ok && len(n) > 2 { // drawn, not given
					v[key] = "$" + key
				}
			case "participants", "publishers", "attendees", "list", "forwarders", "allowed":
				// Janus lists them in the order of a hash table.
				if list, ok := p.rename(member).([]any); ok {
					if key == "list" {
						list = slices.DeleteFunc(list, p.foreign)
						v[key] = list
					}
					sortByText(list)
				}
			default:
				v[key] = p.rename(member)
			}
		}
		nameDrawn(v)
		if _, ok := v["rtcp_port"]; ok && v["videoroom"] == "success" { // of a remote publisher
			v["port"], v["rtcp_port"] = "$port", "$rtcp_port"
		}
	case []any:
		for i := range v {
			v[i] = p.rename(v[i])
		}
	case string:
		if p.dummy != "" {
			v = strings.ReplaceAll(v, p.dummy, "$dummy")
		}
		for id, name := range p.names {
			v = strings.ReplaceAll(v, strconv.FormatUint(id, 10), name)
		}
		return v
	case json.Number:
		if n, err := v.Int64(); err == nil {
			if name, ok := p.names[uint64(n)]; ok {
				return name
			}
		}
	}
	return v
}

// foreign tells whether what a list names, a room or a user, is of another conversation, which is played at the same time.
func (p *player) foreign(listed any) bool {
	key, id := "username", listed
	if object, ok := listed.(map[string]any); ok {
		if id, ok = object["room"]; !ok {
			return false // of something within a room
		}
		key = "room"
	}
	named := regexp.MustCompile(regexp.QuoteMeta(`"`+key+`":`+text(id)) + `[,}]`)
	return !named.MatchString(p.conversation)
}

// unparsable begins the error about a message that is not JSON.
const unparsable = "Invalid Janus API request"

// leastDrawn is more than any id that a conversation asks for, so that what is above it was drawn by the server.
const leastDrawn = 1 << 33

// nameDrawn replaces the ids of rooms and feeds that the server has chosen itself.
func nameDrawn(v map[string]any) {
	for _, key := range []string{"room", "id", "feed_id", "leaving", "unpublished", "kicked"} {
		switch id := v[key].(type) {
		case json.Number:
			if n, err := id.Int64(); err == nil && n >= leastDrawn {
				v[key] = "$drawn"
			}
		case string:
			if len(id) == 36 && strings.Count(id, "-") == 4 {
				v[key] = "$drawn"
			}
		}
	}
	if text, ok := v["description"].(string); ok && v["videoroom"] == "joined" && strings.HasPrefix(text, "Room ") && len(text) > 14 {
		v["description"] = "Room $drawn"
	}
}

// summarize keeps of an SDP what an endpoint's application can see of a negotiation: for each m= section its kind,
// mid, direction, codecs, and whether it is refused.
func summarize(sdp string) any {
	all := []any{}
	for _, s := range sections(sdp) {
		all = append(all, map[string]any{
			"kind": s.kind, "mid": s.mid, "direction": s.direction, "refused": s.refused, "codecs": s.codecs,
		})
	}
	return all
}

// section is an m= section.
type section struct {
	kind, mid, direction string
	refused              bool
	codecs               []string
}

func sections(sdp string) []section {
	var all []section
	for line := range strings.SplitSeq(sdp, "\n") {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "m=") {
			words := strings.Fields(line[2:])
			all = append(all, section{kind: words[0], refused: len(words) > 1 && words[1] == "0", codecs: []string{}})
			continue
		}
		if len(all) == 0 {
			continue
		}
		s := &all[len(all)-1]
		switch {
		case strings.HasPrefix(line, "a=mid:"):
			s.mid = line[len("a=mid:"):]
		case line == "a=sendrecv", line == "a=sendonly", line == "a=recvonly", line == "a=inactive":
			s.direction = line[2:]
		case strings.HasPrefix(line, "a=rtpmap:"):
			_, codec, _ := strings.Cut(line, " ")
			s.codecs = append(s.codecs, strings.ToLower(codec))
		}
	}
	return all
}

// shape makes each digit of a time a 0.
func shape(date string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return '0'
		}
		return r
	}, date)
}

func sortByText(messages []any) {
	slices.SortStableFunc(messages, func(a, b any) int { return strings.Compare(text(a), text(b)) })
}

func text(v any) string {
	b, _ := json.Marshal(v) // of what was decoded from JSON: cannot fail
	return string(b)
}

// Differences compares what two servers said in the same conversation, field by field. A difference is a line such
// as "al.pub {…} | al 1 plugindata.data.room: 5 ≠ 6".
func Differences(want, got []Step) []string {
	var out []string
	for i := range max(len(want), len(got)) {
		switch {
		case i >= len(got):
			out = append(out, want[i].Line+" | not reached")
			return out
		case i >= len(want):
			out = append(out, got[i].Line+" | not reached by the first")
			return out
		}
		for _, name := range names(want[i], got[i]) {
			for j, p := range pair(want[i].Heard[name], got[i].Heard[name]) {
				where := fmt.Sprintf("%s | %s %d ", want[i].Line, name, j)
				switch {
				case p.a == nil:
					out = append(out, where+"only the second: "+text(p.b))
				case p.b == nil:
					out = append(out, where+"only the first: "+text(p.a))
				default:
					diff(p.a, p.b, where, "", &out)
				}
			}
		}
	}
	return out
}

// messages are what one server and the other said; nil for nothing.
type messages struct{ a, b any }

// pair finds for each message its likeliest partner: an equal one, else one of the same kind, from the same handle.
func pair(a, b []any) []messages {
	var out []messages
	b = slices.Clone(b)
	take := func(x any, alike func(any) string) bool {
		for i, y := range b {
			if y != nil && alike(x) == alike(y) {
				out = append(out, messages{x, y})
				b[i] = nil
				return true
			}
		}
		return false
	}
	var rest []any
	for _, x := range a {
		if !take(x, text) {
			rest = append(rest, x)
		}
	}
	for _, x := range rest {
		if !take(x, kind) {
			out = append(out, messages{x, nil})
		}
	}
	for _, y := range b {
		if y != nil {
			out = append(out, messages{nil, y})
		}
	}
	return out
}

func kind(v any) string {
	m, _ := v.(map[string]any)
	of := fmt.Sprint(m["janus"], m["sender"], m["transaction"] != nil)
	if m["janus"] == "media" { // of each m= section, and of its beginning and its end
		of += fmt.Sprint(m["mid"], m["receiving"])
	}
	return of
}

func names(a, b Step) []string {
	var all []string
	for name := range a.Heard {
		all = append(all, name)
	}
	for name := range b.Heard {
		if !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}

func diff(a, b any, where, path string, out *[]string) {
	am, aIsMap := a.(map[string]any)
	bm, bIsMap := b.(map[string]any)
	if aIsMap && bIsMap {
		var keys []string
		for k := range am {
			keys = append(keys, k)
		}
		for k := range bm {
			if _, ok := am[k]; !ok {
				keys = append(keys, k)
			}
		}
		slices.Sort(keys)
		for _, k := range keys {
			av, inA := am[k]
			bv, inB := bm[k]
			switch {
			case !inA:
				*out = append(*out, where+path+k+": only the second: "+text(bv))
			case !inB:
				*out = append(*out, where+path+k+": only the first: "+text(av))
			default:
				diff(av, bv, where, path+k+".", out)
			}
		}
		return
	}
	al, aIsList := a.([]any)
	bl, bIsList := b.([]any)
	if aIsList && bIsList && len(al) == len(bl) {
		for i := range al {
			diff(al[i], bl[i], where, fmt.Sprintf("%s%d.", path, i), out)
		}
		return
	}
	if text(a) != text(b) {
		*out = append(*out, where+strings.TrimSuffix(path, ".")+": "+text(a)+" ≠ "+text(b))
	}
}
