package worker

import (
	"bytes"

	"bench/internal/loop"
	"bench/loadgen/draw"
	"bench/loadgen/http1"
	"bench/loadgen/workload"
)

const (
	pauseUs      = 1000
	drawsOfCuts  = 0x7c1592a0d4b5e7f3
	drawsOfPause = 0x1b873593cc9e2d51
)

// cutter decides where requests are cut.
type cutter struct {
	min, max int
	pause    uint64 // the longest, ns
	seed     uint64
}

func newCutter(s *workload.Spec) *cutter {
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
	cuts    []int64    // where pieces end, in bytes written since the connection began
	draws   draw.Draws // of pauses
	pausing bool
}

// cut notes where a request of this many bytes that begins at from is cut.
func (k *cutter) cut(p *pieces, from int64, text []byte, behind int, seq uint64) {
	d := draw.New(k.seed^drawsOfCuts, seq)
	p.draws = draw.New(k.seed^drawsOfPause, seq)
	head := len(text)
	if i := bytes.Index(text, http1.HeadEnd); i >= 0 {
		head = i + len(http1.HeadEnd)
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
func (k *cutter) split(cuts []int64, d *draw.Draws, from int64, length int) []int64 {
	n := uint64(min(length, k.min+int(d.Below(uint64(k.max-k.min)+1))))
	for i := uint64(1); i < n; i++ {
		low, high := i*uint64(length)/n, (i+1)*uint64(length)/n
		cuts = append(cuts, from+int64(low+d.Below(high-low)))
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
	c.w.loop.SetTimer(&p.timer, loop.Nanotime()+1+int64(p.draws.Below(c.w.cutter.pause)), c)
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
