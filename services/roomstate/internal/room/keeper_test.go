package room

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/store"
)

// placing is a plugin, and a room of it, whose rule needs a node, and then that node's answer.
type placing struct{}

func (placing) Name() string                                        { return "placing" }
func (placing) Route(plugin.Command) plugin.Route                   { return plugin.Route{} }
func (placing) Load(string, map[string]string) (plugin.Room, error) { return placing{}, nil }

func (placing) Apply(t *plugin.Turn) plugin.Result {
	placed, ok := t.Ask(plugin.Question{Place: true})
	if !ok {
		return plugin.Result{}
	}
	me := t.Command.Handle.ID
	if _, ok := t.Ask(plugin.Question{Node: placed.Node, Handle: me, Request: &mediav1.UpdatePublisherRequest{}}); ok {
		t.Reply = []byte(placed.Node)
	}
	return plugin.Result{}
}

// counting is nodes that count how often one is picked.
type counting struct{ places int }

func (*counting) Alive(string) bool { return true }

func (c *counting) Place(context.Context, plugin.Question) (string, error) {
	c.places++
	return "n1", nil
}

func (*counting) Call(context.Context, string, proto.Message) (proto.Message, error) {
	return &mediav1.UpdatePublisherResponse{}, nil
}

// nothing is a store without rooms.
type nothing struct{ rooms }

func (nothing) LoadRoom(context.Context, string) (map[string]string, string, error) {
	return nil, "", nil
}

func TestANodeIsPickedOnceForACommand(t *testing.T) {
	nodes := &counting{}
	k := &Keeper{
		Store: nothing{}, Nodes: nodes, Plugins: map[string]plugin.Plugin{"placing": placing{}},
		Owe: func([]store.OwedTask) {}, Log: slog.New(slog.DiscardHandler),
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	cmd := plugin.Command{
		Command: &busv1.Command{Id: "c", SessionId: 1, HandleId: 2},
		Handle:  plugin.Handle{ID: plugin.HandleID{Session: 1, Handle: 2}, Plugin: "placing"},
	}
	reply, err := k.Do(ctx, cmd, "a room")
	if err != nil || string(reply.GetPlugin().GetData()) != "n1" {
		t.Fatalf("%v, %v", reply, err)
	}
	if nodes.places != 1 {
		t.Errorf("picked %d times: each is a reservation", nodes.places)
	}
}

// TestARoomHasOneTurnForAllWhoWaitForIt: one for whom the room has to be read anew takes it from nobody who waits.
func TestARoomHasOneTurnForAllWhoWaitForIt(t *testing.T) {
	k := &Keeper{
		Store: nothing{}, Nodes: &counting{}, Plugins: map[string]plugin.Plugin{"placing": placing{}},
		Owe: func([]store.OwedTask) {}, Log: slog.New(slog.DiscardHandler),
	}
	waiting := k.entry("a room")
	cmd := plugin.Command{
		Command: &busv1.Command{Id: "c", SessionId: 1, HandleId: 2},
		Handle:  plugin.Handle{ID: plugin.HandleID{Session: 1, Handle: 2}, Plugin: "placing"},
	}
	if _, err := k.Do(t.Context(), cmd, "a room"); err != nil { // of a room that is not there, of which nothing is kept
		t.Fatal(err)
	}
	later := k.entry("a room")
	if later != waiting {
		t.Error("who comes later has another turn than who waits")
	}
	k.leave("a room", waiting)
	if k.known["a room"] != later {
		t.Error("it is forgotten while somebody has it")
	}
	k.leave("a room", later)
	if len(k.known) != 0 {
		t.Errorf("%d rooms are remembered of which nothing is known", len(k.known))
	}
}
