// Package bus is how services find each other on NATS: subjects, connection settings, and commands that are
// repeated until answered.
package bus

import (
	"encoding/hex"
	"errors"
	"fmt"
	"hash/fnv"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
)

// Subjects. A session's events are on SessionEvents, a room's commands on RoomCommands of its shard.
const (
	Commands      = "cardea.command"   // busv1.Command; any replica takes it
	CommandsQueue = "roomstate"        // queue group of Commands, Resumes, Deliveries and Info
	Repeats       = "cardea.repeat"    // busv1.Command that nobody has answered; all replicas take it
	Resumes       = "cardea.resume"    // busv1.Resume → busv1.Events
	Deliveries    = "cardea.delivered" // busv1.Deliveries; any replica takes them
	Info          = "cardea.info"      // empty → a JSON object: roomstate's part of Janus's server_info
	NodeBeats     = "cardea.node.beat"
	replies       = "cardea.reply." // + requester + "." + number
)

// Shards is the number of parts that rooms are divided into. All replicas of a cluster must agree on it.
const Shards = 64

// Shard returns the part, 0 to Shards-1, that a room belongs to.
func Shard(room string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(room))
	return int(h.Sum32() % Shards)
}

// RoomCommands is where the owner of a shard hears commands for its rooms.
func RoomCommands(shard int) string { return fmt.Sprintf("cardea.room.%d", shard) }

// SessionEvents is where the edge that holds a session's socket hears its events.
func SessionEvents(session uint64) string { return fmt.Sprintf("cardea.session.%d", session) }

// EdgeEvents is where an edge hears events of several of its sessions at once: busv1.Bundle. The id is of its process.
func EdgeEvents(id string) string { return "cardea.edge." + id }

// NodeTexts is where a node hears what data channels of its peers are to be sent: busv1.Texts. The name of a node may have
// characters that a subject may not.
func NodeTexts(node string) string { return "cardea.texts." + hex.EncodeToString([]byte(node)) }

// ReleasePattern is SessionRelease for fmt.
const ReleasePattern = "cardea.session.%d.release"

// SessionRelease is where the edge that holds a session is asked to stop, when the session is claimed elsewhere:
// empty → busv1.Released.
func SessionRelease(session uint64) string { return fmt.Sprintf(ReleasePattern, session) }

// PolledSocket is the id of the socket that owns all sessions over HTTP, on every edge: their events wait in the log until a
// long poll, at any edge, takes them.
const PolledSocket = "http"

// MaxDeliveries is how many may be in one Deliveries.
const MaxDeliveries = 512

// MaxMessage is what one message may hold, in bytes: the default of a NATS server, less room for headers.
const MaxMessage = 1<<20 - 4096

// ErrTooLarge means that a message exceeds MaxMessage.
var ErrTooLarge = errors.New("message too large for the bus")

// Publish sends m, or ErrTooLarge.
func Publish(nc *nats.Conn, subject string, m proto.Message) error {
	b, err := encode(m)
	if err != nil {
		return err
	}
	return nc.Publish(subject, b)
}

func encode(m proto.Message) ([]byte, error) {
	b, err := proto.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", m, err)
	}
	if len(b) > MaxMessage {
		return nil, fmt.Errorf("%w: %d bytes", ErrTooLarge, len(b))
	}
	return b, nil
}

// Failed makes err the outcome of a Reply. Its cause stays here.
func Failed(err error) *busv1.Reply_Failure {
	return &busv1.Reply_Failure{Failure: &busv1.Failure{Reason: string(fault.Of(err)), Text: fault.Text(err)}}
}

// Failure is the way back: nil if r did not fail.
func Failure(r *busv1.Reply) error {
	f := r.GetFailure()
	if f == nil {
		return nil
	}
	return &fault.Error{Reason: fault.Reason(f.GetReason()), Text: f.GetText()}
}
