package videocall

import (
	"encoding/json"
	"maps"
	"slices"
)

// Names have to fit into a message, all together.
const (
	maxName  = 4096    // bytes of one
	maxNames = 512_000 // bytes of a list of all
)

// listed is what a name takes in a list.
func listed(name string) int {
	b, _ := json.Marshal(name) // of a string: cannot fail
	return len(b) + 1
}

// list names all who are registered.
func (d *draft) list() (members, *failure) {
	return members{"list": append([]string{}, slices.Sorted(maps.Keys(d.names))...)}, nil
}
