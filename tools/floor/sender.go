package main

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	headerBytes = 12 // RTP's
	sendBuffer  = 4 << 20
	keyBytes    = 32 // of AEAD_AES_256_GCM
)

// sender sends rounds of packets to all destinations.
type sender struct {
	fd       int
	gcm      cipher.AEAD
	nonce    []byte
	plain    []byte
	packets  [destinations][]byte // room for a run
	names    [destinations]unix.RawSockaddrInet4
	vectors  [destinations]unix.Iovec
	messages [destinations]message
	control  []byte // UDP_SEGMENT
}

// message is struct mmsghdr.
type message struct {
	header unix.Msghdr
	length uint32
	_      [4]byte
}

func newSender(to [4]byte) (*sender, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return nil, fmt.Errorf("open socket: %w", err)
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, sendBuffer)
	block, err := aes.NewCipher(make([]byte, keyBytes))
	if err != nil {
		return nil, fmt.Errorf("AES: %w", err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("GCM: %w", err)
	}
	s := &sender{fd: fd, gcm: gcm, nonce: make([]byte, gcm.NonceSize()), plain: make([]byte, packetBytes-headerBytes-gcm.Overhead())}
	for i := range destinations {
		s.packets[i] = make([]byte, 0, runLength*packetBytes)
		s.names[i] = unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: to}
		binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&s.names[i].Port))[:], uint16(firstPort+i))
	}
	s.control = make([]byte, unix.CmsgSpace(2))
	h := (*unix.Cmsghdr)(unsafe.Pointer(&s.control[0]))
	h.Level, h.Type = unix.SOL_UDP, unix.UDP_SEGMENT
	h.SetLen(unix.CmsgLen(2))
	binary.NativeEndian.PutUint16(s.control[unix.CmsgLen(0):], packetBytes)
	return s, nil
}

// seal makes n encrypted packets for destination i.
func (s *sender) seal(i, n int) {
	out := s.packets[i][:0]
	for range n {
		start := len(out)
		out = out[:start+headerBytes]
		out = s.gcm.Seal(out, s.nonce, s.plain, out[start:])
		binary.BigEndian.PutUint64(s.nonce, binary.BigEndian.Uint64(s.nonce)+1)
	}
	s.packets[i] = out
}

func (s *sender) encrypt() (int, error) {
	for i := range destinations {
		s.seal(i, runLength)
	}
	return destinations * runLength, nil
}

func (s *sender) sendto() (int, error) {
	for range runLength {
		for i := range destinations {
			s.seal(i, 1)
			b := s.packets[i]
			_, _, errno := unix.Syscall6(unix.SYS_SENDTO, uintptr(s.fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), 0,
				uintptr(unsafe.Pointer(&s.names[i])), unix.SizeofSockaddrInet4)
			if errno != 0 {
				return 0, fmt.Errorf("sendto: %w", errno)
			}
		}
	}
	return destinations * runLength, nil
}

func (s *sender) sendmmsg() (int, error) {
	for range runLength {
		for i := range destinations {
			s.seal(i, 1)
			s.prepare(i, nil)
		}
		if err := s.sendAll(); err != nil {
			return 0, err
		}
	}
	return destinations * runLength, nil
}

func (s *sender) segmented() (int, error) {
	for i := range destinations {
		s.seal(i, runLength)
		s.prepare(i, s.control)
	}
	return destinations * runLength, s.sendAll()
}

func (s *sender) prepare(i int, control []byte) {
	b := s.packets[i]
	s.vectors[i].Base = &b[0]
	s.vectors[i].SetLen(len(b))
	h := &s.messages[i].header
	*h = unix.Msghdr{Name: (*byte)(unsafe.Pointer(&s.names[i])), Namelen: unix.SizeofSockaddrInet4, Iov: &s.vectors[i]}
	h.SetIovlen(1)
	if control != nil {
		h.Control = &control[0]
		h.SetControllen(len(control))
	}
}

func (s *sender) sendAll() error {
	for at := 0; at < destinations; {
		n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&s.messages[at])), uintptr(destinations-at), 0, 0, 0)
		if errno != 0 {
			return fmt.Errorf("sendmmsg: %w", errno)
		}
		at += int(n)
	}
	return nil
}
