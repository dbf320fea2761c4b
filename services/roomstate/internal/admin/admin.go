// Package admin carries out what administrators ask of the cluster (spec/janus-api.md, section 7): what is in the store,
// and what nodes say. What concerns one session or handle as its endpoint's requests do is no part of it.
package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/store"
)

// cluster is where its state is.
type cluster interface {
	Settings(ctx context.Context) (store.Settings, error)
	AcceptNewSessions(ctx context.Context, accept bool) error
	SetLogLevel(ctx context.Context, level int) error
	SetNumber(ctx context.Context, name string, n int64) error
	DropNumber(ctx context.Context, name string) error
	SetGlobalTimeout(ctx context.Context, timeout time.Duration, now time.Time) error
	SetTimeout(ctx context.Context, session uint64, timeout *time.Duration, now time.Time) error
	Sessions(ctx context.Context) ([]uint64, error)
	Session(ctx context.Context, session uint64) (store.SessionRecord, error)
	ArmCapture(ctx context.Context, r *mediav1.StartCaptureRequest) error
	TakeCapture(ctx context.Context, h plugin.HandleID) (*mediav1.StartCaptureRequest, error)
	LoadRoom(ctx context.Context, name string) (fields map[string]string, version string, err error)
	RoomNames(ctx context.Context, plug string) ([]string, error)
	Token(ctx context.Context, token string) ([]string, error)
	Tokens(ctx context.Context) (map[string][]string, error)
	ChangeToken(ctx context.Context, token string, make bool, to func(has []string) []string) ([]string, error)
	DropToken(ctx context.Context, token string) error
	Drains(ctx context.Context) (map[string]store.Drain, error)
	SetDrain(ctx context.Context, node string, d store.Drain) error
	EndDrain(ctx context.Context, node string) error
	CountPeersOn(ctx context.Context, node string) (int, error)
	KeepNode(ctx context.Context, node string, k store.Keeper) (store.Keeper, error)
}

// mediaNodes are asked about peers, and told to drain.
type mediaNodes interface {
	// Ask puts a request to all nodes that live and returns the first answer, or fault.NoSuchPeer.
	Ask(ctx context.Context, request proto.Message) (proto.Message, error)
	Call(ctx context.Context, node string, request proto.Message) (proto.Message, error)
	// List returns those that live.
	List() []Node
}

// Node is a media node, as this replica knows it.
type Node struct {
	ID     string
	Status *busv1.NodeStatus // nil if it has not been heard by this replica; not changed any more
	Heard  time.Time
	Takes  bool  // it may be given new work
	Silent error // why it does not answer this replica; nil if it does, or has not been asked
}

// Service answers.
type Service struct {
	Store    cluster
	Nodes    mediaNodes
	Plugins  map[string]plugin.Plugin
	Timeouts store.Timeouts // as the service was started with
	// CandidatesTimeout is told, and changes nothing: no candidates are kept.
	CandidatesTimeout time.Duration
	// LogLevel tells all services at which level to log, as Janus counts.
	LogLevel func(level int) error
	// Move begins to move a handle's peer to a node, by its id, empty for any other.
	Move func(ctx context.Context, h plugin.HandleID, to string) error
	// TellNodes tells all nodes what MediaSettings has; what has nothing there, they go by their own settings.
	TellNodes func(ctx context.Context) error
}

// request is one on its way.
type request struct {
	session, handle uint64
	parameters      json.RawMessage
	now             time.Time
}

// read decodes the parameters. The edge has checked their types.
func (r *request) read(into any) error {
	if err := json.Unmarshal(r.parameters, into); err != nil {
		return fault.Newf(fault.BadRequest, "Invalid parameters")
	}
	return nil
}

// members are what an answer has beside janus and transaction.
type members map[string]any

var verbs = map[string]func(s *Service, ctx context.Context, r *request) (members, error){
	"token":                (*Service).token,
	"add_token":            (*Service).addToken,
	"allow_token":          (*Service).allowToken,
	"disallow_token":       (*Service).disallowToken,
	"list_tokens":          (*Service).listTokens,
	"remove_token":         (*Service).removeToken,
	"get_status":           (*Service).status,
	"accept_new_sessions":  (*Service).acceptNewSessions,
	"set_session_timeout":  (*Service).setSessionTimeout,
	"set_log_level":        (*Service).setLogLevel,
	"list_sessions":        (*Service).listSessions,
	"list_handles":         (*Service).listHandles,
	"handle_info":          (*Service).handleInfo,
	"exists":               (*Service).exists,
	"start_pcap":           (*Service).startPcap,
	"stop_pcap":            (*Service).stopPcap,
	"loops_info":           (*Service).loops,
	"resolve_address":      (*Service).resolveAddress,
	"list_nodes":           (*Service).listNodes,
	"list_rooms":           (*Service).listRooms,
	"room_info":            (*Service).roomInfo,
	"drain_node":           (*Service).drainNode,
	"undrain_node":         (*Service).undrainNode,
	"move_handle":          (*Service).moveHandle,
	"test_stun":            (*Service).testSTUN,
	"start_text2pcap":      (*Service).startText2pcap,
	"stop_text2pcap":       (*Service).stopPcap,
	"reset_media_settings": (*Service).resetMediaSettings,

	"keep_node": (*Service).keepNode, // of nodes alone: no edge passes it on
}

// Do answers a command. Its errors carry a fault.Reason or store.ErrAway.
func (s *Service) Do(ctx context.Context, cmd *busv1.Command, now time.Time) (*busv1.Reply, error) {
	a := cmd.GetAdmin()
	do, ok := verbs[a.GetRequest()]
	if k, settable := knobs[a.GetRequest()]; settable {
		do, ok = k.set, true
	}
	if !ok {
		return nil, fault.Newf(fault.BadRequest, "Unhandled request '%s' at this path", a.GetRequest())
	}
	got, err := do(s, ctx, &request{cmd.GetSessionId(), cmd.GetHandleId(), a.GetParameters(), now})
	switch {
	case errors.Is(err, store.ErrNoSession):
		return nil, fault.Newf(fault.SessionNotFound, "No such session %d", cmd.GetSessionId())
	case errors.Is(err, store.ErrNoHandle):
		return nil, fault.Newf(fault.HandleNotFound, "No such handle %d in session %d", cmd.GetHandleId(), cmd.GetSessionId())
	case err != nil:
		return nil, err
	}
	data, err := json.Marshal(got)
	if err != nil {
		return nil, fmt.Errorf("encode answer to %s: %w", a.GetRequest(), err)
	}
	return &busv1.Reply{
		CommandId: cmd.GetId(), Outcome: &busv1.Reply_Plugin{Plugin: &busv1.PluginData{Data: data}},
	}, nil
}

// noToken gives an unknown token its words.
func noToken(err error, token string) error {
	if errors.Is(err, store.ErrNoToken) {
		return fault.Newf(fault.TokenNotFound, "Token %s not found", token)
	}
	return err
}
