// Package procfs reads from /proc what a process has used.
package procfs

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Usage is what a process has used at one moment.
type Usage struct {
	CPU      time.Duration // user and system, of all its threads since it began; known to 10 ms
	RSSBytes uint64        // memory that is resident
}

// ticksPerSecond is the unit of times in /proc, USER_HZ: 100 on all that Go runs on.
const ticksPerSecond = 100

// Read looks up a process.
func Read(pid int) (Usage, error) {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return Usage{}, fmt.Errorf("process %d: %w", pid, err)
	}
	statm, err := os.ReadFile(filepath.Join(dir, "statm"))
	if err != nil {
		return Usage{}, fmt.Errorf("process %d: %w", pid, err)
	}
	var u Usage
	if u.CPU, err = parseStat(stat); err != nil {
		return Usage{}, fmt.Errorf("process %d: %w", pid, err)
	}
	if u.RSSBytes, err = parseStatm(statm, os.Getpagesize()); err != nil {
		return Usage{}, fmt.Errorf("process %d: %w", pid, err)
	}
	return u, nil
}

// CoreBusy returns how long a core has not been idle since the machine began, interrupts included; 0 if that is not known.
func CoreBusy(core int) time.Duration {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	return parseCoreBusy(b, core)
}

// parseCoreBusy reads the line of a core (proc_stat(5)): user, nice, system, idle, iowait, irq, softirq, …
func parseCoreBusy(b []byte, core int) time.Duration {
	for line := range strings.Lines(string(b)) {
		words := strings.Fields(line)
		if len(words) < 8 || words[0] != "cpu"+strconv.Itoa(core) {
			continue
		}
		var ticks uint64
		for _, i := range []int{1, 2, 3, 6, 7} {
			n, _ := strconv.ParseUint(words[i], 10, 64)
			ticks += n
		}
		return time.Duration(ticks) * (time.Second / ticksPerSecond)
	}
	return 0
}

// Name returns the name of a process's program, which Linux cuts off at 15 bytes.
func Name(pid int) (string, error) {
	comm, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "comm"))
	if err != nil {
		return "", fmt.Errorf("process %d: %w", pid, err)
	}
	return strings.TrimSpace(string(comm)), nil
}

// parseStat reads utime and stime, fields 14 and 15 of proc_pid_stat(5). The second field, the name in parentheses, may
// itself hold spaces and parentheses.
func parseStat(b []byte) (time.Duration, error) {
	fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:]) // from the third on
	if len(fields) < 13 {
		return 0, fmt.Errorf("stat has too few fields: %.100q", b)
	}
	var ticks uint64
	for _, field := range fields[11:13] {
		n, err := strconv.ParseUint(string(field), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("stat: %w", err)
		}
		ticks += n
	}
	return time.Duration(ticks) * (time.Second / ticksPerSecond), nil
}

// parseStatm reads the resident pages, field 2 of proc_pid_statm(5).
func parseStatm(b []byte, pageBytes int) (uint64, error) {
	fields := bytes.Fields(b)
	if len(fields) < 2 {
		return 0, fmt.Errorf("statm has too few fields: %.100q", b)
	}
	pages, err := strconv.ParseUint(string(fields[1]), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("statm: %w", err)
	}
	return pages * uint64(pageBytes), nil
}

// UDPOverflows returns how many datagrams sockets of this network namespace had no room for since it began; 0 if that
// is not known.
func UDPOverflows() uint64 {
	b, err := os.ReadFile("/proc/self/net/snmp")
	if err != nil {
		return 0
	}
	return parseOverflows(b)
}

// parseOverflows reads RcvbufErrors of two lines that begin with Udp: one of names, one of values.
func parseOverflows(b []byte) uint64 {
	var names []string
	for line := range strings.Lines(string(b)) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || words[0] != "Udp:":
		case names == nil:
			names = words
		default:
			i := slices.Index(names, "RcvbufErrors")
			if i < 0 || i >= len(words) {
				return 0
			}
			n, _ := strconv.ParseUint(words[i], 10, 64)
			return n
		}
	}
	return 0
}
