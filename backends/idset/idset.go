// Package idset keeps exact sets of request numbers as paged bitmaps: small
// while numbers are dense, bounded when they are not, and written in a compact
// form for the wire. What a number stands for may not enter.
package idset

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"math/bits"
	"slices"
)

const (
	// PageBits is the count of consecutive numbers that share a page of 8 KiB.
	PageBits = 1 << 16
	// MaxPages bounds a set to 64 MiB, which is 536 million dense numbers.
	MaxPages = 8192

	pageWords = PageBits / 64
)

type page [pageWords]uint64

// Set is a set of numbers. The zero value is empty. It is not safe for use by
// several goroutines at once.
type Set struct {
	pages map[uint64]*page
	// last is the page met last: numbers come nearly in order.
	last   *page
	lastNo uint64
	count  uint64
}

// Result of adding a number.
type Result uint8

// Results of Add.
const (
	Added   Result = iota // it was not there
	Present               // it was there already
	Full                  // not there, and no page left to keep it
)

// Add puts n into the set. It allocates only when n opens a page.
func (s *Set) Add(n uint64) Result {
	no := n / PageBits
	p := s.last
	if p == nil || s.lastNo != no {
		if p = s.page(no); p == nil {
			return Full
		}
	}
	w, bit := &p[n%PageBits/64], uint64(1)<<(n%64)
	if *w&bit != 0 {
		return Present
	}
	*w |= bit
	s.count++
	return Added
}

func (s *Set) page(no uint64) *page {
	p := s.pages[no]
	if p == nil {
		if len(s.pages) >= MaxPages {
			return nil
		}
		if s.pages == nil {
			s.pages = make(map[uint64]*page)
		}
		p = new(page)
		s.pages[no] = p
	}
	s.last, s.lastNo = p, no
	return p
}

// Has reports whether n is in the set.
func (s *Set) Has(n uint64) bool {
	p := s.pages[n/PageBits]
	return p != nil && p[n%PageBits/64]&(1<<(n%64)) != 0
}

// Len is the count of numbers in the set.
func (s *Set) Len() uint64 { return s.count }

// Merge adds all of o and returns how many numbers both had. It fails when the
// union needs more than MaxPages; s then holds a part of it.
func (s *Set) Merge(o *Set) (common uint64, err error) {
	for no, from := range o.pages {
		to := s.page(no)
		if to == nil {
			return common, fmt.Errorf("merging id sets: more than %d pages of %d ids", MaxPages, PageBits)
		}
		for i, w := range from {
			both := bits.OnesCount64(w & to[i])
			common += uint64(both)
			s.count += uint64(bits.OnesCount64(w) - both)
			to[i] |= w
		}
	}
	return common, nil
}

// Clone returns a copy that shares nothing with s.
func (s *Set) Clone() *Set {
	c := &Set{count: s.count, pages: make(map[uint64]*page, len(s.pages))}
	for no, p := range s.pages {
		q := *p
		c.pages[no] = &q
	}
	return c
}

// All iterates over the numbers in rising order.
func (s *Set) All() iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		for _, no := range slices.Sorted(maps.Keys(s.pages)) {
			for i, w := range s.pages[no] {
				for ; w != 0; w &= w - 1 {
					if !yield(no*PageBits + uint64(i)*64 + uint64(bits.TrailingZeros64(w))) {
						return
					}
				}
			}
		}
	}
}

// Minus iterates over the numbers of s that are not in o, in rising order.
func (s *Set) Minus(o *Set) iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		for n := range s.All() {
			if !o.Has(n) && !yield(n) {
				return
			}
		}
	}
}

// MarshalText writes the set in base64 of DEFLATE of its pages, each the number
// of the page as a varint and its bits in little-endian words.
func (s *Set) MarshalText() ([]byte, error) {
	var out bytes.Buffer
	enc := base64.NewEncoder(base64.StdEncoding, &out)
	z, err := flate.NewWriter(enc, flate.BestSpeed)
	if err != nil {
		return nil, err
	}
	var raw []byte
	for _, no := range slices.Sorted(maps.Keys(s.pages)) {
		raw = binary.AppendUvarint(raw[:0], no)
		for _, w := range s.pages[no] {
			raw = binary.LittleEndian.AppendUint64(raw, w)
		}
		if _, err := z.Write(raw); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(z.Close(), enc.Close()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// UnmarshalText reads what MarshalText wrote.
func (s *Set) UnmarshalText(text []byte) error {
	*s = Set{}
	r := &counted{r: flate.NewReader(base64.NewDecoder(base64.StdEncoding, bytes.NewReader(text)))}
	var raw [pageWords * 8]byte
	for {
		before := r.n
		no, err := binary.ReadUvarint(r)
		if errors.Is(err, io.EOF) && r.n == before {
			return nil
		}
		if err == nil {
			_, err = io.ReadFull(r, raw[:])
		}
		if err != nil {
			return fmt.Errorf("id set cut short or damaged after %d pages: %w", len(s.pages), err)
		}
		if s.pages[no] != nil {
			return fmt.Errorf("id set has page %d twice", no)
		}
		p := s.page(no)
		if p == nil {
			return fmt.Errorf("id set has more than %d pages", MaxPages)
		}
		for i := range p {
			p[i] = binary.LittleEndian.Uint64(raw[8*i:])
			s.count += uint64(bits.OnesCount64(p[i]))
		}
	}
}

// counted reads bytes one at a time or many, and counts them.
type counted struct {
	r io.Reader
	n int64
	b [1]byte
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

func (c *counted) ReadByte() (byte, error) {
	_, err := io.ReadFull(c, c.b[:])
	return c.b[0], err
}
