package plugin

import (
	"path/filepath"
	"strings"
)

// StaysInFolder tells whether a recording's name is one in a node's folder of recordings, wherever that is.
func StaysInFolder(name string) bool {
	return filepath.IsLocal(name) && !strings.ContainsAny(name, "\x00\\")
}

// MayBeInFolder tells whether a recording's name is absolute: whether it is one in its folder the node knows.
func MayBeInFolder(name string) bool {
	return filepath.IsAbs(name) && !strings.ContainsAny(name, "\x00\\")
}
