package media

import (
	"fmt"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"github.com/cardea-rtc/cardea/proto/mediav1"
)

// TestOnlyTheLoudestAreHeard has three talk in turn in a room where one is to be heard.
func TestOnlyTheLoudestAreHeard(t *testing.T) {
	t.Parallel()
	const uri, speakers = "urn:ietf:params:rtp-hdrext:ssrc-audio-level", 3
	s := start(t)
	var sounds [speakers]*sample
	var slots []*mediav1.Slot
	var ids [speakers]uint8 // of the header extension
	for i := range sounds {
		pub := s.dial(func(d *dialing) { d.extensions = append(d.extensions, uri) })
		sounds[i] = pub.send(webrtc.MimeTypeOpus, "a")
		answer := pub.publish(fmt.Sprint("feed", i), func(r *mediav1.AcceptOfferRequest) {
			r.Rules.Audience, r.Rules.LoudestAudio = "room 1", 1
		})
		ids[i] = uint8(answer.GetStreams()[0].GetAudioLevelId())
		s.awaitUp(pub.id)
		slots = append(slots, slotFor(fmt.Sprint(i), fmt.Sprint("feed", i), "0", "opus"))
	}
	sub := s.dial()
	sub.subscribe(slots...)
	s.awaitUp(sub.id)

	heard := map[string]*received{}
	// speak has all talk for a moment, and counts what was heard of each.
	speak := func(levels [speakers]uint8) (counts [speakers]int) {
		for range 50 {
			for i, sound := range sounds {
				level, err := (&rtp.AudioLevelExtension{Level: levels[i]}).Marshal()
				if err != nil {
					t.Fatal(err)
				}
				if err := sound.next.SetExtension(ids[i], level); err != nil {
					t.Fatal(err)
				}
				sound.write(t)
			}
			time.Sleep(2 * time.Millisecond)
			for len(sub.tracks) > 0 {
				track := <-sub.tracks
				heard[track.ID()] = track
			}
			for name, track := range heard {
				for len(track.packets) > 0 {
					<-track.packets
					for i := range counts {
						if name == fmt.Sprint("janus", i) {
							counts[i]++
						}
					}
				}
			}
		}
		return counts
	}
	for _, loudest := range []int{0, 1, 0, 2} {
		levels := [speakers]uint8{110, 110, 110}
		levels[loudest] = 20
		deadline := time.Now().Add(patience)
		for {
			counts := speak(levels)
			alone := counts[loudest] > 25
			for i, n := range counts {
				alone = alone && (i == loudest || n == 0)
			}
			if alone {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%d talks, heard %v", loudest, counts)
			}
		}
	}
}
