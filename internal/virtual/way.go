package virtual

import (
	"syscall"
	"time"
)

// delay is how long the next piece takes.
func (w *way) delay() time.Duration {
	if w.link.Delay <= 0 {
		return 0
	}
	return time.Duration(w.link.Delay/2 + w.rng.Int64N(w.link.Delay/2+1))
}

// roomy tells whether so much has arrived that it is worth sending again.
func (w *way) roomy() bool { return len(w.flight) <= w.link.Room*2/3 }

// move has the next piece arrive, if there is anything to arrive and room for it.
func (w *way) move() {
	if w.due || w.over || w.to.connecting {
		return
	}
	room := w.to.closed || len(w.to.unread) < w.link.Room
	if len(w.flight) > 0 && room || len(w.flight) == 0 && (w.end || w.reset) {
		w.due = true
		w.m.After(w.delay(), w.arrive)
	}
}

// arrive has something arrive.
func (w *way) arrive() {
	w.due = false
	if w.over {
		return
	}
	e := w.to
	if e.closed {
		if len(w.flight) > 0 { // nobody is there to take it
			w.flight, w.over = nil, true
			if e.out.over {
				w.m.After(w.delay(), func() { w.from.fail(syscall.ECONNRESET) })
			} else {
				e.cut()
			}
		}
		w.over = w.over || w.end || w.reset
		return
	}
	if n := w.piece(); n > 0 {
		e.unread = append(e.unread, w.flight[:n]...)
		w.flight = w.flight[n:]
		if len(w.flight) == 0 {
			w.flight = nil
		}
		w.m.note(e.name("arrive"), e.number, n, 0)
		e.changed()
		w.from.roomy()
	}
	switch {
	case len(w.flight) > 0:
		w.move()
	case w.reset:
		w.over = true
		w.m.note(e.name("reset"), e.number, 0, 0)
		e.fail(syscall.ECONNRESET)
	case w.end:
		w.over = true
		w.m.note(e.name("end"), e.number, 0, 0)
		e.ended = true
		e.changed()
	}
}

// piece is how much arrives at once.
func (w *way) piece() int {
	n := min(len(w.flight), w.link.Room-len(w.to.unread))
	if n > 1 && w.link.Piece > 0 && w.link.Pieces > 0 {
		w.link.Pieces--
		n = min(n, 1+w.rng.IntN(w.link.Piece))
	}
	return n
}
