package eventhandler

import (
	"github.com/cardea-rtc/cardea/proto/bus"
	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/events"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// Created is a new session.
func Created(cmd *busv1.Command) events.Event {
	transport := events.Object{"transport": "janus.transport.websockets", "id": cmd.GetSocket().GetId()}
	if cmd.GetSocket().GetId() == bus.PolledSocket {
		transport["transport"], transport["id"] = "janus.transport.http", cmd.GetCreate().GetRequest()
	}
	return events.Event{Type: events.Session, SessionID: cmd.GetSessionId(), Event: events.Object{"name": "created", "transport": transport}}
}

// Ended is a session that has ended, and before it its handles. It has timed out, or was destroyed.
func Ended(e *events.Emitter, session uint64, timedOut bool, handles []plugin.Handle) {
	name := "destroyed"
	if timedOut {
		name = "timeout"
	}
	e.Emit(events.Event{Type: events.Session, SessionID: session, Event: events.Object{"name": name}})
	for i := range handles {
		e.Emit(handle("detached", &handles[i]))
	}
}

// Attached is a new handle.
func Attached(h *plugin.Handle) events.Event {
	ev := handle("attached", h)
	if h.Token != "" {
		ev.Event.(events.Object)["token"] = h.Token
	}
	return ev
}

func handle(name string, h *plugin.Handle) events.Event {
	body := events.Object{"name": name, "plugin": h.Plugin}
	if h.OpaqueID != "" {
		body["opaque_id"] = h.OpaqueID
	}
	return of(h, events.Handle, 0, body)
}
