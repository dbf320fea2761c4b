package transport

import (
	"errors"

	"golang.org/x/sys/unix"
)

// segmentationOffload says that UDP_SEGMENT may be tried.
const segmentationOffload = true

// safeSegment is what any path carries unfragmented, in bytes.
const safeSegment = 1200

// refusedOffload tells a kernel or a driver that cannot split runs from other troubles. EINVAL also means segments
// above the path's MTU.
func refusedOffload(err error, segment int) bool {
	return errors.Is(err, unix.EIO) || errors.Is(err, unix.ENOPROTOOPT) || errors.Is(err, unix.EINVAL) && segment <= safeSegment
}
