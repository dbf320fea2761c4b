package videocall

import (
	"encoding/json"
	"maps"
	"slices"
)

const (
	maxName = 255 // bytes of a name, and of a file's
	// maxUsers is how many handles the plugin keeps something of.
	maxUsers = 20_000
	// maxList bounds an answer, in bytes: it has to fit into a message.
	maxList = 512_000
)

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
