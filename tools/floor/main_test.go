package main

import (
	"bytes"
	"encoding/json"
	"net"
	"testing"
	"time"
)

func TestEachWayOfSendingHasACost(t *testing.T) {
	var out bytes.Buffer
	if err := measure("127.0.0.1", 20*time.Millisecond, &out); err != nil {
		t.Fatal(err)
	}
	var costs map[string]map[string]float64
	if err := json.Unmarshal(out.Bytes(), &costs); err != nil {
		t.Fatal(err)
	}
	for _, way := range []string{"encryption", "sendto", "sendmmsg", "segmented"} {
		if costs[way]["flat_out"] <= 0 || costs[way]["paced"] <= 0 {
			t.Errorf("%s: %v", way, costs[way])
		}
	}
}

func TestAllPacketsLeave(t *testing.T) {
	l, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: firstPort + 7})
	if err != nil {
		t.Skip("the port is taken: ", err)
	}
	defer l.Close()
	s, err := newSender([4]byte{127, 0, 0, 1})
	if err != nil {
		t.Fatal(err)
	}
	for name, round := range map[string]func() (int, error){"sendto": s.sendto, "sendmmsg": s.sendmmsg, "segmented": s.segmented} {
		n, err := round()
		if err != nil || n != destinations*runLength {
			t.Errorf("%s: %d, %v", name, n, err)
		}
		_ = l.SetReadDeadline(time.Now().Add(10 * time.Second))
		for i, b := 0, make([]byte, 2000); i < runLength; i++ {
			if n, err := l.Read(b); err != nil || n != packetBytes {
				t.Errorf("%s: packet %d is of %d bytes, %v", name, i, n, err)
			}
		}
	}
}
