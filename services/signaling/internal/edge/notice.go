package edge

import (
	"net"
	"strconv"

	"github.com/cardea-rtc/cardea/proto/events"
)

// The names of the transports, as Janus calls them.
const (
	overWebSocket = "janus.transport.websockets"
	overHTTP      = "janus.transport.http"
)

// noteSocket tells event handlers that a WebSocket has been opened, or closed.
func (e *Edge) noteSocket(socket Socket, admin, open bool) {
	change := int64(-1)
	if open {
		change = 1
	}
	e.sockets.Add(change)
	body := events.Object{"event": "disconnected"}
	if open {
		host, _ := split(socket.Remote())
		body = events.Object{"event": "connected", "admin_api": admin, "ip": host}
	}
	e.note(overWebSocket, socket.ID(), body)
}

// noteRequest tells them of a request over HTTP.
func (e *Edge) noteRequest(id, remote string, admin bool) {
	host, port := split(remote)
	e.note(overHTTP, id, events.Object{"event": "request", "admin_api": admin, "ip": host, "port": port})
}

func (e *Edge) note(transport, id string, data events.Object) {
	if e.opt.Events.Wants(events.Transport) && !e.isQuiet(transport) {
		e.opt.Events.Emit(events.Event{Type: events.Transport, Event: events.Object{"transport": transport, "id": id, "data": data}})
	}
}

func split(remote string) (host string, port int) {
	host, text, err := net.SplitHostPort(remote)
	if err != nil {
		return remote, 0
	}
	port, _ = strconv.Atoi(text) // 0 if it is none
	return host, port
}

// quiet has event handlers hear nothing of a transport any more, or again.
func (e *Edge) quiet(transport string, on bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.silent[transport] = on
}

func (e *Edge) isQuiet(transport string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.silent[transport]
}

// openSockets is how many WebSockets this edge has.
func (e *Edge) openSockets() int { return int(e.sockets.Load()) }

// waitingPolls is for how many sessions long polls wait here.
func (e *Edge) waitingPolls() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.polled)
}
