package loadgen

import (
	"fmt"
	"strconv"
	"strings"

	"bench/internal/integrity"
	"bench/internal/result"
	"bench/internal/units"
)

// Integrity asks that what passed is checked: requests by the origin, answers by the
// generator. The target has to be a mock origin, or a proxy before some.
type Integrity struct {
	// Except lists what the proxy may change; see [integrity.ParseExceptions].
	Except []string `json:"except,omitempty"`
	// Source tells that a download of protocol tcp comes from a mock origin of mode
	// source, whose bytes are known.
	Source bool `json:"source,omitempty"`
}

// checkResult is what the check of an answer came to.
type checkResult uint8

const (
	unchecked    checkResult = iota // nobody said what it should be
	intact                          // it is what was sent, and so was the request
	wrongRequest                    // the origin received another request
	wrongAnswer                     // the answer is not the one that was sent
)

// explainer is a Session that can say where a message differs from what was sent.
type explainer interface {
	// explain is called when the check of an answer has found a difference, before
	// anything else is read or written. o is a copy.
	explain(o *Order) difference
}

// difference is where two messages differ, in words.
type difference struct {
	part          string
	offset        int64 // within the part's text; -1 where it is not known
	expected, got []byte
}

// maxMismatches bounds the mismatches of a load that are shown; the rest is counted.
const maxMismatches = 10

// checkBook counts what the check came to, warm-up included: each request that has
// ended is in one of the four.
type checkBook struct {
	counts [wrongAnswer + 1]uint64
	shown  []result.Difference
}

// check notes an answer that is complete.
func (w *worker) check(c *conn, q *request, at int64) {
	b := w.rec.checks
	r := c.session.Answer().check
	b.counts[r]++
	if r <= intact || len(b.shown) >= maxMismatches {
		return
	}
	if e, ok := c.session.(explainer); ok {
		order := q.order
		w.rec.mismatch(q, r, at, e.explain(&order))
	}
}

// mismatch keeps a difference to show it.
func (r *recorder) mismatch(q *request, which checkResult, at int64, d difference) {
	direction := result.DirectionAnswer
	if which == wrongRequest {
		direction = result.DirectionRequest
	}
	r.checks.shown = append(r.checks.shown, result.Difference{
		Load: r.name, ID: q.order.Seq, AtUs: (at - r.origin) / 1000, Direction: direction,
		Part: printable([]byte(d.part)), Offset: d.offset, Expected: printable(d.expected), Got: printable(d.got),
	})
}

// garbled notes bytes in place of an answer, or behind it, that are none.
func (w *worker) garbled(c *conn, why string, got []byte, at int64) {
	b, q := w.rec.checks, c.flight.head
	if b == nil || q == nil {
		return
	}
	q.garbled = true
	b.counts[wrongAnswer]++
	if len(b.shown) >= maxMismatches {
		return
	}
	d := difference{part: why, offset: -1, got: got[:min(len(got), maxShown)]}
	if e, ok := c.session.(explainer); ok && c.session.Answer().check == wrongAnswer {
		order := q.order
		d = e.explain(&order)
	}
	w.rec.mismatch(q, wrongAnswer, at, d)
}

// maxShown bounds the bytes that are shown where there is nothing to compare with.
const maxShown = 64

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
		Checked:  b.counts[intact] + b.counts[wrongRequest] + b.counts[wrongAnswer],
		Requests: b.counts[wrongRequest], Answers: b.counts[wrongAnswer],
		Unchecked: b.counts[unchecked], Differences: b.shown,
	}
}

// mergeChecks adds up what the members of a load found.
func mergeChecks(loads []*result.Load) *result.Integrity {
	var sum *result.Integrity
	for _, l := range loads {
		if l.Integrity == nil {
			continue
		}
		if sum == nil {
			sum = &result.Integrity{}
		}
		sum.Add(l.Integrity)
		sum.Differences = sum.Differences[:min(len(sum.Differences), maxMismatches)]
	}
	return sum
}

// validateIntegrity says what is wrong with the part of a Spec.
func validateIntegrity(s *Spec, bad func(format string, args ...any)) {
	if s.Integrity == nil {
		return
	}
	if s.Protocol == "redis" || s.Protocol == "mysql" {
		bad("integrity: protocol %s has no place for a digest: want http1 or tcp", s.Protocol)
	}
	if _, err := integrity.ParseExceptions(s.Integrity.Except); err != nil {
		bad("integrity: %s", err)
	}
	if s.Protocol == "tcp" && len(s.Integrity.Except) > 0 {
		bad("integrity: nothing may be excepted from bytes of protocol tcp")
	}
}

// printIntegrity writes what the check came to; nothing where it was off.
func printIntegrity(w *strings.Builder, i *result.Integrity) {
	if i == nil {
		return
	}
	fmt.Fprintf(w, "\nintegrity  %s checked, %s unchecked, %s requests and %s answers altered\n",
		units.Count(i.Checked), units.Count(i.Unchecked), units.Count(i.Requests), units.Count(i.Answers))
	for n := range i.Differences {
		d := &i.Differences[n]
		at := ""
		if d.Offset >= 0 {
			at = fmt.Sprintf(", at byte %d", d.Offset)
		}
		fmt.Fprintf(w, "           %s %d: %s%s\n", d.Direction, d.ID, d.Part, at)
		if d.Expected != "" {
			fmt.Fprintf(w, "             expected %s\n", d.Expected)
		}
		if d.Got != "" {
			fmt.Fprintf(w, "             got      %s\n", d.Got)
		}
	}
}
