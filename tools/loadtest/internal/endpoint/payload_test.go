package endpoint

import (
	"bytes"
	"testing"

	"github.com/pion/rtp"
)

func TestPayloadFollowsTheHeader(t *testing.T) {
	want := []byte{1, 2, 3}
	withExtension := rtp.Header{Version: 2}
	if err := withExtension.SetExtension(1, []byte{9, 9}); err != nil {
		t.Fatal(err)
	}
	for name, header := range map[string]rtp.Header{
		"bare":      {Version: 2},
		"CSRCs":     {Version: 2, CSRC: []uint32{1, 2}},
		"extension": withExtension,
	} {
		b, err := (&rtp.Packet{Header: header, Payload: want}).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if got := payload(b); !bytes.Equal(got, want) {
			t.Errorf("%s: %v", name, got)
		}
		for short := range len(b) - len(want) {
			if got := payload(b[:short]); got != nil {
				t.Errorf("%s cut to %d bytes: %v", name, short, got)
			}
		}
	}
}

func FuzzPayload(f *testing.F) {
	f.Add([]byte{0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xbe, 0xde, 0, 1, 0, 0, 0, 0, 7})
	f.Fuzz(func(_ *testing.T, b []byte) { payload(b) })
}
