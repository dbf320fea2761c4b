package transport

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// allowTwins lets other sockets of this user have the same port (SO_REUSEPORT).
func allowTwins(c syscall.RawConn) error {
	var refused error
	err := c.Control(func(fd uintptr) { refused = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) })
	return errors.Join(err, refused)
}
