//go:build !linux

package transport

import (
	"errors"
	"syscall"
)

// allowTwins is refused: elsewhere the newest socket of a port gets all that arrives.
func allowTwins(syscall.RawConn) error { return errors.ErrUnsupported }
