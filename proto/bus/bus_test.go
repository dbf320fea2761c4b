package bus

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/proto/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// connect starts a NATS server in this process and returns a connection to it.
func connect(t *testing.T) *nats.Conn {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, NoLog: true, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(5 * time.Second) {
		t.Fatal("NATS did not start")
	}
	nc, err := Connect(s.ClientURL(), "test", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

func requester(t *testing.T, nc *nats.Conn, again time.Duration) *Requester {
	t.Helper()
	r, err := NewRequester(nc, again)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// answer has f answer the commands on subject.
func answer(t *testing.T, nc *nats.Conn, subject string, f func(cmd *busv1.Command) []*busv1.Reply) {
	t.Helper()
	_, err := nc.Subscribe(subject, func(m *nats.Msg) {
		var cmd busv1.Command
		if err := proto.Unmarshal(m.Data, &cmd); err != nil {
			t.Error(err)
		}
		for _, r := range f(&cmd) {
			r.CommandId = cmd.GetId()
			if err := Publish(nc, m.Reply, r); err != nil {
				t.Error(err)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
}

func TestCommandIsRepeatedUntilAnswered(t *testing.T) {
	nc := connect(t)
	var heard atomic.Int32
	answer(t, nc, Commands, func(*busv1.Command) []*busv1.Reply {
		if heard.Add(1) < 3 {
			return nil
		}
		return []*busv1.Reply{{Outcome: &busv1.Reply_Done{Done: &busv1.Done{}}}}
	})
	r := requester(t, nc, 10*time.Millisecond)
	if _, err := r.Do(t.Context(), Commands, &busv1.Command{Id: NewCommandID()}, nil); err != nil {
		t.Fatal(err)
	}
	if n := heard.Load(); n < 3 { // more, if the answer took its time
		t.Errorf("heard %d times", n)
	}
}

// The bus goes on choosing a replica that was stopped; those that live are all asked in the end.
func TestACommandThatIsNotAnsweredGoesToAllReplicas(t *testing.T) {
	nc := connect(t)
	var stopped, heard atomic.Int32
	if _, err := nc.QueueSubscribe(Commands, CommandsQueue, func(*nats.Msg) { stopped.Add(1) }); err != nil {
		t.Fatal(err)
	}
	answer(t, nc, Repeats, func(*busv1.Command) []*busv1.Reply {
		heard.Add(1)
		return []*busv1.Reply{{Outcome: &busv1.Reply_Done{Done: &busv1.Done{}}}}
	})
	r := requester(t, nc, 10*time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, err := r.Do(ctx, Commands, &busv1.Command{Id: NewCommandID()}, nil); err != nil {
		t.Fatal(err)
	}
	if n := stopped.Load(); n < aloneFor {
		t.Errorf("sent %d times to one replica before all were asked", n)
	}

	// What has one taker has no others; and when nothing is answered at all, no flood follows.
	heard.Store(0)
	ctx, cancel = context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	r.toAll.SetBurst(0)
	for _, subject := range []string{RoomCommands(3), Commands} {
		if _, err := r.Do(ctx, subject, &busv1.Command{Id: NewCommandID()}, nil); err == nil {
			t.Errorf("%s was answered", subject)
		}
	}
	if n := heard.Load(); n != 0 {
		t.Errorf("all were asked %d times", n)
	}
}

func TestAcceptedComesBeforeTheFinalReply(t *testing.T) {
	nc := connect(t)
	answer(t, nc, Commands, func(*busv1.Command) []*busv1.Reply {
		return []*busv1.Reply{
			{Outcome: &busv1.Reply_Accepted{Accepted: &busv1.Accepted{Plugin: "p"}}},
			{Outcome: &busv1.Reply_Done{Done: &busv1.Done{Async: true}}},
		}
	})
	var acks []string
	reply, err := requester(t, nc, time.Minute).Do(t.Context(), Commands, &busv1.Command{Id: NewCommandID()}, func(plugin string) { acks = append(acks, plugin) })
	if err != nil || !slices.Equal(acks, []string{"p"}) || !reply.GetDone().GetAsync() {
		t.Errorf("%q accepted, then %v, %v", acks, reply, err)
	}
}

func TestFailureKeepsItsReason(t *testing.T) {
	nc := connect(t)
	answer(t, nc, Commands, func(*busv1.Command) []*busv1.Reply {
		return []*busv1.Reply{{Outcome: Failed(fault.Newf(fault.SessionNotFound, "No such session 7"))}}
	})
	_, err := requester(t, nc, time.Minute).Do(t.Context(), Commands, &busv1.Command{Id: NewCommandID()}, nil)
	if fault.Of(err) != fault.SessionNotFound || fault.Text(err) != "No such session 7" {
		t.Errorf("got %v", err)
	}
}

func TestNobodyAnswers(t *testing.T) {
	r := requester(t, connect(t), 10*time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := r.Do(ctx, Commands, &busv1.Command{Id: NewCommandID()}, nil)
	if fault.Of(err) != fault.NodeUnavailable {
		t.Errorf("got %v", err)
	}
}

func TestTooLargeIsAnError(t *testing.T) {
	r := requester(t, connect(t), time.Minute)
	body := []byte(strings.Repeat("x", MaxMessage))
	cmd := &busv1.Command{Verb: &busv1.Command_Message{Message: &busv1.Message{Body: body}}}
	if _, err := r.Do(t.Context(), Commands, cmd, nil); !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v", err)
	}
}

func TestShardsAreAllUsed(t *testing.T) {
	seen := map[int]bool{}
	for i := range 2000 {
		s := Shard(strconv.Itoa(1000 + i))
		if s < 0 || s >= Shards {
			t.Fatalf("shard %d", s)
		}
		seen[s] = true
	}
	if len(seen) != Shards {
		t.Errorf("%d of %d shards are used", len(seen), Shards)
	}
}
