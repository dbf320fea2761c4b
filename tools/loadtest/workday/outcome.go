package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cardea-rtc/cardea/tools/internal/machine"
	"github.com/cardea-rtc/cardea/tools/internal/plot"
	"github.com/cardea-rtc/cardea/tools/internal/report"
)

// outcome is what a day came to.
type outcome struct {
	Machine     string          `json:"machine"`
	Seed        uint64          `json:"seed"`
	People      int             `json:"people"`
	Seconds     float64         `json:"seconds"`
	Interrupted bool            `json:"interrupted,omitempty"`
	Phases      []phaseOutcome  `json:"phases"`
	SendLag     report.Times    `json:"send_lag"`   // by how much the load generator sent late
	Overflowed  uint64          `json:"overflowed"` // datagrams that sockets of this machine, whoever's, had no room for
	Troubles    int             `json:"troubles"`
	Problems    []string        `json:"problems,omitempty"` // the first of them
	Samples     []sampleOutcome `json:"samples"`
}

// phaseOutcome is what a phase came to.
type phaseOutcome struct {
	Name           string             `json:"name"`
	From           string             `json:"from"` // of the day's clock
	To             string             `json:"to"`
	Seconds        float64            `json:"seconds"`
	People         int                `json:"people"` // at most at a time
	Rooms          int                `json:"rooms"`  // likewise
	Joins          int                `json:"joins"`  // of people
	Failed         int                `json:"failed"` // people who could not come
	Subscriptions  int                `json:"subscriptions"`
	JoinsPerSecond float64            `json:"joins_per_second"`
	Join           report.Times       `json:"join"`                 // from dialling until somebody sends, and has media of all who are there
	FirstPacket    report.Times       `json:"join_to_first_packet"` // of a subscription
	Expected       uint64             `json:"expected"`             // packets
	Received       uint64             `json:"received"`
	DeliveredShare float64            `json:"delivered_share"`
	PacketsPerSec  float64            `json:"packets_per_second"`
	CPU            map[string]float64 `json:"cpu_percent"` // of one core, by service; load is the load generator
	Peers          map[string]float64 `json:"peers"`       // PeerConnections on each node, mean
}

type sampleOutcome struct {
	Seconds float64            `json:"seconds"`
	Wanted  int                `json:"wanted"`
	There   int                `json:"there"`
	Rooms   int                `json:"rooms"`
	Joins   float64            `json:"joins_per_second"`
	Packets float64            `json:"packets_per_second"`
	CPU     map[string]float64 `json:"cpu_percent"`
	Peers   map[string]float64 `json:"peers"`
	Relays  map[string]float64 `json:"relays"`
}

// sum is called when nothing is counted any more.
func (a *account) sum(cfg *config, lag report.Times, overflowed uint64) *outcome {
	m := machine.This("")
	out := &outcome{
		Machine: fmt.Sprintf("%s, %d cores; Linux %s; %s; Cardea %s; %s", m.CPU, m.Cores, m.Kernel, m.Go, m.Commit, m.When.Format("2006-01-02 15:04 MST")),
		Seed:    cfg.Seed, People: cfg.People, Interrupted: a.broken, SendLag: lag, Overflowed: overflowed, Troubles: a.troubles, Problems: a.problems,
	}
	until := 0.0
	for _, p := range a.parts {
		if p.cpu == nil {
			continue // it was not reached
		}
		seconds := max(p.seconds-until, 0.001)
		until = p.seconds
		o := phaseOutcome{
			Name: p.Name, From: show(p.From), To: show(p.To), Seconds: seconds, People: p.mostPeople, Rooms: p.rooms, Joins: p.joins, Failed: p.failed,
			Subscriptions: p.subscriptions, JoinsPerSecond: float64(p.joins) / seconds, Join: report.TimesOf(&p.join), FirstPacket: report.TimesOf(&p.first),
			Expected: p.expected, Received: p.received, PacketsPerSec: float64(p.received) / seconds, CPU: map[string]float64{}, Peers: map[string]float64{},
		}
		if p.expected > 0 {
			o.DeliveredShare = float64(p.received) / float64(p.expected)
		}
		for service, used := range p.cpu {
			o.CPU[service] = 100 * used.Seconds() / seconds
		}
		for node, n := range p.peers {
			o.Peers[node] = n / float64(max(p.sampled, 1))
		}
		out.Phases = append(out.Phases, o)
	}
	out.Seconds = until
	for _, s := range a.samples {
		out.Samples = append(out.Samples, sampleOutcome{s.at, s.wanted, s.there, s.rooms, s.joins, s.packets, s.cpu, s.peers, s.relays})
	}
	return out
}

// failures is what a run must not have: a sentence for each.
func (o *outcome) failures() (sentences []string) {
	joins := 0
	for _, p := range o.Phases {
		joins += p.Joins
	}
	if o.Troubles > 0 {
		sentences = append(sentences, fmt.Sprintf("%d times somebody could not join, got no media, or was given up", o.Troubles))
	}
	if joins == 0 {
		sentences = append(sentences, "nobody has come: this run says nothing")
	}
	return sentences
}

