package feedback

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"pgregory.net/rapid"
)

// throughWire marshals packets and reads them back.
func throughWire(t interface{ Fatal(...any) }, packets []rtcp.Packet) []byte {
	b, err := rtcp.Marshal(packets)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestTransportFeedbackTellsWhatCame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := rapid.SampledFrom([]uint16{0, 1, 32767, 32768, 65535}).Draw(t, "first")
		var recorder TWCC
		now := time.Duration(rapid.Int64Range(0, 1<<60).Draw(t, "start"))
		want := map[uint16]time.Duration{}
		var seqs []uint16
		for i := range rapid.IntRange(1, 900).Draw(t, "packets") {
			now += time.Duration(rapid.Int64Range(0, int64(30*time.Millisecond)).Draw(t, "pause"))
			if rapid.IntRange(0, 200).Draw(t, "long pause") == 0 {
				now += 10 * time.Second
			}
			if i > 0 && rapid.IntRange(0, 9).Draw(t, "lost") == 0 {
				continue
			}
			seq := first + uint16(i)
			recorder.Record(seq, now)
			want[seq] = now
			seqs = append(seqs, seq)
		}
		var got []packetArrival
		packets, err := rtcp.Unmarshal(throughWire(t, recorder.Append(nil, 1, 2, now)))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range packets {
			n := len(got)
			got = appendArrivals(got, p.(*rtcp.TransportLayerCC))
			var base time.Duration
			for i := n; i < len(got); i++ {
				a := got[i]
				at, came := want[a.Seq]
				if a.Received != came {
					t.Fatalf("packet %d: received %t, want %t", a.Seq, a.Received, came)
				}
				if !came {
					continue
				}
				if base == 0 {
					base = at - a.Arrival
				}
				if d := (at - a.Arrival - base).Abs(); d > 2*deltaUnit {
					t.Fatalf("packet %d: arrival is off by %v", a.Seq, d)
				}
			}
		}
		var told []uint16
		for _, a := range got {
			if a.Received {
				told = append(told, a.Seq)
			}
		}
		if !slices.Equal(told, seqs) {
			t.Fatalf("told of %v, want %v", told, seqs)
		}
	})
}

func TestTransportFeedbackIsDueInTimeOrInNumbers(t *testing.T) {
	var r TWCC
	if r.Due(time.Hour) {
		t.Error("due with nothing recorded")
	}
	r.Record(1, time.Hour)
	if r.Due(time.Hour + 99*time.Millisecond) {
		t.Error("due before 100 ms")
	}
	if !r.Due(time.Hour + 100*time.Millisecond) {
		t.Error("not due after 100 ms")
	}
	for seq := range uint16(twccEnough) {
		r.Record(1+seq, time.Hour)
	}
	if !r.Due(time.Hour) {
		t.Error("not due with many packets")
	}
	if got := len(r.Append(nil, 1, 2, time.Hour)); got != 1 || r.Due(2*time.Hour) {
		t.Errorf("%d packets of feedback, due again: %t", got, r.Due(2*time.Hour))
	}
}

func TestRecordIsBoundedAndDoesNotAllocate(t *testing.T) {
	var r TWCC
	seq := uint16(0)
	r.Record(seq, 1)
	if got := testing.AllocsPerRun(100_000, func() { seq += 3; r.Record(seq, 1) }); got != 0 {
		t.Errorf("%v allocations a packet", got)
	}
	if got := len(r.Append(nil, 1, 2, 2)); got > twccWindow/twccMost+1 {
		t.Errorf("%d packets of feedback", got)
	}
}

func TestCompoundIsReadBack(t *testing.T) {
	var srs, reports, keyframes int
	var seqs []uint16
	h := Handler{
		SenderReport:    func(ssrc uint32, ntp uint64, rtp uint32) { srs++ },
		ReceptionReport: func(*rtcp.ReceptionReport) { reports++ },
		KeyframeRequest: func(ssrc uint32) { keyframes += int(ssrc) },
		NACK:            func(_ uint32, s []uint16) { seqs = slices.Clone(s) },
	}
	packets := slices.Concat(Reports(1, "c", []rtcp.SenderReport{{SSRC: 5, NTPTime: 1, RTPTime: 2}}, make([]rtcp.ReceptionReport, 70))...)
	want := []uint16{65530, 65535, 0, 3, 40}
	packets = append(packets, PLI(1, 7), NACK(1, 5, want), REMB(1, 1_000_000, []uint32{5}))
	if err := h.Handle(throughWire(t, packets)); err != nil {
		t.Fatal(err)
	}
	if srs != 1 || reports != 70 || keyframes != 7 || !slices.Equal(seqs, want) {
		t.Errorf("%d SRs, %d blocks, key frame of %d, NACK of %v", srs, reports, keyframes, seqs)
	}
}

func TestReportsWithoutSendersAreAnRR(t *testing.T) {
	all := Reports(9, "c", nil, nil)
	if len(all) != 1 {
		t.Fatalf("%d compounds", len(all))
	}
	if rr, ok := all[0][0].(*rtcp.ReceiverReport); !ok || rr.SSRC != 9 || len(all[0]) != 2 {
		t.Errorf("got %v", all[0])
	}
	if err := rtcp.CompoundPacket(all[0]).Validate(); err != nil {
		t.Error(err)
	}
}

