package videoroom

import "github.com/cardea-rtc/cardea/services/roomstate/internal/request"

// ID names a room or a feed.
type ID = request.ID

func stringID(s string) ID { return request.StringID(s) }

func drawn(command, use string, try int) uint64 { return request.DrawnNumber(command, use, try) }

func drawnID(strings bool, command, use string, try int) ID {
	return request.DrawnID(strings, command, use, try)
}
