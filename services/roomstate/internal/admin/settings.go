package admin

import (
	"context"
	"net"
	"time"

	"github.com/cardea-rtc/cardea/proto/fault"
)

// DefaultLogLevel is what Janus would call the level at which services log unless told otherwise.
const DefaultLogLevel = 4

// status is what can be set.
func (s *Service) status(ctx context.Context, _ *request) (members, error) {
	set, err := s.Store.Settings(ctx)
	if err != nil {
		return nil, err
	}
	timeout, level := s.Timeouts.Session, DefaultLogLevel
	if set.SessionTimeout != nil {
		timeout = *set.SessionTimeout
	}
	if set.LogLevel != nil {
		level = *set.LogLevel
	}
	status := members{
		"session_timeout": seconds(timeout), "reclaim_session_timeout": seconds(s.Timeouts.Reclaim),
		"candidates_timeout": seconds(s.CandidatesTimeout), "log_level": level,
		"log_rotate_sig": 0, // none: there is no file to rotate
	}
	nodes := s.Nodes.List()
	for _, k := range knobs {
		status[k.name] = k.show(k.now(set, nodes))
	}
	return members{"status": status}, nil
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }

func (s *Service) acceptNewSessions(ctx context.Context, r *request) (members, error) {
	var p struct {
		Accept bool `json:"accept"`
	}
	if err := r.read(&p); err != nil {
		return nil, err
	}
	return members{"accept": p.Accept}, s.Store.AcceptNewSessions(ctx, p.Accept)
}

// mostTimeout keeps times within what can be reckoned with.
const mostTimeout = 10 * 365 * 24 * 3600 // seconds

// setSessionTimeout is for all sessions, or for one: there a negative time has it follow the others again.
func (s *Service) setSessionTimeout(ctx context.Context, r *request) (members, error) {
	var p struct {
		Timeout int64 `json:"timeout"`
	}
	if err := r.read(&p); err != nil {
		return nil, err
	}
	p.Timeout = int64(int32(p.Timeout)) // as Janus takes what is beyond
	switch {
	case r.session == 0 && p.Timeout < 0:
		return nil, fault.Newf(fault.BadElement, "Invalid element type (timeout should be a positive integer)")
	case p.Timeout < -1:
		return nil, fault.Newf(fault.BadElement, "Invalid element type (timeout should be a non-negative integer or -1)")
	}
	timeout := time.Duration(min(p.Timeout, mostTimeout)) * time.Second
	answer := members{"timeout": p.Timeout}
	switch {
	case r.session == 0:
		return answer, s.Store.SetGlobalTimeout(ctx, timeout, r.now)
	case p.Timeout < 0:
		return answer, s.Store.SetTimeout(ctx, r.session, nil, r.now)
	}
	return answer, s.Store.SetTimeout(ctx, r.session, &timeout, r.now)
}

// setLogLevel changes what all services that run now log; one that is started later goes by its own setting.
func (s *Service) setLogLevel(ctx context.Context, r *request) (members, error) {
	var p struct {
		Level int `json:"level"`
	}
	if err := r.read(&p); err != nil {
		return nil, err
	}
	if err := s.Store.SetLogLevel(ctx, p.Level); err != nil {
		return nil, err
	}
	return members{"level": p.Level}, s.LogLevel(p.Level)
}

// resolveAddress looks a name up from here.
func (s *Service) resolveAddress(ctx context.Context, r *request) (members, error) {
	var p struct {
		Address string `json:"address"`
	}
	if err := r.read(&p); err != nil {
		return nil, err
	}
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	addresses, err := new(net.Resolver).LookupNetIP(ctx, "ip", p.Address)
	if err != nil || len(addresses) == 0 {
		return nil, fault.Newf(fault.BadRequest, "Could not resolve address")
	}
	return members{"ip": addresses[0].Unmap().String(), "elapsed": time.Since(began).Microseconds()}, nil
}
