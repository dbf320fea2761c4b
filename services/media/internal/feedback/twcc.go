package feedback

import (
	"time"

	"github.com/pion/rtcp"
)

// TWCC notes when the packets of one connection arrived, by their transport-wide sequence numbers, and makes feedback
// of it (draft-holmer-rmcat-transport-wide-cc-extensions-01). Its zero value is ready.
type TWCC struct{}

// Record notes a packet. It allocates nothing.
func (t *TWCC) Record(seq uint16, arrival time.Duration) {}

// Due is true when feedback should be sent: 100 ms after the last, or earlier if many packets wait.
func (t *TWCC) Due(now time.Duration) bool { return false }

// Append appends feedback for what was recorded since the last call; nothing if there was none. ssrc is any of
// the connection's media sources.
func (t *TWCC) Append(dst []rtcp.Packet, sender, ssrc uint32, now time.Duration) []rtcp.Packet {
	return dst
}
