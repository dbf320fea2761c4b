package roomstate_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/services/roomstate"
)

func TestRoomsOfTheFileAreThereWithoutTheAdminKeyAndStayAsTheyAre(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rooms.yaml")
	text := "rooms:\n  - {room: green, secret: s, publishers: 9}\n  - {room: \"1234\", description: Mine}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c := startCluster(t, 1, func(cfg *roomstate.Config) {
		cfg.RoomsFile, cfg.StringIDs, cfg.AdminKey, cfg.DemoRoom = path, true, "key", true
	})
	h := c.edge().session().attach(videoRoom)
	rooms := func() map[any]object {
		got, _ := h.send(`{"request":"list"}`)
		all := map[any]object{}
		list, _ := got["list"].([]any)
		for _, entry := range list {
			room, _ := entry.(map[string]any)
			all[room["room"]] = room
		}
		return all
	}
	for deadline := time.Now().Add(30 * time.Second); len(rooms()) < 2; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("rooms: %v", rooms())
		}
	}
	if got := rooms()["1234"]["description"]; got != "Mine" {
		t.Errorf("the demo room came before that of the file: %v", got)
	}
	if got, _ := h.send(`{"request":"edit","room":"green","secret":"s","new_publishers":4}`); got["videoroom"] != "edited" {
		t.Fatalf("edit: %v", got)
	}
	c.startReplica()
	time.Sleep(200 * time.Millisecond) // for the new one to do what it should not
	if got := fmt.Sprint(rooms()["green"]["max_publishers"]); got != "4" {
		t.Errorf("a replica that starts takes the file again: %s publishers", got)
	}
}
