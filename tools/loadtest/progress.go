package main

import (
	"context"
	"fmt"
	"io"
	"time"
)

// showProgress writes a line over itself each second, until ctx ends.
func (r *run) showProgress(ctx context.Context, out io.Writer) {
	wanted := r.cfg.Rooms * r.cfg.Subscribers
	var last uint64
	for sleep(ctx, time.Second) {
		var sending int
		var lost uint64
		r.mu.Lock()
		for _, room := range r.rooms {
			sending += len(room.publishers)
		}
		joined, failed := len(r.subscribers), r.failed
		for _, s := range r.subscribers {
			for _, tally := range s.Tallies {
				lost += tally.Gaps()
			}
		}
		r.mu.Unlock()
		packets := r.delivery.Packets.Load()
		fmt.Fprintf(out, "\rsending %d, joined %d of %d, failed %d, %d packets/s, lost %d   ",
			sending, joined, wanted, failed, packets-last, lost)
		last = packets
	}
	fmt.Fprintln(out)
}
