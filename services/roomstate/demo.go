package roomstate

import (
	"context"
	"crypto/rand"
	"log/slog"

	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/videoroom"
)

// makeDemoRoom makes the room that Janus's demos use, unless it is there. It waits for a replica to own it. The room's
// secret is kept from everyone, so that no visitor can change or destroy it. done is called when it is there, or can
// not be made.
func makeDemoRoom(ctx context.Context, requests *bus.Requester, video *videoroom.Plugin, done func(), log *slog.Logger) {
	defer done()
	body, name := video.DemoRoom(rand.Text())
	_, err := requests.Do(ctx, bus.RoomCommands(bus.Shard(name)), &busv1.Command{
		Id:   bus.NewCommandID(),
		Verb: &busv1.Command_Message{Message: &busv1.Message{Body: body}},
		// There is no session to it: as when one is over.
		Routed: &busv1.Routed{Plugin: video.Name(), Room: name, Over: true},
	}, nil)
	if err != nil && ctx.Err() == nil {
		log.Warn("demo room not made", "err", err)
	}
}
