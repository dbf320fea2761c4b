package plugin

import (
	"path/filepath"
	"strings"

	"github.com/cardea-rtc/cardea/proto/mediav1"
)

// StaysInFolder tells whether a recording's name is one in a node's folder of recordings, wherever that is.
func StaysInFolder(name string) bool {
	return filepath.IsLocal(name) && !strings.ContainsAny(name, "\x00\\")
}

// MayBeInFolder tells whether a recording's name is absolute: whether it is one in its folder the node knows.
func MayBeInFolder(name string) bool {
	return filepath.IsAbs(name) && !strings.ContainsAny(name, "\x00\\")
}

// Recordings are the files that are written of what a peer sends, the first of each type of media, as handle_info of EchoTest and
// VideoCall has them; nil for none.
func Recordings(peer *mediav1.DescribePeerResponse) map[string]string {
	var files map[string]string
	add := func(kind, file string) {
		if file != "" && files[kind] == "" {
			if files == nil {
				files = map[string]string{}
			}
			files[kind] = file
		}
	}
	for _, s := range peer.GetSections() {
		kind := "audio"
		if s.GetKind() == mediav1.Kind_KIND_VIDEO {
			kind = "video"
		}
		add(kind, s.GetRecording())
	}
	add("data", peer.GetData().GetRecording())
	return files
}

// Recording is the file that is written of what a peer sends in one m= section; empty for none.
func Recording(peer *mediav1.DescribePeerResponse, mid string) string {
	for _, s := range peer.GetSections() {
		if s.GetMid() == mid {
			return s.GetRecording()
		}
	}
	if d := peer.GetData(); d.GetMid() == mid {
		return d.GetRecording()
	}
	return ""
}
