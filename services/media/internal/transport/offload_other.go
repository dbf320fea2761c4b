//go:build !linux

package transport

const segmentationOffload = false

func (r *run) segmented() []byte { return nil }

func refusedOffload(error, int) bool { return true }
