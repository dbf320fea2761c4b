// Package report is what a run of the load generator has found, and how that is shown.
package report

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/cardea-rtc/cardea/tools/internal/histogram"
)

// Report is the outcome of a run. Delivery is that of the measured time, when no one joins or leaves, unless it says
// otherwise.
type Report struct {
	URL         string  `json:"url"`
	Rooms       int     `json:"rooms"`
	Publishers  int     `json:"publishers"`  // of all rooms, that sent
	Subscribers int     `json:"subscribers"` // of all rooms, that got media
	Failed      int     `json:"failed"`      // subscribers that did not
	Dropped     int     `json:"dropped"`     // publishers and subscribers whom the server gave up later
	Problem     string  `json:"problem,omitempty"`
	Seconds     float64 `json:"seconds"` // that were measured
	Interrupted bool    `json:"interrupted,omitempty"`

	Expected        uint64  `json:"expected"` // packets sent, times those who were to get them
	Received        uint64  `json:"received"` // each once
	Lost            uint64  `json:"lost"`     // not received even when a second for repair had passed
	LostBefore      uint64  `json:"lost_before"`
	Foreign         uint64  `json:"foreign"` // packets that are not of the stream in which they came, of the whole run
	DeliveredShare  float64 `json:"delivered_share"`
	PacketsPerSec   float64 `json:"packets_per_second"`
	Latency         Times   `json:"latency"`
	JoinFirstPacket Times   `json:"join_to_first_packet"`
	SendLag         Times   `json:"send_lag"`       // by how much we sent late
	ReadLag         Times   `json:"read_lag"`       // from when the kernel had a packet until we read it; no part of latency
	Overflowed      uint64  `json:"overflowed"`     // packets lost because we did not read in time
	VerifiedShare   float64 `json:"verified_share"` // of the packets, those that were decrypted and read; latency is theirs
	Renumbered      uint64  `json:"renumbered"`     // how often numbers of a stream shifted, seen at verified packets: of the whole run
	Padding         uint64  `json:"padding"`        // packets that bring nothing, but probe for bandwidth: of the whole run
	Profile         string  `json:"srtp_profile"`

	PacketsPerCall float64   `json:"packets_per_send_call,omitempty"` // of the server, if it tells
	CorePercent    float64   `json:"core_percent,omitempty"`          // how busy the server's core was with whatever
	Processes      []Process `json:"processes"`
	Load           Process   `json:"load"` // the load generator itself
}

// Times sums up durations, in milliseconds.
type Times struct {
	Count uint64  `json:"count"`
	P50   float64 `json:"p50_ms"`
	P99   float64 `json:"p99_ms"`
	Max   float64 `json:"max_ms"`
}

// TimesOf sums up h.
func TimesOf(h *histogram.Histogram) Times {
	return Times{h.Count(), milliseconds(h.Quantile(0.5)), milliseconds(h.Quantile(0.99)), milliseconds(h.Max())}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// Process is what one process used.
type Process struct {
	Name             string  `json:"name"`
	PID              int     `json:"pid"`
	Gone             bool    `json:"gone,omitempty"` // it ended during the run; nothing else is known
	CPUPercent       float64 `json:"cpu_percent"`    // of one core
	MicrosPerPacket  float64 `json:"cpu_us_per_packet"`
	RSSBefore        float64 `json:"rss_before_mib"` // with publishers, without subscribers
	RSSEnd           float64 `json:"rss_end_mib"`
	MiBPerSubscriber float64 `json:"mib_per_subscriber"`
}

// WriteFile stores r as JSON.
func (r *Report) WriteFile(name string) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encode report: %w", err)
	}
	if err := os.WriteFile(name, append(b, '\n'), 0o644); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// ReadFile reads what WriteFile wrote.
func ReadFile(name string) (*Report, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read report: %w", err)
	}
	r := &Report{}
	if err := json.Unmarshal(b, r); err != nil {
		return nil, fmt.Errorf("read report %s: %w", name, err)
	}
	return r, nil
}
