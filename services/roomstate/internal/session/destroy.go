package session

import (
	"context"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/eventhandler"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/store"
)

// destroy ends a session without any event about its handles.
func (s *Service) destroy(ctx context.Context, r *request) (*busv1.Reply, error) {
	answer, err := remembered(r.Command)
	if err != nil {
		return nil, err
	}
	ended, err := s.Store.End(ctx, store.End{Session: r.GetSessionId(), Command: r.GetId(), Answer: answer}, r.now)
	if err != nil {
		return nil, err
	}
	s.over(ended)
	return done(r.Command), nil
}

// over lets the edge that has the session's socket, nodes, and event handlers know of its end.
func (s *Service) over(ended store.Ended) {
	s.Publish(ended.Last)
	s.Owe(ended.Tasks)
	var handles []plugin.Handle
	for _, t := range ended.Tasks {
		if l := t.Task.Leave; l != nil && l.Room == "" { // others are of the same handles
			h := l.Handle
			h.ID = l.ID
			handles = append(handles, h)
		}
	}
	eventhandler.Ended(s.Events, ended.Last.GetSessionId(), ended.Last.GetTimedOut() != nil, handles)
}
