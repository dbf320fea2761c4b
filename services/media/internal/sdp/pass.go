package sdp

import (
	"slices"
	"strings"
)

// Passed is one m= section of a description on its way from one endpoint of a call to the other, as that one is told it.
// Codecs, payload types and the numbers of header extensions are for the two endpoints to agree on.
type Passed struct {
	MID        string
	Kind       Kind
	Protocol   string
	SCTPMap    bool
	Refused    bool
	Direction  Direction // of the endpoint that it comes from, in whose place we are
	Formats    []Format  // in the endpoint's order, retransmissions last
	Extensions []Extension
	RIDs       []string // of the layers that are taken from the endpoint that it goes to
	MSID       string   // of what the endpoint sends that it comes from
}

// passing takes all header extensions that a leg can write.
var passing = Rules{AudioLevel: true, VideoOrientation: true, PlayoutDelay: true, TransportCC: true, Echo: true}

// Pass returns what the other endpoint is told of an offer.
func Pass(offer *Description) []Passed {
	all := make([]Passed, len(offer.Sections))
	for i := range offer.Sections {
		s := &offer.Sections[i]
		all[i] = pass(s)
		var st Stream
		for _, f := range all[i].Formats {
			passing.takeExtensions(s, f.Codec, &st)
		}
		all[i].Extensions = st.Offered
	}
	return all
}

func pass(s *Section) Passed {
	p := Passed{
		MID: s.MID, Kind: s.Kind, Protocol: s.Protocol, SCTPMap: s.SCTPMap, Refused: s.Rejected,
		Direction: s.Direction, Formats: s.passed(), MSID: s.MSID,
	}
	if s.Kind == Data {
		p.Direction = SendRecv
	} else if len(p.Formats) == 0 {
		p.Refused = true
	}
	return p
}

// companions are formats that mean nothing without another, or that are no stream of their own. Of them, only
// retransmissions and redundant audio are relayed.
var companions = map[string]bool{
	"": true, "rtx": true, "red": true, "ulpfec": true, "flexfec": true, "flexfec-03": true, "telephone-event": true, "cn": true,
}

// passed are the formats that the other endpoint is told.
func (s *Section) passed() []Format {
	var all, repair []Format
	for _, f := range s.Formats {
		if companions[f.Codec] {
			continue
		}
		all = append(all, f)
		if pt := repairOf(s, f.PayloadType); pt != nil && s.Kind == Video {
			repair = append(repair, s.formatOf(*pt))
		}
		if pt := redundancyOf(s, f.PayloadType); pt != nil && s.Kind == Audio {
			repair = append(repair, s.formatOf(*pt))
		}
	}
	all = append(all, repair...)
	for i := range all {
		all[i].Feedback = knownFeedback(s.Kind, all[i].Feedback)
	}
	return all
}

func (s *Section) formatOf(pt uint8) Format {
	for _, f := range s.Formats {
		if f.PayloadType == pt {
			return f
		}
	}
	return Format{}
}

// knownFeedback is what of it we give and take. It is a copy.
func knownFeedback(kind Kind, offered []string) []string {
	r := Rules{}
	return r.feedback(kind, Format{Feedback: offered}, true)
}

// Taken is what comes of one m= section of a call for one of its endpoints: the Stream that it sends, and what it is sent.
type Taken struct {
	Stream
	Out Accepted
}

// Agreement is what comes of an offer and its answer that were passed on.
type Agreement struct {
	Offerer, Answerer []Taken  // for each m= section
	Answer            []Passed // what the offerer is told
}

// Agree matches an answer with the offer that it is to. The two must have the same m= sections (RFC 3264, section 6).
func Agree(offer, answer *Description) (*Agreement, error) {
	if len(answer.Sections) != len(offer.Sections) {
		return nil, invalid("%d m= sections in the answer to %d", len(answer.Sections), len(offer.Sections))
	}
	a := &Agreement{}
	for i := range offer.Sections {
		o, n := &offer.Sections[i], &answer.Sections[i]
		if o.Kind != n.Kind || o.MID != n.MID {
			return nil, invalid("m= section %d is %s %q, not %s %q", i, n.Kind, n.MID, o.Kind, o.MID)
		}
		offerer, answerer := agree(o, n)
		offer.layered(&offerer.Stream)
		answer.layered(&answerer.Stream)
		told := pass(n)
		told.Refused, told.Direction = offerer.Refused, offerer.Direction
		told.Extensions, told.Protocol, told.SCTPMap = offerer.Offered, o.Protocol, o.SCTPMap
		if offerer.Direction.Receives() {
			told.RIDs = offerer.RIDs
		}
		a.Offerer, a.Answerer, a.Answer = append(a.Offerer, offerer), append(a.Answerer, answerer), append(a.Answer, told)
	}
	return a, nil
}

