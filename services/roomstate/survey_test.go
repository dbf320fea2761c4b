package roomstate_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
)

func TestAdministratorsSeeAllRoomsAndWhoIsInThem(t *testing.T) {
	c := startCluster(t, 2)
	node := startNode(t, c.conn, "node-1")
	e := c.edge()
	al, bo := e.session().attach(videoRoom), e.session().attach(videoRoom)
	al.send(`{"request":"create","room":7,"is_private":true,"secret":"s","description":"` + strings.Repeat("ä", 200) + `"}`)
	al.send(`{"request":"join","room":7,"ptype":"publisher","id":77,"display":"Al"}`)
	al.send(`{"request":"publish"}`, "offer", "audio:opus video:vp8")
	node.up(al.id)
	al.wait(func(e *busv1.Event) bool { return e.GetWebrtcUp() != nil })
	bo.send(`{"request":"join","room":7,"ptype":"subscriber","streams":[{"feed":77}]}`)

	got, err := e.admin(0, "list_rooms", "{}")
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, item := range got["rooms"].([]any) {
		one := item.(map[string]any)
		if one["room"] != 7.0 || one["plugin"] != videoRoom {
			continue
		}
		found = true
		if one["participants"] != 1.0 || one["subscribers"] != 1.0 || jsonText(one["nodes"]) != `["node-1"]` ||
			one["description"] != strings.Repeat("ä", 100)+"…" {
			t.Errorf("room: %v", one)
		}
	}
	if !found {
		t.Errorf("no room 7 in %v", got)
	}

	info, err := e.admin(0, "room_info", `{"room":"7"}`)
	if err != nil {
		t.Fatal(err)
	}
	var who struct {
		Present []struct {
			Role    string `json:"role"`
			Session uint64 `json:"session_id"`
			Handle  uint64 `json:"handle_id"`
			ID      any    `json:"id"`
			Display string `json:"display"`
			Node    string `json:"node"`
			Up      bool   `json:"up"`
			Streams int    `json:"streams"`
		} `json:"present"`
	}
	if err := json.Unmarshal([]byte(jsonText(info)), &who); err != nil || len(who.Present) != 2 {
		t.Fatalf("got %v, %v", info, err)
	}
	if p := who.Present[0]; p.Role != "publisher" || p.ID != 77.0 || p.Display != "Al" || p.Node != "node-1" || !p.Up || p.Streams != 2 {
		t.Errorf("publisher: %+v", p)
	}
	if p := who.Present[1]; p.Role != "subscriber" || p.Session != bo.session.id || p.Handle != bo.id || p.Streams != 2 || p.Up {
		t.Errorf("subscriber: %+v", p)
	}
	e.refuses(0, "room_info", `{"room":"8"}`, fault.BadRequest, "No such room (8)")
	e.refuses(0, "room_info", `{"room":"7","plugin":"textroom"}`, fault.BadRequest, "No such room (7)")
	e.refuses(0, "room_info", `{"room":"7","plugin":"echotest"}`, fault.BadRequest, "Plugin janus.plugin.echotest has no rooms")

	detailed, err := e.admin(0, "list_sessions", `{"details":true}`)
	if err != nil {
		t.Fatal(err)
	}
	roles := 0
	for _, item := range detailed["sessions"].([]any) {
		one := item.(map[string]any)
		for _, h := range one["handles"].([]any) {
			if role := h.(map[string]any)["role"]; role == "publisher" || role == "subscriber" {
				roles++
			}
		}
	}
	if roles != 2 {
		t.Errorf("sessions: %v", detailed)
	}
}
