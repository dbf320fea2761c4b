package roomstate_test

import (
	"fmt"
	"strings"
	"testing"
)

// Whatever a room was made with, it is in Redis, and stays until it is destroyed.
func TestRoomsOutliveEverythingButRedis(t *testing.T) {
	c := startCluster(t, 0)
	stop := c.startReplica()
	s := c.edge().session()
	video, text := s.attach(videoRoom), s.attach("janus.plugin.textroom")
	for i, permanent := range []bool{true, false} {
		got, _ := video.send(fmt.Sprintf(`{"request":"create","room":%d,"description":"Mine","permanent":%t}`, i+1, permanent))
		if got["videoroom"] != "created" || got["permanent"] != permanent {
			t.Fatalf("create: %v", got)
		}
		got, _ = text.send(fmt.Sprintf(`{"request":"create","room":%d,"permanent":%t}`, i+1, permanent))
		if got["textroom"] != "created" || got["permanent"] != permanent {
			t.Fatalf("create: %v", got)
		}
	}
	video.send(`{"request":"edit","room":2,"new_description":"Edited"}`)
	video.send(`{"request":"create","room":3,"permanent":true}`)
	video.send(`{"request":"destroy","room":3}`) // gone for good, although the request does not say permanent
	stop()

	c.startReplica()
	again := c.edge().session()
	video, text = again.attach(videoRoom), again.attach("janus.plugin.textroom")
	for room, want := range map[int]bool{1: true, 2: true, 3: false} {
		if got, _ := video.send(fmt.Sprintf(`{"request":"exists","room":%d}`, room)); got["exists"] != want {
			t.Errorf("VideoRoom %d: %v", room, got)
		}
		if got, _ := text.send(fmt.Sprintf(`{"request":"exists","room":%d}`, room)); got["exists"] != want {
			t.Errorf("TextRoom %d: %v", room, got)
		}
	}
	got, _ := video.send(`{"request":"list"}`)
	if text := fmt.Sprint(got["list"]); len(got["list"].([]any)) != 2 || !strings.Contains(text, "Mine") || !strings.Contains(text, "Edited") {
		t.Errorf("list: %v", got)
	}
}
