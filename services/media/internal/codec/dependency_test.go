package codec

import (
	"encoding/hex"
	"errors"
	"testing"
)

// What Chromium sends of an L2T3_KEY stream: a key frame with its structure, then pictures of two spatial layers.
const structure = "800514853aaaa8018004004002a02a0060010015d34514174d144c700874321651118543276809f8059813f80b38"

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestDependencyDescriptorsOfABrowser(t *testing.T) {
	var x Dependencies
	for i, tc := range []struct {
		b    string
		want Descriptor
	}{
		{"c00001" + structure, Descriptor{Keyframe: true, Start: true, End: true, Switch: UpAfter, PictureID: 1}},
		{"c50002", Descriptor{Start: true, End: true, Spatial: 1, Switch: UpAfter, PictureID: 2}},
		{"c30003", Descriptor{Start: true, End: true, Temporal: 2, PictureID: 3}},
		{"c80004", Descriptor{Start: true, End: true, Spatial: 1, Temporal: 2, PictureID: 4}},
		{"c20005", Descriptor{Start: true, End: true, Temporal: 1, Switch: UpAfter, PictureID: 5}},
		{"c70006", Descriptor{Start: true, End: true, Spatial: 1, Temporal: 1, Switch: UpAfter, PictureID: 6}},
		{"86000a", Descriptor{Start: true, Spatial: 1, Switch: UpAfter, PictureID: 10}},
		{"06000a", Descriptor{Spatial: 1, Switch: UpAfter, PictureID: 10}},
		{"46000a", Descriptor{End: true, Spatial: 1, Switch: UpAfter, PictureID: 10}},
	} {
		var got Descriptor
		if err := x.Read(unhex(t, tc.b), uint64(i+1), &got); err != nil {
			t.Errorf("%s: %v", tc.b, err)
		} else if got != tc.want {
			t.Errorf("%s\n got %+v\nwant %+v", tc.b, got, tc.want)
		}
	}
}

func TestDependencyDescriptorsThatMakeNoSense(t *testing.T) {
	key := "c00001" + structure
	for name, b := range map[string]string{
		"nothing": "", "two bytes": "c000", "no such template": "ca0002", "no room for custom indications": "c0000220",
		"structure cut short": key[:40],
	} {
		var x Dependencies
		if err := x.Read(unhex(t, key), 1, new(Descriptor)); err != nil {
			t.Fatal(err)
		}
		d := Descriptor{PictureID: 99}
		if err := x.Read(unhex(t, b), 2, &d); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
		if d != (Descriptor{PictureID: 99}) {
			t.Errorf("%s: changed to %+v", name, d)
		}
		if err := x.Read(unhex(t, "c50003"), 3, &d); err != nil {
			t.Errorf("%s: the structure is lost: %v", name, err)
		}
	}
	var fresh Dependencies
	if err := fresh.Read(unhex(t, "c50002"), 1, new(Descriptor)); !errors.Is(err, ErrMalformed) {
		t.Errorf("without a structure: %v", err)
	}
}

func TestALateStructureIsItsOwnPacketsOnly(t *testing.T) {
	var x Dependencies
	if err := x.Read(unhex(t, "c00001"+structure), 10, new(Descriptor)); err != nil {
		t.Fatal(err)
	}
	other := unhex(t, "d00001"+structure)
	other[3] |= 0x02 // template_id_offset 16
	var d Descriptor
	if err := x.Read(other, 9, &d); err != nil || !d.Keyframe {
		t.Errorf("late: %+v, %v", d, err)
	}
	if err := x.Read(unhex(t, "c50002"), 11, &d); err != nil {
		t.Errorf("after a late one: %v", err)
	}
}

func TestRenumbering(t *testing.T) {
	got := AppendRenumbered([]byte{9}, []byte{0xc1, 0xff, 0xff, 0x80}, 2)
	if hex.EncodeToString(got) != "09c1000180" {
		t.Errorf("got %x", got)
	}
	if got := AppendRenumbered(nil, []byte{0xc1}, 2); hex.EncodeToString(got) != "c1" {
		t.Errorf("got %x", got)
	}
}

func TestReadingDependenciesAllocatesNothing(t *testing.T) {
	var x Dependencies
	key, delta := unhex(t, "c00001"+structure), unhex(t, "c50002")
	var d Descriptor
	if n := testing.AllocsPerRun(100, func() { _ = x.Read(key, 1, &d); _ = x.Read(delta, 2, &d) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzDependencies(f *testing.F) {
	f.Add(unhex(f, "c00001"+structure), unhex(f, "c50002"))
	f.Add([]byte{0xc0, 0, 1, 0xff, 0xff}, []byte{0x80})
	f.Fuzz(func(t *testing.T, first, second []byte) {
		var x Dependencies
		var d Descriptor
		for i, b := range [][]byte{first, second, first} {
			if x.Read(b, uint64(i), &d) == nil && (int(d.Spatial) >= maxTemplates || int(d.Temporal) >= maxTemplates) {
				t.Errorf("layer %d %d", d.Spatial, d.Temporal)
			}
			if got := AppendRenumbered(nil, b, uint16(i)); len(got) != len(b) {
				t.Errorf("%d bytes became %d", len(b), len(got))
			}
		}
	})
}

func TestAStructureCanBeHandedOn(t *testing.T) {
	var x, there Dependencies
	if b, _ := x.Structure(); b != nil {
		t.Errorf("a structure %x of nothing", b)
	}
	if err := x.Read(unhex(t, "c00001"+structure), 10, new(Descriptor)); err != nil {
		t.Fatal(err)
	}
	there.Learn(x.Structure())
	var d Descriptor
	if err := there.Read(unhex(t, "c80004"), 11, &d); err != nil || d.Spatial != 1 || d.Temporal != 2 {
		t.Errorf("%+v, %v", d, err)
	}
	there.Learn([]byte{0xc0, 0, 1, 0xff, 0xff}, 12)
	if err := there.Read(unhex(t, "c80004"), 13, &d); err != nil {
		t.Errorf("after rubbish: %v", err)
	}
}
