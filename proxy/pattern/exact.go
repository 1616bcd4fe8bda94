package pattern

import (
	"encoding/binary"
	"math/bits"
)

// exact is a set of whole texts: open addressing, the hash in the slot, so that
// hardly ever more than the text that is meant is compared.
type exact struct {
	slots []slot
	mask  uint32
	text  []byte
}

type slot struct {
	hash, off uint32 // hash 0: empty
	len       uint32
}

// single is a set of one.
type single []byte

func (s single) match(b []byte) bool { return string(b) == string(s) }

func newExact(all []string) texts {
	if len(all) == 1 {
		return single(all[0])
	}
	size := tableSize(len(all))
	e := &exact{slots: make([]slot, size), mask: size - 1}
	for _, s := range all {
		if e.match([]byte(s)) {
			continue
		}
		h := hash([]byte(s))
		i := h & e.mask
		for e.slots[i].hash != 0 {
			i = (i + 1) & e.mask
		}
		e.slots[i] = slot{h, uint32(len(e.text)), uint32(len(s))}
		e.text = append(e.text, s...)
	}
	return e
}

func (e *exact) match(b []byte) bool {
	h := hash(b)
	for i := h & e.mask; ; i = (i + 1) & e.mask {
		s := &e.slots[i]
		if s.hash == 0 {
			return false
		}
		if s.hash == h && int(s.len) == len(b) && string(e.text[s.off:s.off+s.len]) == string(b) {
			return true
		}
	}
}

// tableSize is that of a table for n texts: at most half of it is filled.
func tableSize(n int) uint32 { return 1 << bits.Len(uint(2*n)) }

// hash mixes eight bytes at a time; it is never 0. Patterns come from the
// configuration, so that nobody can make them collide.
func hash(b []byte) uint32 {
	const k = 0x9E3779B97F4A7C15
	h := uint64(len(b)) * k
	for len(b) >= 8 {
		h = bits.RotateLeft64((h^binary.LittleEndian.Uint64(b))*k, 29)
		b = b[8:]
	}
	if len(b) > 0 {
		h = (h ^ tail(b)) * k
	}
	return uint32(h>>32) | 1
}

// tail is up to eight bytes as a word, zeros behind them.
func tail(b []byte) uint64 {
	if len(b) >= 8 {
		return binary.LittleEndian.Uint64(b)
	}
	var w uint64
	for i, c := range b {
		w |= uint64(c) << (8 * i)
	}
	return w
}
