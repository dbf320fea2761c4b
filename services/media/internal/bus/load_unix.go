//go:build unix

package bus

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// cpuTime is what the process has used so far, over all cores.
func cpuTime() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// cores is what the process may use.
func cores() float64 { return float64(runtime.GOMAXPROCS(0)) }
