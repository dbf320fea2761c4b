package codec

import "testing"

func TestDescriptorsAreReadAsTheyWere(t *testing.T) {
	for name, payload := range map[string][]byte{
		"long picture id":  {0x90, 0xe0, 0x81, 0x23, 0x45, 0x60, 0x00},
		"short picture id": {0x90, 0xe0, 0x23, 0x45, 0x60, 0x01},
		"none":             {0x10, 0x00},
	} {
		var d, got Descriptor
		if err := Describe(VP8, payload, &d); err != nil {
			t.Fatal(err)
		}
		if b := d.Append(nil); len(b) != DescriptorBytes || !got.ReadDescriptor(b, len(payload)) || got != d {
			t.Errorf("%s: %+v, not %+v", name, got, d)
		}
		if d.PictureIDMask != 0 && got.ReadDescriptor(d.Append(nil), 3) {
			t.Errorf("%s: picture id behind the end", name)
		}
	}
	all := Descriptor{Keyframe: true, Start: true, End: true, Switch: UpAfter, Temporal: 2, Spatial: 1}
	var got Descriptor
	if !got.ReadDescriptor(all.Append(nil), 0) || got != all {
		t.Errorf("%+v, not %+v", got, all)
	}
	for name, b := range map[string][]byte{
		"short": make([]byte, DescriptorBytes-1), "two kinds of picture id": {wireShortID | wireLongID, 0, 0, 0, 0, 0, 0, 0},
		"a way up that there is not": {3 << wireSwitch, 0, 0, 0, 0, 0, 0, 0}, "TL0PICIDX behind the end": {wireTL0, 0, 0, 0, 0, 0, 0, 9},
	} {
		if got.ReadDescriptor(b, 9) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
