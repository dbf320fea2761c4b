package ctl

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/cardea-rtc/cardea/proto/bus"
)

type eventsCommand struct {
	bus.NATS
	Subject string `name:"events-subject" help:"What the services' --events-subject says." env:"CARDEA_EVENTS_SUBJECT" required:"" placeholder:"SUBJECT"`
}

// mostWaiting bounds the events that wait for the terminal; NATS drops those beyond.
const mostWaiting = 10_000

// Run is of kong.
func (c *eventsCommand) Run(con *console) error {
	if err := c.check(con.args); err != nil {
		return err
	}
	nc, err := c.NATS.Connect("cardea-ctl", slog.New(slog.NewTextHandler(con.err, nil)))
	if err != nil {
		return misused("--nats: %w", err)
	}
	defer nc.Close()
	events := make(chan *nats.Msg, mostWaiting)
	subscription, err := nc.ChanSubscribe(c.Subject, events)
	if err != nil {
		return misused("--events-subject %q: %w", c.Subject, err)
	}
	defer func() { _ = subscription.Unsubscribe() }()
	for waited := time.Duration(0); !nc.IsConnected(); waited += pause {
		if waited >= con.api.client.Timeout {
			return unreachableError{fmt.Errorf("no NATS server of --nats-url answers within %s", con.api.client.Timeout)}
		}
		select {
		case <-con.ctx.Done():
			return errInterrupted
		case <-time.After(pause):
		}
	}
	if err := nc.Flush(); err != nil {
		return unreachableError{fmt.Errorf("NATS: %w", err)}
	}
	for {
		select {
		case <-con.ctx.Done():
			return nil
		case m := <-events:
			if err := printEvent(con.out, m.Data, con.json); err != nil {
				return err
			}
		}
	}
}

// pause is how long to wait before looking again whether there is a connection.
const pause = 20 * time.Millisecond

// check refuses what everybody on this machine could read in the list of processes, and subjects that are patterns.
func (c *eventsCommand) check(args []string) error {
	if strings.ContainsAny(c.Subject, " \t\r\n") {
		return misused("--events-subject %q is no subject", c.Subject)
	}
	given := slices.ContainsFunc(args, func(arg string) bool { return strings.Contains(arg, c.NATSURL) })
	for server := range strings.SplitSeq(c.NATSURL, ",") {
		if u, err := url.Parse(server); given && err == nil && u.User != nil {
			return misused("--nats-url must not hold a password on the command line: set CARDEA_NATS_URL")
		}
	}
	return nil
}

// kinds are the types of events, as Janus numbers them (spec/janus-api.md, section 8).
var kinds = map[int]string{
	1: "session", 2: "handle", 4: "external", 8: "jsep", 16: "webrtc", 32: "media", 64: "plugin", 128: "transport", 256: "core",
}

// printEvent writes one on a line.
func printEvent(out io.Writer, data []byte, raw bool) error {
	var e struct {
		Emitter   string          `json:"emitter"`
		Type      int             `json:"type"`
		Timestamp int64           `json:"timestamp"` // µs since 1970
		Session   uint64          `json:"session_id"`
		Handle    uint64          `json:"handle_id"`
		Event     json.RawMessage `json:"event"`
	}
	if err := json.Unmarshal(data, &e); err != nil {
		return nil // somebody else's on this subject
	}
	if raw {
		_, err := fmt.Fprintf(out, "%s\n", data)
		return err
	}
	about := "-"
	if e.Handle != 0 {
		about = fmt.Sprintf("%d/%d", e.Session, e.Handle)
	} else if e.Session != 0 {
		about = fmt.Sprint(e.Session)
	}
	kind, ok := kinds[e.Type]
	if !ok {
		kind = fmt.Sprint(e.Type)
	}
	_, err := fmt.Fprintln(out, printable(fmt.Sprintf("%s  %-9s  %s  %s", time.UnixMicro(e.Timestamp).Format("15:04:05.000"), kind, about, e.Event)))
	return err
}
