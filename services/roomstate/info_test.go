package roomstate_test

import (
	"encoding/json"
	"maps"
	"testing"
	"time"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/services/roomstate"
)

// info is what roomstate adds to server_info.
func (c *cluster) info() map[string]any {
	c.t.Helper()
	var got map[string]any
	m, err := c.conn.Request(bus.Info, nil, 30*time.Second)
	if err == nil {
		err = json.Unmarshal(m.Data, &got)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return got
}

func (e *edge) status() map[string]any {
	e.t.Helper()
	got, err := e.admin(0, "get_status", `{}`)
	if err != nil {
		e.t.Fatal(err)
	}
	return maps.Clone(got["status"].(map[string]any))
}

func TestTheCandidatesTimeoutIsToldAsItIsSet(t *testing.T) {
	c := startCluster(t, 1, func(cfg *roomstate.Config) { cfg.CandidatesTimeout = 7 * time.Second })
	if got := c.edge().status()["candidates_timeout"]; got != 7.0 {
		t.Errorf("status has %v", got)
	}
	if got := c.info()["candidates-timeout"]; got != 7.0 {
		t.Errorf("info has %v", got)
	}
	c.config.CandidatesTimeout = 0
	if c.config.Validate() == nil {
		t.Error("no time at all is taken")
	}
}
