package main

import (
	"context"
	"fmt"
	"io"
	"time"
)

// sample is what there was at one time, and how fast it went since the one before.
type sample struct {
	at                   float64 // seconds since the day began
	wanted, there, rooms int
	joins, packets       float64            // a second: people who came, packets that subscribers got
	cpu                  map[string]float64 // percent of a core, by service
	peers, relays        map[string]float64 // by node
}

const sampleEvery = time.Second

// measure takes samples, and tells how far the day is, until ctx ends.
func (d *day) measure(ctx context.Context, progress io.Writer) {
	line := d.cfg.Duration / lines
	var told time.Time
	last, lastAt := d.account.usage(), time.Now()
	var packets uint64
	came := 0
	for sleep(ctx, sampleEvery) {
		now := time.Now()
		seconds := now.Sub(lastAt).Seconds()
		used := d.account.usage()
		s := sample{cpu: map[string]float64{}}
		for service, u := range used {
			s.cpu[service] = 100 * (u - last[service]).Seconds() / seconds
		}
		got := d.delivery.Packets.Load()
		joined, failed := d.account.joined()
		s.packets, s.joins = float64(got-packets)/seconds, float64(joined-came)/seconds
		last, lastAt, packets, came = used, now, got, joined
		d.place(ctx, &s)
		hour := d.look(&s)
		if hour <= closes && now.Sub(told) >= line {
			told = now
			fmt.Fprintf(progress, "%s %-12s %3d people of %3d, %2d rooms, %4.1f joins/s, %6.0f packets/s, %d have come, %d could not\n",
				show(hour), phases[phaseAt(hour)].Name, s.there, s.wanted, s.rooms, s.joins, s.packets, joined, failed)
		}
	}
}

// place asks the nodes what they have.
func (d *day) place(ctx context.Context, s *sample) {
	ctx, cancel := context.WithTimeout(ctx, sampleEvery)
	defer cancel()
	s.peers, s.relays = map[string]float64{}, map[string]float64{}
	for _, n := range d.account.cluster.Nodes {
		if m, err := n.Metrics(ctx); err == nil {
			s.peers[n.Name] = m["cardea_media_peers"]
			s.relays[n.Name] = m[`cardea_media_relays{direction="in"}`]
		}
	}
}

// look notes a sample, and returns the hour.
func (d *day) look(s *sample) (hour float64) {
	d.mu.Lock()
	s.rooms = d.town.open()
	for _, p := range d.people {
		select {
		case <-p.arrived:
			s.there++
		default:
		}
	}
	d.mu.Unlock()
	a := d.account
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.began.IsZero() {
		return closes + 1
	}
	s.at = time.Since(a.began).Seconds()
	hour = d.clock.hour(time.Since(a.began))
	s.wanted = wanted(hour, d.cfg.People)
	if hour > closes {
		return hour
	}
	a.samples = append(a.samples, *s)
	p := a.parts[a.current]
	p.sampled++
	for node, n := range s.peers {
		p.peers[node] += n
	}
	return hour
}