func agree(offer, answer *Section) (offerer, answerer Taken) {
	offered, answered, ok := agreedFormats(offer, answer)
	switch {
	case offer.Rejected || answer.Rejected || offer.Kind != Data && !ok:
		return Taken{Stream: refuse(offer)}, Taken{Stream: refuse(answer)}
	case offer.Kind == Data:
		return takenData(offer), takenData(answer)
	}
	return taken(offer, answer, offered, answered), taken(answer, offer, answered, offered)
}

func takenData(s *Section) Taken {
	return Taken{
		Stream: Stream{MID: s.MID, Kind: Data, Protocol: s.Protocol, SCTPMap: s.SCTPMap, Direction: SendRecv},
		Out:    Accepted{MID: s.MID, Ready: true},
	}
}

// agreedFormats are what the answerer wants most, in its own words and in the offerer's: endpoints send the first of an
// answer.
func agreedFormats(offer, answer *Section) (offered, answered Format, ok bool) {
	for _, a := range answer.Formats {
		if companions[a.Codec] {
			continue
		}
		var other *Format
		for i := range offer.Formats {
			o := &offer.Formats[i]
			switch {
			case o.Codec != a.Codec:
			case o.PayloadType == a.PayloadType:
				return *o, a, true
			case other == nil:
				other = o
			}
		}
		if other != nil {
			return *other, a, true
		}
	}
	return Format{}, Format{}, false
}

// taken is what comes of an m= section for the endpoint that has described it as own, the other one having described it as
// other. It is sent what it knows as mine, and sends what the other one knows as theirs (RFC 3264, section 5.1).
func taken(own, other *Section, mine, theirs Format) Taken {
	st := Stream{
		MID: own.MID, Kind: own.Kind, Protocol: own.Protocol, Direction: between(own.Direction, other.Direction),
		SSRCs: own.SSRCs, Repair: own.Repair, RIDs: own.RIDs, Simulcast: own.Simulcast, Format: theirs,
	}
	common := *own
	common.Extensions = slices.DeleteFunc(slices.Clone(own.Extensions), func(x Extension) bool {
		return !ofOneConnection[x.URI] && !slices.ContainsFunc(other.Extensions, func(y Extension) bool { return y.URI == x.URI })
	})
	passing.takeExtensions(&common, theirs.Codec, &st)
	st.Format.Feedback = slices.DeleteFunc(knownFeedback(own.Kind, mine.Feedback), func(fb string) bool {
		return !slices.Contains(theirs.Feedback, fb)
	})
	out := Accepted{MID: own.MID, Ready: st.Direction.Sends(), PayloadType: mine.PayloadType, NACK: st.Feedback("nack"), IDs: st.IDs}
	out.IDs.RID, out.IDs.RepairedRID = 0, 0
	if in, back := repairOf(other, theirs.PayloadType), repairOf(own, mine.PayloadType); in != nil && back != nil && own.Kind == Video {
		st.RTX, out.RTX = in, *back
	}
	if in, back := redundancyOf(other, theirs.PayloadType), redundancyOf(own, mine.PayloadType); in != nil && back != nil && own.Kind == Audio {
		st.RED, out.RED = in, *back
	}
	return Taken{Stream: st, Out: out}
}

// ofOneConnection are header extensions that an endpoint and we use between us, whatever the other one knows.
var ofOneConnection = map[string]bool{
	uriMID: true, uriRID: true, uriRepairedRID: true, uriTransportCC: true, uriAbsSendTime: true,
}

// between is our direction towards an endpoint that says own, the other one saying other.
func between(own, other Direction) Direction {
	sends, receives := own.Receives() && other.Sends(), own.Sends() && other.Receives()
	switch {
	case sends && receives:
		return SendRecv
	case sends:
		return SendOnly
	case receives:
		return RecvOnly
	}
	return Inactive
}

// Relay writes a description for the endpoint that the sections go to. sent has an entry for each.
func Relay(l *Local, sections []Passed, sent []Sent) string {
	w := writer{local: l}
	var bundle []string
	for i := range sections {
		if !sections[i].Refused {
			bundle = append(bundle, sections[i].MID)
		}
	}
	w.session(bundle)
	for i := range sections {
		w.passed(&sections[i], sent[i])
	}
	return w.String()
}

func (w *writer) passed(p *Passed, sent Sent) {
	switch {
	case p.Refused:
		w.refused(&Stream{Kind: p.Kind, Protocol: p.Protocol, MID: p.MID})
		return
	case p.Kind == Data:
		w.data(p.Protocol, p.SCTPMap, p.Direction, p.MID)
		return
	}
	var formats []string
	for _, f := range p.Formats {
		formats = append(formats, formatNumber(f.PayloadType))
	}
	w.head(p.Kind, p.Protocol, strings.Join(formats, " "), p.Direction, p.MID)
	for i := range p.Formats {
		w.format(&p.Formats[i], nil)
	}
	for _, x := range p.Extensions {
		w.line("a=extmap:%d %s", x.ID, x.URI)
	}
	if p.Direction.Sends() && sent.SSRC != 0 {
		w.sent(sent)
	}
	if len(p.RIDs) > 0 {
		w.layers(p.RIDs)
	}
	w.candidates()
}
