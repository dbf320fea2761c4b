package receive

import (
	"encoding/binary"
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	batchSize   = 16      // datagrams, or runs of them, that one recvmmsg takes
	bufferSize  = 1 << 16 // of a run, in bytes: the kernel makes no longer ones
	controlSize = 128     // for a time and a size of segments
)

// batch is where recvmmsg puts what it takes.
type batch struct {
	messages [batchSize]message
	vectors  [batchSize]unix.Iovec
	names    [batchSize]unix.RawSockaddrInet4
	controls [batchSize][controlSize]byte
	buffers  [batchSize][bufferSize]byte
}

// message is struct mmsghdr.
type message struct {
	header unix.Msghdr
	length uint32
	_      [4]byte
}

func newBatch() *batch {
	b := &batch{}
	for i := range b.messages {
		b.vectors[i].Base = &b.buffers[i][0]
		b.vectors[i].SetLen(bufferSize)
		h := &b.messages[i].header
		h.Iov, h.Name, h.Control = &b.vectors[i], (*byte)(unsafe.Pointer(&b.names[i])), &b.controls[i][0]
		h.SetIovlen(1)
	}
	return b
}

// take fills the batch from a socket, without waiting.
func (b *batch) take(fd int) (n int, err error) {
	for i := range b.messages {
		h := &b.messages[i].header
		h.Namelen = unix.SizeofSockaddrInet4 // the kernel overwrites both
		h.SetControllen(controlSize)
	}
	got, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&b.messages[0])), batchSize, unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(got), nil
}

// run is what one message brought: datagrams of one sender, of one size but for the last.
type run struct {
	data    []byte
	segment int // bytes
	from    netip.AddrPort
	at      time.Time // when the kernel had it; zero if it does not say
}

func (b *batch) run(i int) run {
	name := &b.names[i]
	port := binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&name.Port))[:])
	r := run{
		data: b.buffers[i][:b.messages[i].length], segment: int(b.messages[i].length),
		from: netip.AddrPortFrom(netip.AddrFrom4(name.Addr), port),
	}
	control := b.controls[i][:b.messages[i].header.Controllen]
	for len(control) >= unix.SizeofCmsghdr {
		h := (*unix.Cmsghdr)(unsafe.Pointer(&control[0]))
		length := int(h.Len)
		if length < unix.SizeofCmsghdr || length > len(control) {
			break
		}
		value := control[unix.CmsgLen(0):length]
		switch {
		case h.Level == unix.SOL_UDP && h.Type == unix.UDP_GRO && len(value) >= 4:
			r.segment = max(int(binary.NativeEndian.Uint32(value)), 1)
		case h.Level == unix.SOL_SOCKET && h.Type == unix.SO_TIMESTAMPNS && len(value) >= 16:
			r.at = time.Unix(int64(binary.NativeEndian.Uint64(value)), int64(binary.NativeEndian.Uint64(value[8:])))
		}
		control = control[min(unix.CmsgSpace(length-unix.CmsgLen(0)), len(control)):]
	}
	return r
}
