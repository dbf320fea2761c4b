package videocall

import (
	"encoding/json"
	"maps"
	"slices"
)

const (
	maxName = 4096 // bytes of a name, and of a file's
	// maxUsers is how many handles the plugin keeps something of, and maxKept how many bytes of names: all of it is read
	// at once when another replica takes over.
	maxUsers = 20_000
	maxKept  = 16 << 20
	// maxList bounds an answer, in bytes: it has to fit into a message.
	maxList = 512_000
)

// full tells whether there is no room for more bytes of names.
func (d *draft) full(more int) bool {
	for _, u := range d.users {
		more += len(u.name()) + len(u.Settings.Filename)
	}
	return more > maxKept
}

// list names all who are registered, or as many as fit, and then says how many it leaves out.
func (d *draft) list() (members, *failure) {
	listed, size := []string{}, 0
	for _, name := range slices.Sorted(maps.Keys(d.names)) {
		b, _ := json.Marshal(name) // of a string: cannot fail
		if size += len(b) + 1; size > maxList {
			return members{"list": listed, "left_out": len(d.names) - len(listed)}, nil
		}
		listed = append(listed, name)
	}
	return members{"list": listed}, nil
}
