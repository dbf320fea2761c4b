// Package nextcloud runs Debian's nextcloud-spreed-signaling before a Janus server, with as much of a Nextcloud behind
// it as it asks for: everybody may come, and everybody in a room is in its call.
package nextcloud

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/cardea-rtc/cardea/e2e/internal/proc"
)

const secret = "the secret that both share"

// Server is the signalling server.
type Server struct {
	URL     string // of its WebSocket
	Backend string // address that its clients name as their Nextcloud's
	api     string
	cloud   string
}

// Start runs both until the test ends.
func Start(t testing.TB, janus string) *Server {
	t.Helper()
	cloud := httptest.NewServer(http.HandlerFunc(answer))
	t.Cleanup(cloud.Close)
	address := proc.FreeTCP(t)
	path := filepath.Join(t.TempDir(), "server.conf")
	config := fmt.Sprintf("[http]\nlisten = %s\n[sessions]\nhashkey = 01234567890123456789012345678901\nblockkey = 0123456789012345\n"+
		"[backend]\nbackends = cloud\nallowhttp = true\n[cloud]\nurl = %s/\nsecret = %s\n[nats]\nurl = :loopback:\n[mcu]\ntype = janus\nurl = %s\n",
		address, cloud.URL, secret, janus)
	if err := os.WriteFile(path, []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	proc.Start(t, "nextcloud-spreed-signaling", "nextcloud-spreed-signaling-server", "--config", path).WaitTCP(t, address)
	return &Server{
		URL: "ws://" + address + "/spreed", Backend: cloud.URL + "/ocs/v2.php/apps/spreed/api/v3/signaling/backend",
		api: "http://" + address + "/api/v1", cloud: cloud.URL + "/",
	}
}

// answer is the Nextcloud's.
func answer(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var data any
	if r.Method == http.MethodGet { // capabilities
		data = map[string]any{"capabilities": map[string]any{"spreed": map[string]any{"features": []string{"signaling-v3"}}}}
	} else {
		if got := r.Header.Get("Spreed-Signaling-Checksum"); got != checksum(r.Header.Get("Spreed-Signaling-Random"), body) {
			http.Error(w, "wrong checksum", http.StatusForbidden)
			return
		}
		var request struct {
			Type string
			Auth struct {
				Params struct{ UserID string }
			}
			Room struct{ RoomID string }
		}
		if err := json.Unmarshal(body, &request); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		said := map[string]any{"version": "1.0", "roomid": request.Room.RoomID}
		if request.Type == "auth" {
			said = map[string]any{"version": "1.0", "userid": request.Auth.Params.UserID}
		}
		data = map[string]any{"type": request.Type, request.Type: said}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"ocs": map[string]any{"meta": map[string]any{"status": "ok", "statuscode": 200}, "data": data}})
}

// InCall tells the signalling server which of a room's participants, by the ids that Nextcloud gave them, are in its call.
func (s *Server) InCall(t testing.TB, room string, participants ...string) {
	t.Helper()
	const audioAndVideo = 7 // with the flag that says in the call
	var users []map[string]any
	for _, p := range participants {
		users = append(users, map[string]any{"sessionId": p, "inCall": audioAndVideo})
	}
	body, err := json.Marshal(map[string]any{"type": "incall", "incall": map[string]any{"incall": audioAndVideo, "changed": users, "users": users}})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.api+"/room/"+room, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	random := rand.Text() + rand.Text()
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Spreed-Signaling-Random", random)
	req.Header.Set("Spreed-Signaling-Checksum", checksum(random, body))
	req.Header.Set("Spreed-Signaling-Backend", s.cloud)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
		t.Fatalf("in call: %s %s", resp.Status, b)
	}
}

func checksum(random string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(random))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}
