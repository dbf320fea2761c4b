package main

import (
	"context"
	"slices"
	"time"

	"github.com/cardea-rtc/cardea/tools/internal/procfs"
	"github.com/cardea-rtc/cardea/tools/internal/report"
	"github.com/cardea-rtc/cardea/tools/internal/synth"
	"github.com/cardea-rtc/cardea/tools/loadtest/internal/endpoint"
)

// mark is where the streams were at one moment: how many packets each had sent.
type mark map[synth.StreamID]uint32

func (r *run) mark() mark {
	m := mark{}
	for _, room := range r.rooms {
		for _, s := range room.streams() {
			m[s.ID] = s.Sent()
		}
	}
	return m
}

// observe measures for the time that is set, or until ctx ends.
func (r *run) observe(ctx context.Context) (*report.Report, error) {
	sentBefore, err := r.sending(ctx)
	if err != nil {
		return nil, err
	}
	coreBefore := procfs.CoreBusy(r.cfg.Core)
	profiled := r.profile(ctx)
	r.lag.Reset()
	r.readLag.Reset()
	from, began := r.mark(), time.Now()
	overflowed := procfs.UDPOverflows()
	received, verified := r.delivery.Packets.Load(), r.delivery.Verified.Load()
	for _, m := range r.allMeters() {
		m.read(&m.begin)
	}
	r.delivery.Measure.Store(true)
	complete := sleep(ctx, r.cfg.Duration)
	r.delivery.Measure.Store(false)
	to, measured := r.mark(), time.Since(began)
	for _, m := range r.allMeters() {
		m.read(&m.end)
	}
	coreBusy := procfs.CoreBusy(r.cfg.Core) - coreBefore
	sentAfter, err := r.sending(context.WithoutCancel(ctx))
	if err != nil {
		return nil, err
	}
	time.Sleep(repairTime)
	if err := <-profiled; err != nil {
		return nil, err
	}

	out := &report.Report{
		URL: r.cfg.URL, Rooms: len(r.rooms), Subscribers: len(r.subscribers), Failed: r.failed,
		Seconds: measured.Seconds(), Interrupted: !complete,
		Foreign: r.delivery.Foreign.Load(), Latency: report.TimesOf(&r.delivery.Latency),
		JoinFirstPacket: report.TimesOf(&r.firstWait), SendLag: report.TimesOf(&r.lag), ReadLag: report.TimesOf(&r.readLag),
		Overflowed: procfs.UDPOverflows() - overflowed, Renumbered: r.delivery.Renumbered.Load(), Padding: r.delivery.Padding.Load(),
	}
	if n := r.delivery.Packets.Load() - received; n > 0 {
		out.VerifiedShare = float64(r.delivery.Verified.Load()-verified) / float64(n)
	}
	if len(r.subscribers) > 0 {
		out.Profile = r.subscribers[0].Profile()
	}
	r.countDropped(out)
	for _, s := range r.subscribers {
		countPackets(out, s, from, to)
	}
	out.Lost = out.Expected - out.Received
	if out.Expected > 0 {
		out.DeliveredShare = float64(out.Received) / float64(out.Expected)
	}
	out.PacketsPerSec = float64(out.Received) / measured.Seconds()
	for _, m := range r.meters {
		out.Processes = append(out.Processes, m.sum(measured, out.Received, len(r.subscribers)))
	}
	out.Load = r.load.sum(measured, out.Received, len(r.subscribers))
	out.PacketsPerCall = packetsPerCall(sentBefore, sentAfter)
	out.CorePercent = 100 * coreBusy.Seconds() / measured.Seconds()
	return out, nil
}

// sending asks the node for what it has sent, if we are told where.
func (r *run) sending(ctx context.Context) (sending, error) {
	if r.cfg.Ops == "" {
		return sending{}, nil
	}
	return readSending(ctx, r.cfg.Ops)
}

func (r *run) allMeters() []*meter { return append(slices.Clone(r.meters), r.load) }

// countPackets adds what a subscriber got of the packets that were sent between two moments, and what it lost before.
func countPackets(out *report.Report, s *endpoint.Subscriber, from, to mark) {
	for id, tally := range s.Tallies {
		out.Expected += uint64(to[id] - from[id])
		out.Received += tally.Between(from[id], to[id])
		if first, ok := tally.First(); ok && first < from[id] {
			out.LostBefore += uint64(from[id]-first) - tally.Between(first, from[id])
		}
	}
}

// countDropped adds the endpoints that the server has given up, and what was the first trouble.
func (r *run) countDropped(out *report.Report) {
	problem := r.problem
	drop := func(err error) {
		if err == nil {
			return
		}
		out.Dropped++
		if problem == nil {
			problem = err
		}
	}
	for _, s := range r.subscribers {
		drop(s.Lost())
	}
	for _, room := range r.rooms {
		out.Publishers += len(room.publishers)
		for _, p := range room.publishers {
			drop(p.Lost())
		}
	}
	if problem != nil {
		out.Problem = problem.Error()
	}
}
