package transport

import (
	"encoding/binary"
	"net"
	"net/netip"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// burst is how many datagrams one recvmmsg takes.
const burst = 64

// burstReader takes all datagrams that wait, with one system call.
type burstReader struct {
	raw      syscall.RawConn
	receive  func(fd uintptr) bool
	try      func(fd uintptr)
	messages [burst]message
	vectors  [burst]unix.Iovec
	names    [burst]unix.RawSockaddrInet6
	buffers  [burst][maxRelayed + 1]byte // one more, to know what was too large
	failed   uint64                      // reads that took nothing but an error
	got      int
	failure  syscall.Errno
}

// message is struct mmsghdr.
type message struct {
	header unix.Msghdr
	length uint32
	_      [4]byte
}

func (r *burstReader) init(conn *net.UDPConn) (err error) {
	if r.raw, err = conn.SyscallConn(); err != nil {
		return err
	}
	for i := range r.messages {
		r.vectors[i].Base = &r.buffers[i][0]
		r.vectors[i].SetLen(len(r.buffers[i]))
		h := &r.messages[i].header
		h.Iov, h.Name = &r.vectors[i], (*byte)(unsafe.Pointer(&r.names[i]))
		h.SetIovlen(1)
	}
	r.receive = func(fd uintptr) bool {
		for {
			for i := range r.messages[:max(r.got, 1)] {
				r.messages[i].header.Namelen = uint32(unsafe.Sizeof(r.names[i])) // the kernel overwrites it
			}
			n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&r.messages[0])), burst, unix.MSG_DONTWAIT, 0, 0)
			if errno == unix.EINTR {
				continue
			}
			r.got, r.failure = int(n), errno
			return errno != unix.EAGAIN
		}
	}
	r.try = func(fd uintptr) { r.receive(fd) }
	for i := range r.messages {
		r.messages[i].header.Namelen = uint32(unsafe.Sizeof(r.names[i]))
	}
	return nil
}

// read waits for datagrams and returns how many came.
func (r *burstReader) read() (int, error) {
	for {
		if err := r.raw.Read(r.receive); err != nil {
			return 0, err
		}
		if r.failure == 0 {
			return r.got, nil
		}
		if err := r.pass(r.failure); err != nil {
			return 0, err
		}
	}
}

// poll returns how many have come already, of which there may be none.
func (r *burstReader) poll() int {
	if r.raw.Control(r.try) != nil || r.failure != 0 {
		r.got = 0
	}
	return r.got
}

// pass goes on after an error that leaves the socket as it was, such as the lack of memory, or an ICMP error of
// something sent earlier. It is not asked again at once: what lacks may take a while to come.
func (r *burstReader) pass(failure syscall.Errno) error {
	r.got = 0
	switch failure {
	case unix.EBADF, unix.ENOTSOCK:
		return failure
	case unix.ECONNREFUSED, unix.ENETUNREACH, unix.EHOSTUNREACH:
	default:
		r.failed++
		time.Sleep(time.Millisecond)
	}
	return nil
}

// datagram returns the i-th that read took, valid until the next read. whole is false if it was cut.
func (r *burstReader) datagram(i int) (b []byte, from netip.AddrPort, whole bool) {
	n := int(r.messages[i].length)
	name := &r.names[i]
	port := binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&name.Port))[:])
	var addr netip.Addr
	if name.Family == unix.AF_INET {
		addr = netip.AddrFrom4((*unix.RawSockaddrInet4)(unsafe.Pointer(name)).Addr)
	} else {
		addr = netip.AddrFrom16(name.Addr).Unmap()
	}
	return r.buffers[i][:n], netip.AddrPortFrom(addr, port), complete(r.buffers[i][:n])
}
