package codec

import (
	"bytes"
	"errors"
	"testing"
)

func TestRED(t *testing.T) {
	payload := []byte{
		0x80 | 111, 0x1e, 0x00, 2, // 1920 earlier, 2 bytes
		0x80 | 111, 0x0f, 0x01, 4, // 960 earlier, 260 bytes
		111,
		1, 2,
	}
	payload = append(payload, bytes.Repeat([]byte{3}, 260)...)
	payload = append(payload, 4, 5, 6)
	blocks, primary, err := ParseRED(payload, 111, nil)
	if err != nil || len(blocks) != 2 {
		t.Fatal(blocks, err)
	}
	if b := blocks[0]; b.Age != 1920 || !bytes.Equal(b.Payload, []byte{1, 2}) {
		t.Error("oldest block", b)
	}
	if b := blocks[1]; b.Age != 960 || !bytes.Equal(b.Payload, bytes.Repeat([]byte{3}, 260)) {
		t.Error("second block", b)
	}
	if !bytes.Equal(payload[primary:], []byte{4, 5, 6}) {
		t.Error("primary", payload[primary:])
	}
	RenumberRED(payload, 97)
	if _, _, err := ParseRED(payload, 111, nil); !errors.Is(err, ErrRED) {
		t.Error("another payload type was taken:", err)
	}
	if again, _, err := ParseRED(payload, 97, nil); err != nil || len(again) != 2 {
		t.Error("renumbered:", again, err)
	}
}

func TestREDThatContradictsItself(t *testing.T) {
	for name, b := range map[string][]byte{
		"nothing":                 {},
		"no last header":          {0x80 | 111, 0, 0, 0},
		"a header cut short":      {0x80 | 111, 0},
		"a block beyond its end":  {0x80 | 111, 0, 0, 3, 111, 1, 2},
		"a second codec inside":   {0x80 | 110, 0, 0, 1, 111, 1, 2},
		"another primary payload": {0x80 | 111, 0, 0, 1, 110, 1, 2},
	} {
		if blocks, _, err := ParseRED(b, 111, nil); !errors.Is(err, ErrRED) || len(blocks) != 0 {
			t.Error(name, blocks, err)
		}
	}
}

func FuzzRED(f *testing.F) {
	f.Add([]byte{0x80 | 111, 0x0f, 0, 2, 111, 1, 2, 3})
	f.Add([]byte{111, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		blocks, primary, err := ParseRED(b, 111, nil)
		if err != nil {
			return
		}
		size := 0
		for _, block := range blocks {
			size += len(block.Payload)
		}
		if want := 4*len(blocks) + 1 + size; primary != want || primary > len(b) {
			t.Fatalf("%d blocks of %d bytes, but the primary is at %d of %d", len(blocks), size, primary, len(b))
		}
		own := bytes.Clone(b[primary:])
		RenumberRED(b, 96)
		if again, at, err := ParseRED(b, 96, nil); err != nil || at != primary || len(again) != len(blocks) || !bytes.Equal(b[at:], own) {
			t.Fatal("renumbering changed more than numbers")
		}
	})
}

func TestREDOfTooManyBlocksIsRefused(t *testing.T) {
	for _, n := range []int{maxREDBlocks, maxREDBlocks + 1} {
		var heads, bodies []byte
		for i := range n {
			heads = append(heads, 0x80|111, 0, byte(n-i)<<2, 1)
			bodies = append(bodies, byte(i))
		}
		b := append(append(heads, 111), append(bodies, 0xff)...)
		blocks, _, err := ParseRED(b, 111, nil)
		if refused := n > maxREDBlocks; errors.Is(err, ErrRED) != refused || !refused && len(blocks) != n {
			t.Errorf("%d blocks: %d, %v", n, len(blocks), err)
		}
	}
}
