package procfs

import (
	"os"
	"strings"
	"testing"
	"time"
)

func TestStatIsReadPastAnyName(t *testing.T) {
	const rest = ` S 1 2 3 0 -1 4194560 11 0 0 0 1234 66 0 0 20 0 4 0 5551 9999 321 18446744073709551615`
	for _, name := range []string{"janus", "a b", "a) R 1 (b"} {
		cpu, err := parseStat([]byte("42 (" + name + ")" + rest + "\n"))
		if err != nil || cpu != 13*time.Second {
			t.Errorf("%q: %v, %v", name, cpu, err)
		}
	}
}

func TestMalformedFilesAreErrors(t *testing.T) {
	for _, b := range []string{"", "1 (x) S 1 2", "1 (x)" + strings.Repeat(" x", 20)} {
		if _, err := parseStat([]byte(b)); err == nil {
			t.Errorf("stat %q: no error", b)
		}
	}
	for _, b := range []string{"", "1", "1 x"} {
		if _, err := parseStatm([]byte(b), 4096); err == nil {
			t.Errorf("statm %q: no error", b)
		}
	}
}

func TestStatmCountsPages(t *testing.T) {
	if rss, err := parseStatm([]byte("900 25 3 1 0 5 0\n"), 4096); err != nil || rss != 25*4096 {
		t.Errorf("%d, %v", rss, err)
	}
}

func TestThisProcessCanBeRead(t *testing.T) {
	u, err := Read(os.Getpid())
	if err != nil || u.RSSBytes == 0 {
		t.Errorf("%+v, %v", u, err)
	}
	if name, err := Name(os.Getpid()); err != nil || name == "" {
		t.Errorf("%q, %v", name, err)
	}
	if _, err := Read(-1); err == nil {
		t.Error("there is a process -1")
	}
}

func TestOverflowsAreFoundByName(t *testing.T) {
	const snmp = "Ip: A B\nIp: 1 2\nUdp: InDatagrams RcvbufErrors SndbufErrors\nUdp: 5 7 9\nUdpLite: RcvbufErrors\nUdpLite: 3\n"
	for name, c := range map[string]struct {
		text string
		want uint64
	}{
		"as Linux has it": {snmp, 7},
		"unknown name":    {"Udp: A\nUdp: 1\n", 0},
		"cut short":       {"Udp: A RcvbufErrors\nUdp: 1\n", 0},
		"nothing":         {"", 0},
	} {
		if got := parseOverflows([]byte(c.text)); got != c.want {
			t.Errorf("%s: %d", name, got)
		}
	}
}

func TestBusyTimeOfACoreIsAllButIdle(t *testing.T) {
	const stat = "cpu  9 9 9 9 9 9 9 9\ncpu1 1 2 3 1000 1000 4 5 6 0 0\n"
	if got := parseCoreBusy([]byte(stat), 1); got != 150*time.Millisecond {
		t.Error(got)
	}
	if got := parseCoreBusy([]byte(stat), 0); got != 0 {
		t.Error(got)
	}
}
