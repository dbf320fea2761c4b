// Package version tells which commit a program was built from.
package version

import "runtime/debug"

// Commit and Time, which is when the commit was made (RFC 3339), are set when images are built, in which there is no repository that the
// Go tool could ask.
var Commit, Time string

// Revision is the commit, and empty if it is not known.
func Revision() string {
	if Commit != "" {
		return Commit
	}
	return Noted("vcs.revision")
}

// Committed is when the commit was made, RFC 3339, and empty if it is not known.
func Committed() string {
	if Time != "" {
		return Time
	}
	return Noted("vcs.time")
}

// Noted is what the Go tool noted of the build under a key, as debug.BuildSetting has them; empty for nothing.
func Noted(key string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}
