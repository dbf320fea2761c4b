package transport

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sender gives datagrams to the kernel, and never waits: if the socket's buffer is full, it says so. One goroutine at
// a time may use it.
type sender struct {
	raw      syscall.RawConn
	ipv6     bool // the socket is: IPv4 addresses are written as mapped ones
	transmit func(fd uintptr)
	header   unix.Msghdr
	vector   unix.Iovec
	name     unix.RawSockaddrInet6 // room for either kind
	failure  syscall.Errno
}

func (s *sender) init(conn *net.UDPConn) (err error) {
	if s.raw, err = conn.SyscallConn(); err != nil {
		return err
	}
	s.ipv6 = conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Is6()
	s.header.Name, s.header.Iov = (*byte)(unsafe.Pointer(&s.name)), &s.vector
	s.header.SetIovlen(1)
	s.transmit = func(fd uintptr) {
		for {
			_, _, s.failure = unix.RawSyscall(unix.SYS_SENDMSG, fd, uintptr(unsafe.Pointer(&s.header)), unix.MSG_DONTWAIT)
			if s.failure != unix.EINTR {
				return
			}
		}
	}
	return nil
}

// send sends b, which with a control message may be several datagrams.
func (s *sender) send(b, control []byte, to netip.AddrPort) error {
	s.header.Namelen = s.write(&s.name, to)
	s.vector.Base = &b[0]
	s.vector.SetLen(len(b))
	s.header.Control = nil
	if len(control) > 0 {
		s.header.Control = &control[0]
	}
	s.header.SetControllen(len(control))
	// Control, unlike Write, does not wait for others who write.
	if err := s.raw.Control(s.transmit); err != nil {
		return err
	}
	s.vector.Base, s.header.Control = nil, nil
	if s.failure != 0 {
		return s.failure
	}
	return nil
}

// write writes the socket address of to and returns its length.
func (s *sender) write(name *unix.RawSockaddrInet6, to netip.AddrPort) uint32 {
	if s.ipv6 {
		*name = unix.RawSockaddrInet6{Family: unix.AF_INET6, Addr: to.Addr().As16()}
		binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&name.Port))[:], to.Port())
		return unix.SizeofSockaddrInet6
	}
	name4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(name))
	*name4 = unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: to.Addr().As4()}
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&name4.Port))[:], to.Port())
	return unix.SizeofSockaddrInet4
}

// full tells a socket whose buffer has no room from other troubles.
func full(err error) bool { return errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.ENOBUFS) }
