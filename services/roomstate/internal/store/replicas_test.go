package store

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cardea-rtc/cardea/proto/busv1"
	"github.com/cardea-rtc/cardea/services/roomstate/internal/plugin"
)

// server runs a redis-server until the test ends.
func server(t *testing.T, args ...string) (address string, process *exec.Cmd) {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("there is no redis-server")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = l.Addr().String()
	_ = l.Close()
	_, port, _ := net.SplitHostPort(address)
	cmd := exec.Command(program, append([]string{"--bind", "127.0.0.1", "--port", port, "--save", "", "--dir", t.TempDir()}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	await(t, "redis-server at "+address, func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	return address, cmd
}

func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 30 s: %s", what)
		}
	}
}

// replicated is a store on a master, with what its replica has.
func replicated(t *testing.T) (st *Store, replica *redis.Client, process *exec.Cmd) {
	t.Helper()
	master, _ := server(t)
	_, port, _ := net.SplitHostPort(master)
	address, process := server(t, "--replicaof", "127.0.0.1 "+port)
	st, err := Open("redis://" + master)
	if err != nil {
		t.Fatal(err)
	}
	replica = redis.NewClient(&redis.Options{Addr: address})
	t.Cleanup(func() { _ = st.Close(); _ = replica.Close() })
	await(t, "a replica", func() bool {
		return st.rdb.Do(t.Context(), "SET", "x", "y").Err() == nil && replica.Get(t.Context(), "x").Val() == "y"
	})
	return st, replica, process
}

func TestAFenceIsAtAReplicaBeforeItCounts(t *testing.T) {
	st, replica, _ := replicated(t)
	for i := range uint64(50) {
		node := "node" + strconv.FormatUint(i, 10)
		await(t, "a note", func() bool { // a busy machine's replica may be late
			_, err := st.KeepNode(t.Context(), node, Keeper{"k", i + 1})
			return err == nil
		})
		if got := replica.HGet(t.Context(), prefix+"keeper:"+node, "keeper").Val(); got != "k" {
			t.Fatalf("the replica has %q", got)
		}
		await(t, "a fence", func() bool {
			k, err := st.FenceNode(t.Context(), node)
			return err == nil && k == Keeper{"k", i + 1}
		})
		if got := replica.HGet(t.Context(), prefix+"keeper:"+node, "fenced").Val(); got != "1" {
			t.Fatalf("the replica has %q", got)
		}
	}
}

func TestWhatNoReplicaHasDoesNotCountHoweverOftenItIsAsked(t *testing.T) {
	st, _, process := replicated(t)
	await(t, "a note", func() bool {
		_, err := st.KeepNode(t.Context(), "n", Keeper{"k", 1})
		return err == nil
	})
	_ = process.Process.Signal(syscall.SIGSTOP) // it is still connected
	defer func() { _ = process.Process.Signal(syscall.SIGCONT) }()
	for range 3 {
		if _, err := st.KeepNode(t.Context(), "n", Keeper{"other", 2}); !errors.Is(err, ErrAway) {
			t.Fatalf("noted: %v", err)
		}
	}
	for range 3 {
		if _, err := st.FenceNode(t.Context(), "n"); !errors.Is(err, ErrAway) {
			t.Fatalf("fenced: %v", err)
		}
	}
	_ = process.Process.Signal(syscall.SIGCONT)
	await(t, "a fence", func() bool {
		k, err := st.FenceNode(t.Context(), "n")
		return err == nil && k == Keeper{"other", 2}
	})
}

func TestAClusterServesOnlyWhoKnowsThatItIsOne(t *testing.T) {
	first, _ := server(t, "--cluster-enabled", "yes")
	second, _ := server(t, "--cluster-enabled", "yes")
	for _, address := range []string{first, second} { // the first has all slots but ours
		rdb := redis.NewClient(&redis.Options{Addr: address})
		defer func() { _ = rdb.Close() }()
		ours := int(rdb.ClusterKeySlot(t.Context(), prefix).Val())
		slots := [][2]int{{0, ours - 1}, {ours + 1, 16383}}
		if address == second {
			slots = [][2]int{{ours, ours}}
			host, port, _ := net.SplitHostPort(first)
			if err := rdb.ClusterMeet(t.Context(), host, port).Err(); err != nil {
				t.Fatal(err)
			}
		}
		for _, s := range slots {
			if err := rdb.ClusterAddSlotsRange(t.Context(), s[0], s[1]).Err(); err != nil {
				t.Fatal(err)
			}
		}
	}
	open := func(cluster bool) *Store {
		st, err := Redis{RedisURL: "redis://" + first, RedisCluster: cluster}.Open(slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = st.Close() })
		return st
	}
	st := open(true)
	await(t, "the cluster", func() bool {
		_, err := st.KeepNode(context.Background(), "n", Keeper{"k", 1})
		return err == nil
	})
	h := withHandle(t, st)
	if _, err := st.ChangeToken(t.Context(), "token", true, func([]string) []string { return []string{"p"} }); err != nil {
		t.Error(err)
	}
	if _, err := st.Commit(t.Context(), start, &Write{Command: "c", Answer: []byte("x"), Handle: h, Events: []*busv1.Event{event(1)}}); err != nil {
		t.Error(err)
	}
	if k, err := st.FenceNode(t.Context(), "n"); err != nil || k.Node != "k" {
		t.Error(k, err)
	}
	if err := open(false).Ping(t.Context()); err == nil || !errors.Is(err, ErrAway) {
		t.Errorf("a cluster is taken for one server: %v", err)
	} else {
		t.Log(err)
	}
}

// TestRoomsGoFromARedisThatIsFull: what frees memory is done though it takes some.
func TestRoomsGoFromARedisThatIsFull(t *testing.T) {
	address, _ := server(t)
	st, err := Open("redis://" + address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = st.Close() }()
	h := withHandle(t, st)
	w := Write{Command: "1", Answer: []byte("x"), Handle: h, Room: "a", Most: 2, Result: plugin.Result{Next: room{}, Index: []byte("x")}}
	made, err := st.Commit(t.Context(), start, &w)
	if err != nil {
		t.Fatal(err)
	}
	if err := st.rdb.Do(t.Context(), "CONFIG", "SET", "maxmemory", "100kb").Err(); err != nil {
		t.Fatal(err)
	}
	w.Command, w.Room = "2", "b"
	if _, err := st.Commit(t.Context(), start, &w); err == nil {
		t.Error("a room is made in a Redis that is full")
	}
	w = Write{Command: "3", Answer: []byte("x"), Handle: h, Room: "a", Read: made.Version, Result: plugin.Result{Next: room{}, Drop: true}}
	if _, err := st.Commit(t.Context(), start, &w); err != nil {
		t.Errorf("destroy: %v", err)
	}
	if n, err := st.CountRooms(t.Context(), "p"); err != nil || n != 0 {
		t.Errorf("%d rooms, %v", n, err)
	}
}
