//go:build compose

package e2e

import (
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/e2e/internal/chrome"
)

// TestCompose makes a call through what deploy/compose-test.sh has brought up, as a user of docker-compose.yml would.
func TestCompose(t *testing.T) {
	for _, address := range []string{"127.0.0.1:8080", "127.0.0.1:8188"} {
		for try := 0; ; try++ {
			conn, err := net.DialTimeout("tcp", address, time.Second)
			if err == nil {
				_ = conn.Close()
				break
			}
			if try == 60 {
				t.Fatal(err)
			}
			time.Sleep(500 * time.Millisecond)
		}
	}
	browser := chrome.Start(t)
	var tabs []*chrome.Tab
	for i := range 2 {
		tab := browser.Open(t, fmt.Sprint("tab", i), "http://localhost:8080/")
		tab.Type("#name", fmt.Sprint("Guest ", i))
		tab.Click("#join")
		tabs = append(tabs, tab)
	}
	for _, tab := range tabs {
		tab.WaitVideos(2, 40*time.Second)
		tab.WaitMoreFrames(2, 20*time.Second)
		tab.Screenshot("call")
	}
}
