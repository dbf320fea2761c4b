package jcfg

import (
	"path/filepath"
	"slices"
	"strings"
)

// File is a kind of configuration file.
type File struct {
	Name     string // of Janus's
	Keys     []Key
	Rooms    string            // what the rooms file calls the list of its rooms; empty if it has none
	RoomKeys map[string]byte   // of a room: those that keep their name and meaning, each with its type
	RoomGone map[string]string // those that are not taken, and why
}

// Files are those that are known.
var Files = []File{
	{Name: "janus.jcfg", Keys: CoreKeys},
	{Name: "janus.plugin.videoroom.jcfg", Keys: VideoRoomKeys, Rooms: "rooms", RoomKeys: RoomKeys, RoomGone: RoomGone},
	{Name: "janus.plugin.textroom.jcfg", Keys: TextRoomKeys, Rooms: "textrooms", RoomKeys: TextKeys},
	{Name: "janus.plugin.videocall.jcfg", Keys: SmallPluginKeys},
	{Name: "janus.plugin.echotest.jcfg", Keys: SmallPluginKeys},
	{Name: "janus.transport.http.jcfg", Keys: HTTPKeys},
	{Name: "janus.transport.websockets.jcfg", Keys: WebSocketsKeys},
	{Name: "janus.eventhandler.sampleevh.jcfg", Keys: SampleHandlerKeys},
}

// foreign tells whether a file of Janus's is about something that Cardea does not have.
func foreign(path string) bool {
	base := filepath.Base(path)
	known := slices.ContainsFunc(Files, func(f File) bool { return f.Name == base })
	return strings.HasPrefix(base, "janus.") && strings.HasSuffix(base, ".jcfg") && !known
}

// fileOf is what a file is by its name, or else by what it has: groups of janus.jcfg, or rooms.
func fileOf(path string, groups Group) *File {
	for i := range Files {
		if Files[i].Name == filepath.Base(path) {
			return &Files[i]
		}
	}
	if isVideoRoom(groups) {
		return &Files[1]
	}
	return &Files[0]
}
