package store

import (
	"context"
	_ "embed"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/cardea-rtc/cardea/proto/traces"
)

// Scripts read their arguments one after another, by arg of common.lua, and return a list whose first element says
// how it went.
var (
	//go:embed lua/common.lua
	common string
	//go:embed lua/enter.lua
	enterLua string
	//go:embed lua/create.lua
	createLua string
	//go:embed lua/attach.lua
	attachLua string
	//go:embed lua/claim.lua
	claimLua string
	//go:embed lua/poll.lua
	pollLua string
	//go:embed lua/given.lua
	givenLua string
	//go:embed lua/delivered.lua
	deliveredLua string
	//go:embed lua/look.lua
	lookLua string
	//go:embed lua/timeout.lua
	timeoutLua string
	//go:embed lua/lose.lua
	loseLua string
	//go:embed lua/end.lua
	endLua string
	//go:embed lua/due.lua
	dueLua string
	//go:embed lua/commit.lua
	commitLua string
	//go:embed lua/tasks.lua
	tasksLua string
	//go:embed lua/announce.lua
	announceLua string
	//go:embed lua/abandon.lua
	abandonLua string
	//go:embed lua/lease.lua
	leaseLua string
	//go:embed lua/keep.lua
	keepLua string
	//go:embed lua/fence.lua
	fenceLua string
	//go:embed lua/arm.lua
	armLua string

	enterScript     = redis.NewScript(common + enterLua)
	createScript    = redis.NewScript(common + createLua)
	attachScript    = redis.NewScript(common + attachLua)
	claimScript     = redis.NewScript(common + claimLua)
	pollScript      = redis.NewScript(common + pollLua)
	givenScript     = redis.NewScript(common + givenLua)
	deliveredScript = redis.NewScript(common + deliveredLua)
	lookScript      = redis.NewScript(common + lookLua)
	timeoutScript   = redis.NewScript(common + timeoutLua)
	loseScript      = redis.NewScript(common + loseLua)
	endScript       = redis.NewScript(common + endLua)
	dueScript       = redis.NewScript(common + dueLua)
	commitScript    = redis.NewScript(common + commitLua)
	tasksScript     = redis.NewScript(common + tasksLua)
	announceScript  = redis.NewScript(common + announceLua)
	abandonScript   = redis.NewScript(common + abandonLua)
	leaseScript     = redis.NewScript(common + leaseLua)
	keepScript      = redis.NewScript(common + keepLua)
	fenceScript     = redis.NewScript(common + fenceLua)
	armScript       = redis.NewScript(common + armLua)
)

// names are what scripts are called in traces.
var names = map[*redis.Script]string{
	enterScript: "enter", createScript: "create", attachScript: "attach", claimScript: "claim", pollScript: "poll", givenScript: "given", deliveredScript: "delivered",
	lookScript: "look", timeoutScript: "timeout", loseScript: "lose", endScript: "end", dueScript: "due", commitScript: "commit",
	tasksScript: "tasks", announceScript: "announce", abandonScript: "abandon", leaseScript: "lease", keepScript: "keep", fenceScript: "fence", armScript: "arm",
}

// outcomes are what a script's first element may say besides "ok".
var outcomes = map[string]error{
	"stale":     ErrStale,
	"nosession": ErrNoSession,
	"nohandle":  ErrNoHandle,
	"taken":     ErrTaken,
	"full":      ErrFull,
	"busy":      ErrBusy,
	"fenced":    ErrFenced,

	"notaccepting": ErrNotAccepting,
}

// run returns what a script gave after its first element, if that was "ok".
func (s *Store) run(ctx context.Context, script *redis.Script, args ...any) ([]any, error) {
	return runOn(ctx, s.rdb, script, args...)
}

func runOn(ctx context.Context, rdb redis.Scripter, script *redis.Script, args ...any) ([]any, error) {
	ctx, span := traces.Start(ctx, "EVALSHA", trace.SpanKindClient)
	if span.IsRecording() {
		span.SetAttributes(semconv.DBSystemNameRedis, semconv.DBOperationName("EVALSHA"), semconv.DBStoredProcedureName(names[script]))
	}
	defer span.End()
	// The one key says which slot of a Cluster the script belongs to.
	got, err := script.Run(ctx, rdb, []string{prefix}, args...).Slice()
	if err != nil {
		traces.Failed(span, "_OTHER")
		return nil, broken(err)
	}
	how, rest := text(got[0]), got[1:]
	span.SetAttributes(attribute.String("cardea.outcome", how))
	err, refused := outcomes[how]
	if how == "answered" {
		answered, unread := readAnswered(text(rest[0]))
		if err, refused = answered, true; unread != nil {
			err = unread
		}
	}
	if !refused {
		return rest, nil
	}
	if n := len(rest); n > 0 && number(rest[n-1]) > 0 { // of several, this one
		err = &RefusedError{Index: int(number(rest[n-1])) - 1, Err: err}
	}
	return nil, err
}

// text reads an element that is a string; nil is the empty one.
func text(v any) string {
	s, _ := v.(string)
	return s
}

func number(v any) int64 {
	n, _ := v.(int64)
	return n
}
