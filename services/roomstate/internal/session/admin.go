package session

import (
	"context"
	"encoding/json"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// admin has an administrator's request answered. One for a plugin takes the way of a message without a session.
func (s *Service) admin(ctx context.Context, r *request) (*busv1.Reply, error) {
	if r.GetAdmin().GetRequest() == "message_plugin" {
		return s.adminMessage(ctx, r)
	}
	return s.Admin(ctx, r.Command, r.now)
}

func (s *Service) adminMessage(ctx context.Context, r *request) (*busv1.Reply, error) {
	var p struct {
		Plugin  string          `json:"plugin"`
		Request json.RawMessage `json:"request"`
	}
	if err := json.Unmarshal(r.GetAdmin().GetParameters(), &p); err != nil {
		return nil, fault.Newf(fault.BadRequest, "Invalid parameters")
	}
	if p.Request == nil {
		p.Request = json.RawMessage("{}")
	}
	plug, ok := s.Plugins[p.Plugin]
	if !ok {
		return nil, fault.Newf(fault.PluginNotFound, "Invalid plugin")
	}
	if a, ok := plug.(plugin.Administered); ok {
		return r.answered(a.Administer(p.Request)), nil
	}
	cmd := plugin.Command{
		Command: &busv1.Command{Id: r.GetId(), Verb: &busv1.Command_Message{Message: &busv1.Message{Body: p.Request}}},
		Handle:  plugin.Handle{Plugin: p.Plugin},
		Over:    true, // there is no session to it
	}
	route := plug.Route(cmd)
	if refuses, ok := plug.(plugin.RefusesAdministrators); ok && route.Async {
		return r.answered(refuses.RefuseAdministrator(p.Request)), nil
	}
	if route.Async {
		return nil, fault.Newf(fault.BadRequest, "Plugin doesn't support Admin API messages")
	}
	return s.Rooms.Decide(ctx, cmd, route.Room)
}

// answered is a plugin's answer.
func (r *request) answered(data []byte) *busv1.Reply {
	return &busv1.Reply{CommandId: r.GetId(), Outcome: &busv1.Reply_Plugin{Plugin: &busv1.PluginData{Data: data}}}
}
