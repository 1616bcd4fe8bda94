package record

import (
	"strconv"

	"bench/internal/result"
	"bench/loadgen/codec"
)

// maxMismatches bounds the mismatches of a load that are shown; the rest is counted.
const maxMismatches = 10

// checkBook counts what the check came to, warm-up included: each request that has
// ended is in one of the four.
type checkBook struct {
	counts [codec.WrongAnswer + 1]uint64
	shown  []result.Difference
}

// Checked notes an answer that is complete, which s has read.
func (r *Recorder) Checked(q *Entry, at int64, s codec.Session) {
	b := r.checks
	if b == nil {
		return
	}
	what := s.Answer().Check
	b.counts[what]++
	if what <= codec.Intact || len(b.shown) >= maxMismatches {
		return
	}
	if e, ok := s.(codec.Explainer); ok {
		order := q.Order
		r.mismatch(q, what, at, e.Explain(&order))
	}
}

// Garbled notes bytes in place of an answer, or behind it, that are none.
func (r *Recorder) Garbled(q *Entry, why string, got []byte, at int64, s codec.Session) {
	b := r.checks
	if b == nil {
		return
	}
	q.garbled = true
	b.counts[codec.WrongAnswer]++
	if len(b.shown) >= maxMismatches {
		return
	}
	d := codec.Difference{Part: why, Offset: -1, Got: got[:min(len(got), codec.MaxShown)]}
	if e, ok := s.(codec.Explainer); ok && s.Answer().Check == codec.WrongAnswer {
		order := q.Order
		d = e.Explain(&order)
	}
	r.mismatch(q, codec.WrongAnswer, at, d)
}

// Unanswered notes a request that has ended without an answer to check.
func (r *Recorder) Unanswered(q *Entry) {
	if r.checks != nil && !q.garbled {
		r.checks.counts[codec.Unchecked]++
	}
}

// mismatch keeps a difference to show it.
func (r *Recorder) mismatch(q *Entry, which codec.Check, at int64, d codec.Difference) {
	direction := result.DirectionAnswer
	if which == codec.WrongRequest {
		direction = result.DirectionRequest
	}
	r.checks.shown = append(r.checks.shown, result.Difference{
		Load: r.name, ID: q.Order.Seq, AtUs: (at - r.Origin) / 1000, Direction: direction,
		Part: printable([]byte(d.Part)), Offset: d.Offset, Expected: printable(d.Expected), Got: printable(d.Got),
	})
}

// printable is text as a Go string shows it, without the quotes.
func printable(p []byte) string {
	q := strconv.QuoteToASCII(string(p))
	return q[1 : len(q)-1]
}

// account is the outcome of the check; nil where it was off.
func (b *checkBook) account() *result.Integrity {
	if b == nil {
		return nil
	}
	return &result.Integrity{
		Checked:  b.counts[codec.Intact] + b.counts[codec.WrongRequest] + b.counts[codec.WrongAnswer],
		Requests: b.counts[codec.WrongRequest], Answers: b.counts[codec.WrongAnswer],
		Unchecked: b.counts[codec.Unchecked], Differences: b.shown,
	}
}
