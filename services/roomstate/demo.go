package roomstate

import (
	"context"
	"crypto/rand"
	"log/slog"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
)

// demo is a plugin that has a room for Janus's demo page.
type demo interface {
	Name() string
	DemoRoom(secret string) (body []byte, room string)
}

// makeDemoRoom makes the room that Janus's demos use, unless it is there. It waits for a replica to own it. The room's
// secret is kept from everyone, so that no visitor can change or destroy it. done is called when it is there, or can
// not be made.
func makeDemoRoom(ctx context.Context, requests *bus.Requester, d demo, done func(), log *slog.Logger) {
	defer done()
	body, name := d.DemoRoom(rand.Text())
	_, err := requests.Do(ctx, bus.RoomCommands(bus.Shard(name)), &busv1.Command{
		Id:   bus.NewCommandID(),
		Verb: &busv1.Command_Message{Message: &busv1.Message{Body: body}},
		// There is no session to it: as when one is over.
		Routed: &busv1.Routed{Plugin: d.Name(), Room: name, Over: true},
	}, nil)
	if err != nil && ctx.Err() == nil {
		log.Warn("demo room not made", "plugin", d.Name(), "err", err)
	}
}
