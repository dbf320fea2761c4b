package node

import (
	"testing"
	"time"
)

// TestAWorkerMakesFewValuesAtATime has all peers of a shard be due at once.
func TestAWorkerMakesFewValuesAtATime(t *testing.T) {
	const peers = 3*mostKeptAtOnce + 1
	sh := &shard{peers: map[Handle]*peer{}}
	for i := range uint64(peers) {
		id := PeerID{Handle: Handle{Session: 1, ID: i}}
		sh.peers[id.Handle] = &peer{shard: sh, id: id} // not up: there is no value, which is found as for others
	}
	left := peers
	for call := 1; left > 0; call++ {
		_, more := sh.keepable(time.Hour)
		due := 0
		for _, p := range sh.peers {
			if p.keeping.due == 0 {
				due++
			}
		}
		if left == due || left-due > mostKeptAtOnce || more != (due > 0) {
			t.Fatalf("call %d: %d of %d are left, more: %t", call, due, left, more)
		}
		left = due
	}
}

// TestValuesAreDueAtDifferentTimes has many peers have their first values at the same time.
func TestValuesAreDueAtDifferentTimes(t *testing.T) {
	const peers, parts = 10_000, 8
	var in [parts]int
	now := time.Hour
	for i := range uint64(peers) {
		var k keeping
		k.postpone(now, Handle{Session: i / 10, ID: i})
		at := k.due - now
		if at <= keepEvery/2 || at > keepEvery {
			t.Fatalf("due after %v", at)
		}
		in[(keepEvery-at)*parts*2/keepEvery]++
		if k.postpone(k.due, Handle{ID: i}); k.due-now-at != keepEvery {
			t.Fatalf("then due after %v", k.due-now-at)
		}
	}
	for i, n := range in {
		if n < peers/parts*8/10 || n > peers/parts*12/10 {
			t.Errorf("%d of %d are due in part %d of %d", n, peers, i, parts)
		}
	}
}