// markdown is for people.
func (o *outcome) markdown() string {
	var w strings.Builder
	fmt.Fprintf(&w, "# A working day in %v, %d people at most\n\n%s. Seed %d.\n\n", time.Duration(o.Seconds*float64(time.Second)).Round(time.Second), o.People, o.Machine, o.Seed)
	if o.Interrupted {
		w.WriteString("Interrupted before the day was over.\n\n")
	}
	var services, nodes []string
	for _, p := range o.Phases {
		services, nodes = slices.Sorted(maps.Keys(p.CPU)), slices.Sorted(maps.Keys(p.Peers))
		if len(nodes) > 0 {
			break
		}
	}
	fmt.Fprintf(&w, "| phase | clock | people | rooms | joins | joins/s | subscriptions | join p50 / p99, ms | first packet p50 / p99, ms | packets/s | delivered %% | CPU %% of a core: %s | PeerConnections: %s |\n",
		strings.Join(services, " / "), strings.Join(nodes, " / "))
	w.WriteString("|---" + strings.Repeat("|---", 12) + "|\n")
	for _, p := range o.Phases {
		fmt.Fprintf(&w, "| %s | %s–%s | %d | %d | %d | %.1f | %d | %.0f / %.0f | %.0f / %.0f | %.0f | %.3f | %s | %s |\n",
			p.Name, p.From, p.To, p.People, p.Rooms, p.Joins, p.JoinsPerSecond, p.Subscriptions, p.Join.P50, p.Join.P99, p.FirstPacket.P50, p.FirstPacket.P99,
			p.PacketsPerSec, 100*p.DeliveredShare, numbers(p.CPU, services), numbers(p.Peers, nodes))
	}
	w.WriteString("\nPeople and rooms: at most at a time. A join is a person's, from dialling until it sends, and has media of all who speak in its room; first packet: of each subscription, from its join. PeerConnections: the mean.\n")
	fmt.Fprintf(&w, "The load generator sent late by: %s. Sockets of this machine had no room for %d datagrams: where either is much, the machine was too busy for what is measured here.\n", o.SendLag, o.Overflowed)
	if o.Troubles > 0 {
		fmt.Fprintf(&w, "\n%d times something went wrong. The first:\n\n", o.Troubles)
		for _, p := range o.Problems {
			fmt.Fprintf(&w, "- %s\n", p)
		}
	}
	return w.String()
}

func numbers(values map[string]float64, names []string) string {
	var shown []string
	for _, n := range names {
		shown = append(shown, fmt.Sprintf("%.0f", values[n]))
	}
	return strings.Join(shown, " / ")
}

// write puts table, figures and drawings into a folder.
func (o *outcome) write(dir string) error {
	b, err := json.MarshalIndent(o, "", " ")
	if err != nil {
		return err
	}
	files := map[string][]byte{"load.md": []byte(o.markdown()), "load.json": append(b, '\n')}
	for name, panels := range o.drawings() {
		files[name+".svg"] = plot.SVG(panels, "s")
	}
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// drawings are by the names of their files.
func (o *outcome) drawings() map[string][]plot.Panel {
	line := func(name string, value func(s *sampleOutcome) float64) plot.Line {
		l := plot.Line{Name: name}
		for i := range o.Samples {
			l.Points = append(l.Points, plot.Point{At: o.Samples[i].Seconds, Value: value(&o.Samples[i])})
		}
		return l
	}
	of := func(values func(s *sampleOutcome) map[string]float64) (all []plot.Line) {
		if len(o.Samples) == 0 {
			return nil
		}
		for _, name := range slices.Sorted(maps.Keys(values(&o.Samples[0]))) {
			all = append(all, line(name, func(s *sampleOutcome) float64 { return values(s)[name] }))
		}
		return all
	}
	panel := func(title, unit string, l ...plot.Line) plot.Panel {
		return plot.Panel{Title: title, Show: func(v float64) string { return fmt.Sprintf("%.0f%s", v, unit) }, Lines: l}
	}
	return map[string][]plot.Panel{
		"people": {
			panel("people", "", line("wanted", func(s *sampleOutcome) float64 { return float64(s.Wanted) }), line("there", func(s *sampleOutcome) float64 { return float64(s.There) })),
			panel("rooms", "", line("rooms", func(s *sampleOutcome) float64 { return float64(s.Rooms) })),
			panel("joins a second", "", line("joins", func(s *sampleOutcome) float64 { return s.Joins })),
		},
		"traffic": {panel("packets a second that subscribers got", "", line("packets", func(s *sampleOutcome) float64 { return s.Packets }))},
		"cpu":     {panel("CPU, percent of a core", " %", of(func(s *sampleOutcome) map[string]float64 { return s.CPU })...)},
		"nodes": {
			panel("PeerConnections", "", of(func(s *sampleOutcome) map[string]float64 { return s.Peers })...),
			panel("feeds had from other nodes", "", of(func(s *sampleOutcome) map[string]float64 { return s.Relays })...),
		},
	}
}
