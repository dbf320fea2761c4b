package events

import "testing"

func TestUnknownKindsArePassedOver(t *testing.T) {
	for names, want := range map[string]Type{
		"": 0, "none": 0, "sessions, core": Session | Core, "surprise,media": Media,
		"all": Session | Handle | External | JSEP | WebRTC | Media | Plugin | Transport | Core,
	} {
		if got := known(names); got != Mask(want) {
			t.Errorf("%q: %b", names, got)
		}
	}
}
