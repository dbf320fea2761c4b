package videoroom

import (
	"path/filepath"
	"strings"
)

// harmless tells whether a recording's base name stays in the folder of recordings.
func harmless(name string) bool {
	return filepath.IsLocal(name) && !strings.ContainsAny(name, "\x00\\")
}

type recordingView struct {
	VideoRoom string `json:"videoroom"`
	Record    bool   `json:"record"`
}

// enableRecording sets the room's flag, and that of everyone in it.
func (d *draft) enableRecording() (any, *failure) {
	if f := d.looseRoomAndSecret(); f != nil {
		return nil, f
	}
	if f := d.body.check(must("record", boolean)); f != nil {
		return nil, f
	}
	record, _ := d.body.bool("record")
	if record != d.attributes.Record {
		d.settings().Record = record
		for _, p := range d.byAge() {
			d.own(p).Record = record
		}
	}
	return recordingView{"success", record}, nil
}
