package forward

import "time"

// Allowance is what a subscriber's connection has room for. It limits what Targets ask for, and changes nothing of
// what the subscriber is told of those.
type Allowance struct {
	Targets // Fallback means nothing here
	Paused  bool
}

// Unlimited allows everything.
var Unlimited = Allowance{Targets: BestLayers}

// Option is one way for a leg to relay its source.
type Option struct {
	Allowance
	BPS uint64 // what it takes lately, whole datagrams, in bits a second
}

// AppendOptions appends what the source has within the targets, by rising rate and quality; nothing if the leg does
// not flow but for its allowance, or no rate is known yet.
func (l *Leg) AppendOptions(dst []Option, now time.Duration) []Option {
	if l.source == nil || !l.wanted || !l.source.relaying {
		return dst
	}
	o := optionList{all: dst, begin: len(dst)}
	s, t := l.source, &l.choice.targets
	switch {
	case s.cfg.SVC:
		if y := &s.layers[0]; y.rates.known {
			for spatial := range t.SpatialLayer + 1 {
				for temporal := lowestTemporal(spatial, t.TemporalLayer); temporal <= t.TemporalLayer; temporal++ {
					o.add(Targets{SpatialLayer: spatial, TemporalLayer: temporal}, y.rates.upTo(spatial, temporal))
				}
			}
		}
	case len(s.layers) > 1:
		for i := range min(t.Substream+1, len(s.layers)) {
			if y := &s.layers[i]; y.rates.known && y.flows(now, rateGone) {
				for temporal := lowestTemporal(i, t.Temporal); temporal <= t.Temporal; temporal++ {
					o.add(Targets{Substream: i, Temporal: temporal}, y.rates.upTo(sublayers, temporal))
				}
			}
		}
	case s.layers[0].rates.known:
		o.add(BestLayers, s.layers[0].rates.upTo(sublayers, sublayers))
	}
	return o.all
}

// lowestTemporal is the least worth relaying of a layer: a picture that is larger is not better at a quarter of its
// frames.
func lowestTemporal(layer, target int) int {
	if layer > 0 {
		return min(1, target)
	}
	return 0
}

// optionList keeps options in order.
type optionList struct {
	all   []Option
	begin int
}

// add takes an option of higher quality than those before. Those that cost as much are none any more; nor is one that
// adds nothing.
func (o *optionList) add(t Targets, bps uint64) {
	n := len(o.all)
	if n > o.begin && bps == o.all[n-1].BPS && t.Substream == o.all[n-1].Substream && t.SpatialLayer == o.all[n-1].SpatialLayer {
		o.all[n-1].Targets = t // a layer that is not there costs nothing: it may come
		return
	}
	for n > o.begin && o.all[n-1].BPS >= bps {
		n--
	}
	o.all = append(o.all[:n], Option{Allowance: Allowance{Targets: t}, BPS: bps})
}

// Covers reports whether a allows at least what b does.
func (a *Allowance) Covers(b *Allowance) bool {
	if a.Paused || b.Paused {
		return b.Paused
	}
	if a.Substream != b.Substream {
		return a.Substream > b.Substream
	}
	if a.SpatialLayer != b.SpatialLayer {
		return a.SpatialLayer > b.SpatialLayer
	}
	return a.Temporal >= b.Temporal && a.TemporalLayer >= b.TemporalLayer
}

// Allow limits what is relayed. A lower layer is gone to at its next key frame, which is asked for; if atOnce is set,
// the one relayed now is left without waiting.
func (l *Leg) Allow(a Allowance, atOnce bool, now time.Duration) {
	if a == l.choice.allowed {
		return
	}
	l.choice.allowed = a
	l.updateFlow(now)
	if !l.flowing || l.source == nil {
		return
	}
	l.choose(now)
	if atOnce && len(l.source.layers) > 1 && l.choice.current > a.Substream {
		l.leaveLayer()
	}
	if l.climbing() {
		l.ask(0, now)
	}
}

// Allowed returns what was allowed last.
func (l *Leg) Allowed() Allowance { return l.choice.allowed }
