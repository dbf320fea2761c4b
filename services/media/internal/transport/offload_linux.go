package transport

import (
	"encoding/binary"
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// segmentationOffload says that UDP_SEGMENT may be tried.
const segmentationOffload = true

// segmented is the control message by which the kernel splits the run into datagrams.
func (r *run) segmented() []byte {
	h := (*unix.Cmsghdr)(unsafe.Pointer(&r.control[0]))
	h.Level, h.Type = unix.SOL_UDP, unix.UDP_SEGMENT
	h.SetLen(unix.CmsgLen(2))
	binary.NativeEndian.PutUint16(r.control[unix.CmsgLen(0):], uint16(r.segment))
	return r.control[:unix.CmsgSpace(2)]
}

// safeSegment is what any path carries unfragmented, in bytes.
const safeSegment = 1200

// refusedOffload tells a kernel or a driver that cannot split runs from other troubles. EINVAL also means segments
// above the path's MTU.
func refusedOffload(err error, segment int) bool {
	return errors.Is(err, unix.EIO) || errors.Is(err, unix.ENOPROTOOPT) || errors.Is(err, unix.EINVAL) && segment <= safeSegment
}
