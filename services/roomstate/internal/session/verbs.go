package session

import (
	"context"

	"github.com/cardea-rtc/cardea/proto/busv1"
)

// verb is how a kind of command is carried out.
type verb struct {
	name  string
	enter bool // look session and handle up first
	touch bool // and restart the session's timer
	do    func(s *Service, ctx context.Context, r *request) (*busv1.Reply, error)
}

// verbOf finds the verb of a command.
func verbOf(cmd *busv1.Command) (verb, bool) {
	switch cmd.GetVerb().(type) {
	case *busv1.Command_Create:
		return verb{"create", false, false, (*Service).create}, true
	case *busv1.Command_Touch:
		return verb{"touch", true, true, (*Service).touch}, true
	case *busv1.Command_Claim:
		return verb{"claim", false, false, (*Service).claim}, true
	case *busv1.Command_Poll:
		return verb{"poll", false, false, (*Service).poll}, true
	case *busv1.Command_Given:
		return verb{"given", false, false, (*Service).given}, true
	case *busv1.Command_Admin:
		return verb{"admin", false, false, (*Service).admin}, true
	case *busv1.Command_Attach:
		return verb{"attach", true, true, (*Service).attach}, true
	case *busv1.Command_Message:
		return verb{"message", true, true, (*Service).message}, true
	case *busv1.Command_Trickle:
		return verb{"trickle", true, true, (*Service).trickle}, true
	case *busv1.Command_Hangup:
		return verb{"hangup", true, !cmd.GetHangup().GetByAdmin(), (*Service).hangup}, true
	case *busv1.Command_Detach:
		return verb{"detach", true, !cmd.GetDetach().GetByAdmin(), (*Service).detach}, true
	case *busv1.Command_Destroy:
		return verb{"destroy", true, true, (*Service).destroy}, true
	case *busv1.Command_Lost:
		return verb{"lost", false, false, (*Service).lost}, true
	case *busv1.Command_Move:
		return verb{"move", true, false, (*Service).move}, true
	case *busv1.Command_Peer:
		return verb{"peer", true, false, (*Service).peer}, true
	}
	return verb{}, false
}

// Verb names the kind of a command, for metrics and logs.
func Verb(cmd *busv1.Command) string {
	v, ok := verbOf(cmd)
	if !ok {
		return "unknown"
	}
	switch {
	case cmd.GetPeer().GetMoved() != nil:
		return "moved"
	case cmd.GetPeer().GetNotMoved() != nil:
		return "not_moved"
	}
	return v.name
}
