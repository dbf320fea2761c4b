package main

import (
	"testing"
	"time"
)

// Leases, answers and logs are let go of by their time to live, and nothing else is.
func TestStoreLetsTimePass(t *testing.T) {
	store, stop, err := startStore(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	for _, key := range []string{"lease", "room"} {
		if err := store.Set(key, "held"); err != nil {
			t.Fatal(err)
		}
	}
	store.SetTTL("lease", storeTick)
	for deadline := time.Now().Add(10 * time.Second); store.Exists("lease"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("a key outlives its time to live by seconds")
		}
	}
	if !store.Exists("room") {
		t.Fatal("a key without a time to live is gone")
	}
}
