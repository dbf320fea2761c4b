package transport

import (
	"encoding/binary"
	"net"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// batchSender gives a batch to the kernel with one system call (sendmmsg), and never waits.
type batchSender struct {
	one      sender // how addresses are written, and what is left where the kernel knows no sendmmsg
	transmit func(fd uintptr)
	messages [maxRuns]message
	vectors  [maxRuns]unix.Iovec
	names    [maxRuns]unix.RawSockaddrInet6
	controls [maxRuns][24]byte // that say how a run is split
	from, to int               // the messages to be sent
	taken    int
	failure  syscall.Errno
	missing  bool // the kernel has no sendmmsg
}

func (s *batchSender) init(conn *net.UDPConn) error {
	if err := s.one.init(conn); err != nil {
		return err
	}
	for i := range s.messages {
		h := &s.messages[i].header
		h.Name, h.Iov = (*byte)(unsafe.Pointer(&s.names[i])), &s.vectors[i]
		h.SetIovlen(1)
	}
	s.transmit = func(fd uintptr) {
		for {
			n, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&s.messages[s.from])),
				uintptr(s.to-s.from), unix.MSG_DONTWAIT, 0, 0)
			if errno == unix.EINTR {
				continue
			}
			if s.failure = errno; errno == 0 {
				s.taken = int(n)
			}
			return
		}
	}
	return nil
}

// prepare makes messages of the runs.
func (s *batchSender) prepare(b *batch) {
	for i := range b.runs[:b.count] {
		r, h := &b.runs[i], &s.messages[i].header
		h.Namelen = s.one.write(&s.names[i], r.to)
		s.vectors[i].Base = &b.bytes[r.start]
		s.vectors[i].SetLen(r.length)
		h.Control = nil
		h.SetControllen(0)
		if r.count > 1 {
			control := segmented(&s.controls[i], r.segment)
			h.Control = &control[0]
			h.SetControllen(len(control))
		}
	}
}

// send sends the runs from one on, and returns how many went. It stops at the first that did not, for the reason given.
// prepare must have been called.
func (s *batchSender) send(b *batch, from int) (sent int, err error) {
	if s.missing {
		return s.sendOne(b, from)
	}
	s.from, s.to, s.taken = from, b.count, 0
	// Control, unlike Write, does not wait for others who write.
	if err := s.one.raw.Control(s.transmit); err != nil {
		return 0, err
	}
	switch s.failure {
	case 0:
		return s.taken, nil
	case unix.ENOSYS:
		s.missing = true
		return s.sendOne(b, from)
	}
	return 0, s.failure
}

func (s *batchSender) sendOne(b *batch, i int) (sent int, err error) {
	var control []byte
	if r := &b.runs[i]; r.count > 1 {
		control = segmented(&s.controls[i], r.segment)
	}
	if err := s.one.send(b.data(&b.runs[i]), control, b.runs[i].to); err != nil {
		return 0, err
	}
	return 1, nil
}

// segmented writes the control message by which the kernel splits a run into datagrams.
func segmented(room *[24]byte, size int) []byte {
	h := (*unix.Cmsghdr)(unsafe.Pointer(&room[0]))
	h.Level, h.Type = unix.SOL_UDP, unix.UDP_SEGMENT
	h.SetLen(unix.CmsgLen(2))
	binary.NativeEndian.PutUint16(room[unix.CmsgLen(0):], uint16(size))
	return room[:unix.CmsgSpace(2)]
}
