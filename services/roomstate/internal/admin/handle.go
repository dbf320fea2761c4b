package admin

import (
	"context"
	"fmt"
	"path"
	"time"

	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/proto/mediav1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/store"
)

// handleInfo tells all of one handle; of its peer, what the node says that has it.
func (s *Service) handleInfo(ctx context.Context, r *request) (members, error) {
	var p struct {
		PluginOnly bool `json:"plugin_only"`
	}
	if err := r.read(&p); err != nil {
		return nil, err
	}
	session, err := s.Store.Session(ctx, r.session)
	if err != nil {
		return nil, err
	}
	h, ok := session.Handles[r.handle]
	if !ok {
		return nil, store.ErrNoHandle
	}
	timeout, err := s.timeout(ctx, &session)
	if err != nil {
		return nil, err
	}
	info := recorded(&session, &h, timeout, r.now)
	specific, err := s.specific(ctx, &h)
	if err != nil {
		return nil, err
	}
	info["plugin_specific"] = specific
	measured, isMeasured := specific.(plugin.Measured)
	if p.PluginOnly && !isMeasured {
		return members{"handle_id": r.handle, "info": info}, nil
	}
	response, err := s.Nodes.Ask(ctx, &mediav1.DescribePeerRequest{SessionId: r.session, HandleId: r.handle})
	peer, _ := response.(*mediav1.DescribePeerResponse)
	if isMeasured {
		info["plugin_specific"] = measured.With(peer)
	}
	if p.PluginOnly {
		return members{"handle_id": r.handle, "info": info}, nil
	}
	info["queued-packets"] = 0 // what cannot be sent at once is dropped
	info["sdps"] = members{}
	if armed := session.Captures[r.handle]; armed != nil {
		dump(info, armed.GetText(), path.Join(armed.GetFolder(), armed.GetFilename()))
	}
	switch {
	case err == nil && peer != nil:
		describePeer(info, peer)
	case fault.Of(err) == fault.NoSuchPeer:
		info["flags"] = flags(nil)
	default: // a node that may have it does not answer: what is known is told
		info["flags"], info["webrtc-unknown"] = flags(nil), "a node does not answer"
	}
	return members{"handle_id": r.handle, "info": info}, nil
}

// specific is what the handle's plugin tells of it, as its room is now.
func (s *Service) specific(ctx context.Context, h *plugin.Handle) (any, error) {
	plug := s.Plugins[h.Plugin]
	described, ok := plug.(plugin.Described)
	if !ok {
		return members{}, nil
	}
	var fields map[string]string
	if h.Room != "" {
		var err error
		if fields, _, err = s.Store.LoadRoom(ctx, h.Room); err != nil {
			return nil, err
		}
	}
	room, err := plug.Load(h.Room, fields)
	if err != nil {
		return nil, fmt.Errorf("room of handle %s: %w", h.ID, err)
	}
	return described.Describe(room, h.ID), nil
}

// timeout is after which time without requests the session ends.
func (s *Service) timeout(ctx context.Context, session *store.SessionRecord) (time.Duration, error) {
	if session.Timeout != nil {
		return *session.Timeout, nil
	}
	set, err := s.Store.Settings(ctx)
	if err != nil || set.SessionTimeout == nil {
		return s.Timeouts.Session, err
	}
	return *set.SessionTimeout, nil
}

// recorded is what the store knows. Times are in microseconds, of the replica's clock.
func recorded(session *store.SessionRecord, h *plugin.Handle, timeout time.Duration, now time.Time) members {
	info := members{
		"session_id": h.ID.Session, "session_last_activity": session.LastActivity.UnixMicro(), "session_timeout": seconds(timeout),
		"session_transport": transportOf(session), "handle_id": h.ID.Handle, "loop-running": true,
		"created": h.Created * 1000, "current_time": now.UnixMicro(), "plugin": h.Plugin,
	}
	if h.OpaqueID != "" {
		info["opaque_id"] = h.OpaqueID
	}
	if h.Token != "" {
		info["token"] = h.Token
	}
	return info
}

// transportOf is Janus's name for how a session's events go out.
func transportOf(session *store.SessionRecord) string {
	if session.Polled {
		return "janus.transport.http"
	}
	return "janus.transport.websockets"
}
