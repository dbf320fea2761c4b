//go:build !linux

package transport

import (
	"errors"
	"net"
)

const segmentationOffload = false

func (r *run) send(*net.UDPConn) error { return errors.ErrUnsupported }

func refusedOffload(error, int) bool { return true }
