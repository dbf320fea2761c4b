package edge

import (
	"context"

	"github.com/cardea-rtc/cardea/proto/bus"
)

// lineLevel is Janus's level of lines for which none is given: information.
const lineLevel = 4

// customLogLine writes a line of the administrator's to this edge's log.
func (a *Admin) customLogLine(_ context.Context, p parameters) (map[string]any, error) {
	level := lineLevel
	if p.Level != nil {
		level = *p.Level
	}
	if level > 0 {
		a.Edge.log.Log(context.Background(), bus.SlogLevel(level), "administrator's line", "line", p.Line)
	}
	return nil, nil
}
