package loadgen

import (
	"bytes"

	"bench/internal/loop"
)

// Pieces sends requests in pieces, each some time after the one before, so that they
// come apart. How many there are and where they begin follows from the seed and the
// request's number.
type Pieces struct {
	// Min and Max bound the number of pieces of a head, and again of a body; of
	// protocols without heads, of a request.
	Min int `json:"min"`
	Max int `json:"max"`
	// PauseUs is the longest time between two pieces; 0 is 1 ms.
	PauseUs int64 `json:"pauseUs,omitempty"`
}

const (
	maxPieces    = 1000
	maxPauseUs   = 1_000_000
	pauseUs      = 1000
	drawsOfCuts  = 0x7c1592a0d4b5e7f3
	drawsOfPause = 0x1b873593cc9e2d51
)

func validatePieces(s *Spec, bad func(format string, args ...any)) {
	p := s.Pieces
	if p == nil {
		return
	}
	if p.Min < 1 || p.Max < p.Min || p.Max > maxPieces {
		bad("pieces: want 1 <= min <= max <= %d, not %d and %d", maxPieces, p.Min, p.Max)
	}
	if p.PauseUs < 0 || p.PauseUs > maxPauseUs {
		bad("pieces: a pause of %d µs: want at most %d", p.PauseUs, maxPauseUs)
	}
}

// cutter decides where requests are cut.
type cutter struct {
	min, max int
	pause    uint64 // the longest, ns
	seed     uint64
}

func newCutter(s *Spec) *cutter {
	p := s.Pieces
	if p == nil {
		return nil
	}
	pause := p.PauseUs
	if pause == 0 {
		pause = pauseUs
	}
	return &cutter{min: p.Min, max: p.Max, pause: uint64(pause) * 1000, seed: s.Seed}
}

// pieces is what a connection writes in pieces.
type pieces struct {
	timer   loop.Timer
	cuts    []int64 // where pieces end, in bytes written since the connection began
	draws   draws   // of pauses
	pausing bool
}

// cut notes where a request of so many bytes that begins at from is cut.
func (k *cutter) cut(p *pieces, from int64, text []byte, behind int, seq uint64) {
	d := newDraws(k.seed^drawsOfCuts, seq)
	p.draws = newDraws(k.seed^drawsOfPause, seq)
	head := len(text)
	if i := bytes.Index(text, crlfcrlf); i >= 0 {
		head = i + len(crlfcrlf)
	}
	body := len(text) - head + behind
	p.cuts = k.split(p.cuts, &d, from, head)
	if body > 0 {
		if head > 0 {
			p.cuts = append(p.cuts, from+int64(head))
		}
		p.cuts = k.split(p.cuts, &d, from+int64(head), body)
	}
}

// split appends where a part is cut: each of its pieces but the first begins at a
// place of its own, one in each of as many equal stretches.
func (k *cutter) split(cuts []int64, d *draws, from int64, length int) []int64 {
	n := uint64(min(length, k.min+int(d.below(uint64(k.max-k.min)+1))))
	for i := uint64(1); i < n; i++ {
		low, high := i*uint64(length)/n, (i+1)*uint64(length)/n
		cuts = append(cuts, from+int64(low+d.below(high-low)))
	}
	return cuts
}

// room is how much of n bytes may be written now.
func (c *conn) room(n int) int {
	p := c.pieces
	switch {
	case p.pausing:
		return 0
	case len(p.cuts) > 0:
		return int(min(int64(n), p.cuts[0]-c.sent))
	}
	return n
}

// piece begins a pause where a piece has been written.
func (c *conn) piece() {
	p := c.pieces
	if len(p.cuts) == 0 || c.sent < p.cuts[0] {
		return
	}
	p.cuts = p.cuts[:copy(p.cuts, p.cuts[1:])]
	p.pausing = true
	c.w.loop.SetTimer(&p.timer, loop.Nanotime()+1+int64(p.draws.below(c.w.cutter.pause)), c)
}

// Expired implements loop.TimerHandler: a pause is over.
func (c *conn) Expired(*loop.Timer) {
	c.pieces.pausing = false
	if c.pending() {
		c.flush()
	}
}

// whole forgets what was to be written in pieces.
func (c *conn) whole() {
	if p := c.pieces; p != nil {
		c.w.loop.StopTimer(&p.timer)
		p.cuts, p.pausing = p.cuts[:0], false
	}
}
