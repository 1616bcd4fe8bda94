// Package draw gives the random numbers of requests: they follow from the seed of a load
// and the number of a request, so that a second try of it is the same. Whole texts are
// for package template.
package draw

import (
	"slices"

	"bench/internal/dist"
)

// Draws are the random numbers of one request (SplitMix64): they follow from the
// seed of the load and the number of the request, so that a second try of it is
// the same.
type Draws uint64

// New begins the draws of the request with a number in a load with a seed.
func New(seed, seq uint64) Draws {
	d := Draws(seed)
	return Draws(d.Next() ^ seq*0x9e3779b97f4a7c15)
}

func (d *Draws) Next() uint64 {
	*d += 0x9e3779b97f4a7c15
	z := uint64(*d)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// Unit draws from the open interval from 0 to 1.
func (d *Draws) Unit() float64 { return (float64(d.Next()>>12) + 0.5) / (1 << 52) }

// Below draws from 0 to n-1; n is at least 1. The bias of at most n/2⁶⁴ is
// beyond what any load could show.
func (d *Draws) Below(n uint64) uint64 { return d.Next() % n }

// MaxValue bounds the values of a distribution without a greatest one.
const MaxValue = 64 << 20

// Filling appends as many letters x as the distribution says.
func (d *Draws) Filling(dst []byte, size *dist.Size) []byte {
	n, fixed := size.Fixed()
	if !fixed {
		n = min(size.Quantile(d.Unit()), MaxValue)
	}
	from := len(dst)
	dst = slices.Grow(dst, int(n))[:from+int(n)]
	for filled := dst[from:]; len(filled) > 0; {
		filled = filled[copy(filled, lettersX):]
	}
	return dst
}

// lettersX is what fills bodies whose content does not matter.
const lettersX = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

// Text appends n characters of an alphabet.
func (d *Draws) Text(dst []byte, n int64, alphabet string) []byte {
	for range n {
		dst = append(dst, alphabet[d.Below(uint64(len(alphabet)))])
	}
	return dst
}

// NumberDigits is the width of the number of a request, or of a key, as text.
const NumberDigits = 12

// AppendNumber appends a sequence number in its fixed width.
func AppendNumber(dst []byte, seq uint64) []byte {
	var digits [NumberDigits]byte
	for i := NumberDigits - 1; i >= 0; i-- {
		q := seq / 10
		digits[i] = byte('0' + seq - q*10)
		seq = q
	}
	return append(dst, digits[:]...)
}

// OfText keeps the random text of a request independent of its class.
const OfText = 0x5bd1e9955bd1e995
