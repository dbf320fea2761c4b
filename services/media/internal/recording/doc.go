// Package recording writes streams to files in Janus's MJR format, one for each (spec/videoroom.md, section 13).
//
// Whoever has packets hands them to a Recorder and never waits: a goroutine of the Recorder's own writes them. What the
// disk does not take in time is dropped and counted; where it takes nothing any more the recording ends, with a line in
// the log, and nothing else does. All files are within one folder, whatever names say.
package recording
