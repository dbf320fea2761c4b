package node

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/cardea-rtc/cardea/services/media/internal/forward"
	"github.com/cardea-rtc/cardea/services/media/internal/recording"
	"github.com/cardea-rtc/cardea/services/media/internal/sdp"
)

// Recording says where a peer's streams are written; with an empty Base they are not.
type Recording struct {
	Base         string // path within the node's folder, relative or absolute, to which -audio-0.mjr and the like are added
	Otherwise    string // taken for Base, and stamped, if that leads elsewhere; empty for none
	Stamped      bool   // the time of the start goes between
	Unnumbered   bool   // it is -audio.mjr
	Take         uint32 // another take is another recording, whatever its base
	Descriptions map[string]string
}

func (r *Recording) same(other *Recording) bool {
	return r.Base == other.Base && r.Stamped == other.Stamped && r.Unnumbered == other.Unnumbered && r.Take == other.Take
}

// recorded is what is written of a publisher. Streams have their own files.
type recorded struct {
	Recording
	base     string              // with the time; empty before the first file
	first    string              // base of the files at the first node that has any; empty if there are none yet
	moves    int                 // from node to node since then
	names    map[string]int      // how many files have had a name
	parked   map[int]*recorder   // by m= section, of streams that have ended and may come back
	messages *recording.Recorder // nil if there is no data, or none of it is written
}

// setRecording begins what is to be recorded, and ends what is not any more.
func (pub *publisher) setRecording(r *Recording, now time.Duration) {
	if r == nil || r.same(&pub.recorded.Recording) {
		return
	}
	pub.stopRecording(now)
	pub.recorded.Recording = *r
	pub.record(now)
}

// record begins the files of streams that have none yet, as soon as media can come.
func (pub *publisher) record(now time.Duration) {
	rec := &pub.recorded
	if rec.Base == "" || !pub.peer.up {
		return
	}
	if rec.base == "" {
		rec.begin(pub.peer.node.cfg.Recordings)
	}
	for i := range pub.offered {
		s := &pub.offered[i]
		switch in := pub.streams[i]; {
		case in != nil && in.recorder == nil:
			in.record(i, now)
		case s.Kind == sdp.Data && !s.Refused && rec.messages == nil:
			rec.messages = pub.openFile(i, recording.Data, recording.Header{Description: rec.Descriptions[s.MID]})
		}
	}
}

// begin gives files their base name. Those of later nodes are told from the first one's by how many moves there were.
func (rec *recorded) begin(folder *recording.Folder) {
	rec.names, rec.parked = map[string]int{}, map[int]*recorder{}
	if rec.first != "" {
		rec.base = fmt.Sprintf("%s-moved-%d", rec.first, rec.moves)
		return
	}
	base, stamped := rec.Base, rec.Stamped
	within, ok := folder.Within(base)
	if !ok && rec.Otherwise != "" {
		stamped = true
		within, _ = folder.Within(rec.Otherwise)
	}
	base = within // on the node to which the peer may go the folder may be another
	rec.base, rec.moves = base, 0
	if stamped {
		rec.base = fmt.Sprintf("%s-%d", base, time.Now().UnixMicro())
	}
	rec.first = rec.base
}

func (pub *publisher) stopRecording(now time.Duration) {
	for _, in := range pub.streams {
		if in != nil {
			in.stopRecording(now)
		}
	}
	for _, r := range pub.recorded.parked {
		r.file.Close()
	}
	if pub.recorded.messages != nil {
		pub.recorded.messages.Close()
	}
	pub.recorded = recorded{}
}

// openFile begins the file of an m= section. One of the same recording that had its name is kept: what comes after an
// m= section was recycled, or has another codec, goes to -audio-0-2.mjr and so on. It returns nil if there is none.
func (pub *publisher) openFile(index int, t recording.Type, h recording.Header) *recording.Recorder {
	rec := &pub.recorded
	name := fmt.Sprintf("%s-%s", rec.base, t)
	if !rec.Unnumbered {
		name = fmt.Sprintf("%s-%d", name, index)
	}
	rec.names[name]++
	if n := rec.names[name]; n > 1 {
		name = fmt.Sprintf("%s-%d", name, n)
	}
	h.Type, h.E2EE = t, pub.terms.E2EE
	p := pub.peer
	r, err := p.node.cfg.Recordings.Record(name+".mjr", h, p.log)
	if err != nil {
		p.log.Warn("not recorded", "err", err)
		return nil
	}
	return r
}

// recorder is a leg that ends in a file.
type recorder struct {
	file       *recording.Recorder
	leg        *forward.Leg
	mid, codec string
}

// record begins the stream's file: the best layer there is, from a key frame on. The file of one that was inactive goes on.
func (in *inbound) record(index int, now time.Duration) {
	if r := in.publisher.unpark(index); r != nil {
		if r.mid == in.agreed.MID && r.codec == in.agreed.Format.Codec {
			r.leg.Connect(in.stream, now)
			in.recorder = r
			return
		}
		r.file.Close()
	}
	kind := recording.Audio
	if in.video() {
		kind = recording.Video
	}
	payloadType, ids, uris := in.agreed.Recorded()
	pub := in.publisher
	file := pub.openFile(index, kind, recording.Header{
		Codec: in.agreed.Format.Codec, Fmtp: in.parameters(), Extensions: uris, Description: pub.recorded.Descriptions[in.agreed.MID],
	})
	if file == nil {
		return
	}
	leg := forward.NewLeg(forward.LegConfig{
		Codec: in.codec, SSRC: rand.Uint32(), PayloadType: payloadType, Extensions: ids, Quiet: true,
		Sender: file, Observer: deaf{},
	})
	leg.Connect(in.stream, now)
	leg.SetTargets(forward.BestLayers, now)
	leg.SetFlowing(true, now)
	in.recorder = &recorder{file: file, leg: leg, mid: in.agreed.MID, codec: in.agreed.Format.Codec}
}

// park keeps the file of a stream that ends, as one does whose m= section becomes inactive.
func (in *inbound) park(index int, now time.Duration) {
	if in.recorder != nil {
		in.recorder.leg.Disconnect(now)
		in.publisher.recorded.parked[index] = in.recorder
		in.recorder = nil
	}
}

// unpark returns what park has kept of an m= section, or nil.
func (pub *publisher) unpark(index int) *recorder {
	r := pub.recorded.parked[index]
	delete(pub.recorded.parked, index)
	return r
}

// parameters are those of the codec that a file names.
func (in *inbound) parameters() string {
	name := map[string]string{"vp9": "profile-id", "h264": "profile-level-id"}[in.agreed.Format.Codec]
	if v := in.agreed.Parameter(name); name != "" && v != "" {
		return name + "=" + v
	}
	return ""
}

func (in *inbound) stopRecording(now time.Duration) {
	if in.recorder != nil {
		in.recorder.leg.Disconnect(now)
		in.recorder.file.Close()
		in.recorder = nil
	}
}

// deaf is an observer that nobody hears of.
type deaf struct{}

func (deaf) SubstreamChanged(int)     {}
func (deaf) TemporalChanged(int)      {}
func (deaf) SpatialLayerChanged(int)  {}
func (deaf) TemporalLayerChanged(int) {}
