package transport

import (
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestOnlyAClosedSocketEndsReading(t *testing.T) {
	for _, c := range []struct {
		failure syscall.Errno
		counted uint64
		ends    bool
	}{
		{unix.ENOMEM, 1, false}, {unix.ENOBUFS, 1, false}, {unix.EIO, 1, false},
		{unix.ECONNREFUSED, 0, false}, {unix.EHOSTUNREACH, 0, false},
		{unix.EBADF, 0, true},
	} {
		r := burstReader{got: 3}
		if err := r.pass(c.failure); (err != nil) != c.ends {
			t.Errorf("%v: %v", c.failure, err)
		}
		if r.failed != c.counted || r.got != 0 {
			t.Errorf("%v: %d counted, %d datagrams", c.failure, r.failed, r.got)
		}
	}
}
