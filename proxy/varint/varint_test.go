package varint

import (
	"bytes"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// What is written is read again, whatever follows, and nothing is read of a part of it.
func TestNumbersComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.Uint64().Draw(t, "v") >> rapid.IntRange(0, 63).Draw(t, "shift")
		b := Append(nil, v)
		got, rest, ok := Read(append(slices.Clip(b), "behind"...))
		if !ok || got != v || string(rest) != "behind" || len(b) > Max {
			t.Fatalf("%d is written as % x and read as %d, %q, %v", v, b, got, rest, ok)
		}
		for i := range b {
			if _, _, ok := Read(b[:i]); ok {
				t.Fatalf("%d bytes of % x are a number", i, b)
			}
		}
	})
}

// The bytes are the reference's: those at the steps from one length to the next.
func TestBytes(t *testing.T) {
	for v, want := range map[uint64]string{0: "\x00", 239: "\xef", 240: "\xf0\x00", 2287: "\xff\x7f", 2288: "\xf0\x80\x00", 264431: "\xff\xff\x7f", 264432: "\xf0\x80\x80\x00"} {
		if got := Append(nil, v); string(got) != want {
			t.Errorf("%d: % x, want % x", v, got, want)
		}
	}
	if _, _, ok := Read(bytes.Repeat([]byte{0xff}, Max+1)); ok {
		t.Error("a number without an end is one")
	}
	if v, _, ok := Read(Append(nil, math.MaxUint64)); !ok || v != math.MaxUint64 {
		t.Errorf("the largest number is read as %d", v)
	}
}

// TestInts tries numbers at the steps from one length to the next.
func TestInts(t *testing.T) {
	if b := Append(nil, 0x1234); !bytes.Equal(b, []byte{0xf4, 0x94, 0x01}) {
		t.Errorf("0x1234 is %x", b)
	}
	for _, v := range []uint64{0, 1, 0xef, 0xf0, 2287, 2288, 264431, 264432, 33818863, 33818864, 1<<32 - 1, 1 << 40, 1<<64 - 1} {
		b := Append(nil, v)
		got, rest, ok := Read(append(b, 7))
		if !ok || got != v || len(rest) != 1 {
			t.Errorf("%d becomes %x, and that %d, %v", v, b, got, ok)
		}
		for i := range b {
			if _, _, ok := Read(b[:i]); ok {
				t.Errorf("%x is read of %d of its bytes", b, i)
			}
		}
	}
	if _, _, ok := Read(bytes.Repeat([]byte{0xff}, 20)); ok {
		t.Error("a number without an end is read")
	}
}
