package main

import (
	"strings"
	"testing"
)

func TestPacketsPerCallAreOfTheTimeBetween(t *testing.T) {
	read := func(text string) sending {
		s, err := parseSending(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	from := read("# HELP x y\ncardea_media_packets_total{direction=\"in\"} 7\ncardea_media_packets_total{direction=\"out\"} 100\ncardea_media_send_calls_total 50\n")
	to := read("cardea_media_packets_total{direction=\"out\"} 1.1e3\ncardea_media_send_calls_total 250\n")
	if got := packetsPerCall(from, to); got != 5 {
		t.Error(got)
	}
	if got := packetsPerCall(to, to); got != 0 {
		t.Error(got)
	}
}
