package bus

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/session"
)

// decided remembers what a room's owner is asked to decide.
type decided struct{ cmd plugin.Command }

func (d *decided) Do(_ context.Context, cmd plugin.Command, _ string) (*busv1.Reply, error) {
	d.cmd = cmd
	return &busv1.Reply{}, nil
}

// TestAHandleIsTheSameAtItsRoomsOwner: whoever binds it to the room writes its record anew.
func TestAHandleIsTheSameAtItsRoomsOwner(t *testing.T) {
	handle := plugin.Handle{
		ID: plugin.HandleID{Session: 3, Handle: 4}, Plugin: "p", OpaqueID: "o", Room: "r", Role: "publisher", Token: "t", Created: 5,
		Rights: &plugin.Rights{AnyRoom: true, Rooms: []string{"7"}, Role: "admin"},
	}
	for i := range reflect.TypeOf(handle).NumField() {
		if reflect.ValueOf(handle).Field(i).IsZero() {
			t.Fatalf("field %s is not tried", reflect.TypeOf(handle).Field(i).Name)
		}
	}
	other := &Owner{Holds: func(int) bool { return false }}
	_, err := other.Decide(t.Context(), plugin.Command{Command: &busv1.Command{Id: "c", SessionId: 3, HandleId: 4}, Handle: handle}, "r")
	passed, ok := errors.AsType[*session.PassOnError](err)
	if !ok {
		t.Fatal(err)
	}
	var keeper decided
	owner := &session.Service{Rooms: &Owner{Holds: func(int) bool { return true }, Keeper: &keeper}}
	if _, err := owner.DoRouted(t.Context(), passed.Command); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(keeper.cmd.Handle, handle) {
		t.Errorf("got %+v, want %+v", keeper.cmd.Handle, handle)
	}
}
