// Package compress encodes the content of responses as it passes: which coding a request
// takes, and encoders that hold next to nothing between two pieces. Every piece of content
// is complete once it was encoded, so that nobody waits for the next one to read it.
package compress

import (
	"encoding/binary"
	"hash/adler32"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/flate"
)

// Algorithm is a way to encode content.
type Algorithm uint8

// The algorithms, by the names that the language has for them.
const (
	Identity   Algorithm = iota // as it is
	Gzip                        // RFC 1952
	Deflate                     // RFC 1950
	RawDeflate                  // RFC 1951, which some clients take for deflate
	numAlgorithms
)

var names = [numAlgorithms]string{"identity", "gzip", "deflate", "raw-deflate"}

func (a Algorithm) String() string { return names[a] }

// Names lists the algorithms.
func Names() []string { return names[:] }

// Coding is the name of the algorithm in messages.
func (a Algorithm) Coding() string {
	if a == RawDeflate {
		return names[Deflate]
	}
	return names[a]
}

// Encoder encodes one content, piece by piece.
type Encoder struct {
	algorithm Algorithm
	begun     bool
	deflate   *flate.Writer // nil: each piece by itself
	out       buffer
	crc       uint32
	adler     adler
	size      uint32
}

// buffer is what is written to by appending.
type buffer struct{ b []byte }

func (b *buffer) Write(p []byte) (int, error) {
	b.b = append(b.b, p...)
	return len(p), nil
}

// Pool keeps encoders for their next contents. It belongs to one thread.
type Pool struct {
	// Level is how hard to try, from 1 to 9. Up to 1 an encoder has no memory of what came
	// before, and takes none.
	Level int
	free  [numAlgorithms][]*Encoder
}

// keptEncoders is how many of each kind wait for use at most.
const keptEncoders = 64

// Get returns an encoder for a new content.
func (p *Pool) Get(a Algorithm) *Encoder {
	if n := len(p.free[a]); n > 0 {
		e := p.free[a][n-1]
		p.free[a] = p.free[a][:n-1]
		e.reset()
		return e
	}
	e := &Encoder{algorithm: a}
	if p.Level > 1 && a != Identity {
		e.deflate, _ = flate.NewWriter(&e.out, min(p.Level, flate.BestCompression)) // no level is refused
	}
	e.reset()
	return e
}

// Put takes an encoder back.
func (p *Pool) Put(e *Encoder) {
	if len(p.free[e.algorithm]) < keptEncoders {
		e.out.b = nil
		p.free[e.algorithm] = append(p.free[e.algorithm], e)
	}
}

func (e *Encoder) reset() {
	e.begun, e.crc, e.adler, e.size = false, 0, 1, 0
	if e.deflate != nil {
		e.deflate.Reset(&e.out)
	}
}

// Code appends what a piece of content becomes to dst. Behind the last one comes what ends
// the content.
func (e *Encoder) Code(dst, content []byte, last bool) []byte {
	e.out.b = dst
	if e.algorithm == Identity {
		return append(dst, content...)
	}
	if !e.begun {
		e.begun = true
		e.head()
	}
	e.sum(content)
	// Neither fails, as what they write to never does.
	switch {
	case e.deflate == nil:
		_ = flate.StatelessDeflate(&e.out, content, last, nil)
	case last:
		_, _ = e.deflate.Write(content)
		_ = e.deflate.Close()
	default:
		_, _ = e.deflate.Write(content)
		_ = e.deflate.Flush()
	}
	if last {
		e.tail()
	}
	dst, e.out.b = e.out.b, nil
	return dst
}

// head writes what comes before the content.
func (e *Encoder) head() {
	switch e.algorithm {
	case Gzip:
		const unknownSystem = 0xff
		e.out.b = append(e.out.b, 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, unknownSystem)
	case Deflate:
		e.out.b = append(e.out.b, 0x78, 0x01)
	case Identity, RawDeflate, numAlgorithms:
	}
}

func (e *Encoder) sum(content []byte) {
	switch e.algorithm {
	case Gzip:
		e.crc = crc32.Update(e.crc, crc32.IEEETable, content)
		e.size += uint32(len(content))
	case Deflate:
		e.adler.add(content)
	case Identity, RawDeflate, numAlgorithms:
	}
}

// tail writes what comes behind the content.
func (e *Encoder) tail() {
	switch e.algorithm {
	case Gzip:
		e.out.b = binary.LittleEndian.AppendUint32(e.out.b, e.crc)
		e.out.b = binary.LittleEndian.AppendUint32(e.out.b, e.size)
	case Deflate:
		e.out.b = binary.BigEndian.AppendUint32(e.out.b, uint32(e.adler))
	case Identity, RawDeflate, numAlgorithms:
	}
}

// adler is the checksum of RFC 1950, over pieces.
type adler uint32

// add continues the sum: that of two texts follows from the sums of both.
func (a *adler) add(p []byte) {
	const mod = 65521
	s1, s2 := uint32(*a)&0xffff, uint32(*a)>>16
	next := adler32.Checksum(p)
	n1, n2 := next&0xffff, next>>16
	length := uint32(len(p) % mod)
	b := (s2 + n2 + length*((s1+mod-1)%mod)%mod) % mod
	*a = adler(b<<16 | (s1+n1+mod-1)%mod)
}

var _ io.Writer = (*buffer)(nil)
