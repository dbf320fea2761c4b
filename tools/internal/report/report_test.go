package report

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

var sample = &Report{
	URL: "ws://127.0.0.1:8188/", Rooms: 1, Publishers: 1, Subscribers: 100, Seconds: 30,
	Expected: 700_000, Received: 699_993, Lost: 7, DeliveredShare: 0.99999, PacketsPerSec: 23333.1,
	Latency: Times{699_993, 0.4, 3.25, 9}, JoinFirstPacket: Times{100, 45, 1050, 1060},
	Processes: []Process{{Name: "janus", PID: 42, CPUPercent: 40, MicrosPerPacket: 17.1, RSSBefore: 20, RSSEnd: 50, MiBPerSubscriber: 0.3}},
	Load:      Process{Name: "loadtest", CPUPercent: 70},
}

func TestTableSaysWhatWasFound(t *testing.T) {
	var b strings.Builder
	if err := sample.Print(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"delivered             99.9990 % of 700000 packets, 23333 a second\n",
		"lost                  7; while subscribers joined 0\n",
		"one-way latency       p50 0.40 ms, p99 3.25 ms, max 9.00 ms\n",
		"janus                 CPU 40.0 %, RSS 50.0 MiB, was 20.0; 17.10 CPU µs a packet, 0.300 MiB a subscriber\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no line %q in\n%s", want, b.String())
		}
	}
	for _, unwanted := range []string{"trouble", "foreign", "interrupted"} {
		if strings.Contains(b.String(), unwanted) {
			t.Errorf("%q in\n%s", unwanted, b.String())
		}
	}
}

func TestReportsAreReadAsWritten(t *testing.T) {
	name := filepath.Join(t.TempDir(), "report.json")
	if err := sample.WriteFile(name); err != nil {
		t.Fatal(err)
	}
	got, err := ReadFile(name)
	if err != nil || !reflect.DeepEqual(got, sample) {
		t.Errorf("%+v, %v", got, err)
	}
}
