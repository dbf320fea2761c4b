package plugin

import (
	"slices"

	"github.com/cardea-rtc/cardea/proto/busv1"
)

// Rights are what the token that a handle was made with says of rooms (ADR 22).
type Rights struct {
	AnyRoom bool     `json:"any_room,omitempty"`
	Rooms   []string `json:"rooms,omitempty"` // unless any
	Role    string   `json:"role,omitempty"`  // empty for none
}

// RightsOf reads them; nil stays nil.
func RightsOf(r *busv1.Rights) *Rights {
	if r == nil {
		return nil
	}
	return &Rights{AnyRoom: r.GetAnyRoom(), Rooms: r.GetRooms(), Role: r.GetRole()}
}

// Message is what RightsOf reads.
func (r *Rights) Message() *busv1.Rights {
	if r == nil {
		return nil
	}
	return &busv1.Rights{AnyRoom: r.AnyRoom, Rooms: r.Rooms, Role: r.Role}
}

// Name tells whether a room may be named. Without rights any may.
func (r *Rights) Name(room string) bool {
	return r == nil || r.AnyRoom || slices.Contains(r.Rooms, room)
}