func TestReportsAreCutWhereAPathMayEnd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		srs := make([]rtcp.SenderReport, rapid.IntRange(0, 100).Draw(t, "senders"))
		for i := range srs {
			srs[i].SSRC = uint32(1000 + i)
		}
		blocks := make([]rtcp.ReceptionReport, rapid.IntRange(0, 200).Draw(t, "blocks"))
		for i := range blocks {
			blocks[i].SSRC = uint32(1 + i)
		}
		cname := strings.Repeat("c", rapid.IntRange(1, 40).Draw(t, "length of the name"))
		var sent, received []uint32
		h := Handler{
			SenderReport:    func(ssrc uint32, _ uint64, _ uint32) { sent = append(sent, ssrc) },
			ReceptionReport: func(r *rtcp.ReceptionReport) { received = append(received, r.SSRC) },
		}
		all := Reports(9, cname, srs, blocks)
		for i, c := range all {
			named, last := c[len(c)-1].(*rtcp.SourceDescription)
			if !last {
				t.Fatalf("compound %d ends with %T", i, c[len(c)-1])
			}
			for n, p := range c[:len(c)-1] {
				var ssrc uint32
				switch p := p.(type) {
				case *rtcp.SenderReport:
					ssrc = p.SSRC
				case *rtcp.ReceiverReport:
					ssrc = p.SSRC
				}
				if chunk := named.Chunks[n]; ssrc == 0 || chunk.Source != ssrc || chunk.Items[0].Text != cname {
					t.Fatalf("compound %d: %T of %d is named by %v", i, p, ssrc, chunk)
				}
			}
			b := throughWire(t, c)
			if len(b) > maxCompound || i+1 < len(all) && len(b) < 31*blockSize {
				t.Errorf("compound %d of %d has %d bytes", i, len(all), len(b))
			}
			if err := h.Handle(b); err != nil {
				t.Fatal(err)
			}
		}
		if len(sent) != len(srs) || len(received) != len(blocks) {
			t.Fatalf("%d of %d SRs, %d of %d blocks", len(sent), len(srs), len(received), len(blocks))
		}
		for i, ssrc := range sent {
			if ssrc != srs[i].SSRC {
				t.Fatalf("SR %d is of %d", i, ssrc)
			}
		}
		for i, ssrc := range received {
			if ssrc != blocks[i].SSRC {
				t.Fatalf("block %d is of %d", i, ssrc)
			}
		}
	})
}

func TestCapIsToldAsJanusTellsIt(t *testing.T) {
	var c Cap
	c.Set(1200)
	tell := func(at time.Duration) int64 {
		if bps, send := c.OnPacket(at); send {
			return int64(bps)
		}
		return -1
	}
	for i, want := range []int64{300, 400, 600, 1200, -1} {
		if got := tell(0); got != want {
			t.Errorf("packet %d is told %d, want %d", i, got, want)
		}
	}
	if got := tell(5 * time.Second); got != 1200 {
		t.Errorf("after 5 s: %d", got)
	}
	c.Set(0)
	if first, then := tell(6*time.Second), tell(20*time.Second); first != 0 || then != -1 {
		t.Errorf("without a cap: %d, then %d", first, then)
	}
}

func FuzzHandle(f *testing.F) {
	b, _ := rtcp.Marshal(append(Reports(1, "c", []rtcp.SenderReport{{SSRC: 5}}, make([]rtcp.ReceptionReport, 2))[0], PLI(1, 7), NACK(1, 5, []uint16{1, 2}), REMB(1, 1000, []uint32{5})))
	f.Add(b)
	var r TWCC
	r.Record(1, 0)
	r.Record(9, time.Second)
	b, _ = rtcp.Marshal(r.Append(nil, 1, 2, 0))
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		h := Handler{
			NACK:            func(uint32, []uint16) {},
			KeyframeRequest: func(uint32) {},
			ReceptionReport: func(*rtcp.ReceptionReport) {},
			SenderReport:    func(uint32, uint64, uint32) {},
			REMB:            func(uint64) {},
			Arrivals: func(a *Arrivals) {
				for _, more := a.Next(); more; _, more = a.Next() {
				}
			},
		}
		_ = h.Handle(b)
	})
}

func TestHandleRefusesWhatIsCutOffAfterDoingWhatIsWhole(t *testing.T) {
	whole := throughWire(t, []rtcp.Packet{PLI(1, 7)})
	for n := 1; n < len(whole); n++ {
		asked := 0
		h := Handler{KeyframeRequest: func(uint32) { asked++ }}
		if err := h.Handle(append(slices.Clone(whole), whole[:n]...)); err == nil {
			t.Errorf("%d bytes of a packet were taken for one", n)
		}
		if asked != 1 {
			t.Errorf("asked for %d key frames, want the 1 before", asked)
		}
	}
}

func TestFIRIsReadAndBYEPassedOver(t *testing.T) {
	var keyframes []uint32
	h := Handler{
		KeyframeRequest: func(ssrc uint32) { keyframes = append(keyframes, ssrc) },
	}
	b := throughWire(t, []rtcp.Packet{
		&rtcp.FullIntraRequest{SenderSSRC: 1, FIR: []rtcp.FIREntry{{SSRC: 5, SequenceNumber: 1}, {SSRC: 6}}},
		&rtcp.Goodbye{Sources: []uint32{7}},
	})
	if err := h.Handle(b); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(keyframes, []uint32{5, 6}) {
		t.Errorf("key frames of %v", keyframes)
	}
	if err := new(Handler).Handle(b); err != nil {
		t.Errorf("a handler of nothing: %v", err)
	}
}
