// Package capacity finds the highest rate at which objectives hold, and says what gave
// way first. It decides which rates are tried and judges what they came to; it starts
// no process and knows no clock: trials are made by a Lab.
package capacity

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"bench/internal/result"
	"bench/internal/units"
)

// Lab makes trials and judges them.
type Lab interface {
	// Trial offers a rate, a second, for so many seconds after a warm-up.
	Trial(ctx context.Context, rate, seconds float64) (*Outcome, error)
	// Judge says whether a rate holds by all of its trials together.
	Judge(all []*Outcome) Judgement
	// Elapsed is how long the search has taken so far, in seconds.
	Elapsed() float64
}

// Outcome is what one trial came to.
type Outcome struct {
	// Record of it. The search sets Number, Held, Broken and BreaksAfterSeconds.
	Record result.Trial
	// Saturated says why the generator, or the machine below it, gave out; "" if it did
	// not. What else the trial came to says nothing then.
	Saturated string
	// Disturbed reports that the machine may have delayed requests by so much that it
	// matters, whatever came of them.
	Disturbed bool
	// Measured is what the objectives look at, and Seen what was seen of the parts.
	Measured *Measured
	Seen     *Seen
}

// Judgement is what becomes of a rate.
type Judgement struct {
	Held   bool
	Broken []string // objectives that did not hold
	// BreaksAfter is when, in seconds, a delay that grows would pass the limit; 0 where
	// none grows.
	BreaksAfter float64
	// Doubt says why the measurement cannot tell; the rate counts as broken then.
	Doubt string
	// AsMeasured reports that it was broken by all that was measured, and the doubt is only
	// whether the proxy broke it or what else the machine did.
	AsMeasured bool
}

// Options of a search. Rates are a second.
type Options struct {
	// From and To bound the rates that are tried; 0 is no bound. A search begins at
	// From, without it at Hint.
	From, To, Hint float64
	// Precision is the width at which the search ends: 0.03 is three percent.
	Precision float64
	// Length of a trial in seconds, its warm-up not included.
	Length func(rate float64) float64
	// Within is how many seconds the search may take; what is known by then is the
	// outcome.
	Within float64
	// Tell is called after each trial; nil is nobody.
	Tell func(*Progress)
}

// Progress is where a search stands after a trial.
type Progress struct {
	Trial *result.Trial
	// Held is the judgement of all trials at this rate, of which there are so many.
	Held   bool
	Trials int
	// Low and High bound the capacity so far; 0 is not known.
	Low, High float64
	// Left is about how many seconds it will still take.
	Left float64
}

// Ended says how a search ended.
type Ended int

// Ways to end.
const (
	Precise   Ended = iota // the capacity is known as well as was asked for
	AtTo                   // the objectives hold at the highest rate allowed
	Below                  // they do not hold at the lowest
	OutOfTime              // the time was up before
	Generator              // the generator gave out before the proxy did
	Disturbed              // the machine was too busy
	Doubtful               // whether the rate above the capacity holds cannot be told
)

// Found is the outcome of a search.
type Found struct {
	Ended Ended
	// Why explains an end other than Precise and AtTo.
	Why string
	// Rate is the capacity, Low and High its bounds; High is 0 where no rate was found
	// that is too high, and all are where none was found that is not.
	Rate, Low, High float64
	// Held and Broken are the trials at the rates next to the capacity, Over those of a
	// rate that is clearly too high, where there is one.
	Held, Broken, Over []*Outcome
	Trials             []*Outcome
	// Doubt says which end rests on trials that the machine may have broken, or leaves
	// them out; "" is none.
	Doubt string
}

// Bounds of a search.
const (
	leastRate = 1.0
	// growth is the step while no bound is known.
	growth = 2.0
	// most trials, and most of them that do not count: in a row, and in all.
	mostTrials  = 120
	mostAgain   = 5
	mostInvalid = 20
	// enough trials make a rate known; of long ones longEnough.
	enough      = 4
	longEnough  = 3
	longSeconds = 5.0
	// clearly above the capacity is a rate that many times it.
	clearly = 1.08
)

type search struct {
	lab     Lab
	o       *Options
	points  []*point // by rate
	found   *Found
	invalid int
	step    float64 // while no bound is known
	ends    int     // trials that both ends should have by now
}

// errEnd ends a search before its precision is reached.
type errEnd struct {
	how Ended
	why string
}

func (e *errEnd) Error() string { return e.why }

// Search finds the capacity: it doubles the rate until the objectives are broken, and
// halves what lies between, geometrically. No bound is trusted on one trial: at each
// refinement both ends are measured again, and a rate is judged by all of its trials
// together. An error is one of the lab; what was found until then is returned with it.
func Search(ctx context.Context, lab Lab, o Options) (*Found, error) {
	s := &search{lab: lab, o: &o, found: &Found{}, step: growth}
	err := s.run(ctx)
	var end *errEnd
	if errors.As(err, &end) {
		err = nil
	}
	s.conclude(end)
	return s.found, err
}

func (s *search) run(ctx context.Context) error {
	for level, width := range widths(s.o.Precision) {
		s.ends = min(level+2, enough)
		if level > 0 {
			s.step = 1 + 2*width
		}
		if err := s.refine(ctx, width); err != nil {
			return err
		}
	}
	s.ends = enough
	return s.refine(ctx, s.o.Precision)
}

// widths are those of the refinements down to the last.
func widths(last float64) []float64 {
	var all []float64
	for _, w := range []float64{0.25, 0.12, 0.06} {
		if w > last*1.3 {
			all = append(all, w)
		}
	}
	return append(all, last)
}

// refine makes trials until the ends lie within a width of each other and have been
// measured often enough.
func (s *search) refine(ctx context.Context, width float64) error {
	for {
		low, high := s.bounds()
		rate := 0.0
		switch {
		case high == nil || low == nil:
			if err := s.explore(ctx, low, high); err != nil {
				return err
			}
			continue
		case high.rate > low.rate*(1+width)*(1+1e-9):
			rate = round(math.Sqrt(low.rate * high.rate))
		case !s.known(low):
			rate = low.rate
		case !s.known(high):
			rate = high.rate
		default:
			return nil
		}
		if err := s.measure(ctx, rate); err != nil {
			return err
		}
	}
}

// known reports whether an end has been measured often enough for the present refinement:
// in the last one twice as often where its trials disagree. One that met a stall would
// decide for all of them otherwise.
func (s *search) known(p *point) bool {
	wanted := s.wanted(p.rate)
	if s.ends == enough && p.mixed() {
		wanted *= 2
	}
	return p.saturated != "" || p.count() >= wanted
}

func (s *search) wanted(rate float64) int {
	if s.o.Length(rate) >= longSeconds {
		return min(s.ends, longEnough)
	}
	return s.ends
}

// explore tries a rate beyond those that are known.
func (s *search) explore(ctx context.Context, low, high *point) error {
	least := max(leastRate, s.o.From)
	switch {
	case low == nil && high == nil:
		first := cmp.Or(s.o.From, s.o.Hint, 100)
		if s.o.To > 0 {
			first = min(first, s.o.To)
		}
		return s.measure(ctx, round(max(first, least)))
	case high == nil:
		if s.o.To > 0 && low.rate >= round(s.o.To) {
			return s.last(ctx, low, &errEnd{AtTo, ""})
		}
		next := low.rate * s.step
		if s.o.To > 0 {
			next = min(next, s.o.To)
		}
		return s.measure(ctx, round(next))
	}
	if high.rate <= round(least) {
		return s.last(ctx, high, &errEnd{Below, fmt.Sprintf("the objectives do not hold at the lowest rate that was tried, %s", perSecond(high.rate))})
	}
	return s.measure(ctx, round(max(high.rate/s.step, least)))
}

// last makes sure of the only end there is before it ends the search.
func (s *search) last(ctx context.Context, p *point, end *errEnd) error {
	if s.ends = enough; !s.known(p) {
		return s.measure(ctx, p.rate)
	}
	return end
}

// round leaves four significant digits of a rate: it is told to others.
func round(rate float64) float64 {
	unit := math.Pow10(int(math.Floor(math.Log10(rate))) - 3)
	return math.Round(rate/unit) * unit
}

// bounds are the lowest rate that does not hold, and the highest below it that does.
// What lies above a rate that does not hold does not count.
func (s *search) bounds() (low, high *point) {
	for _, p := range s.points {
		switch {
		case p.undecided:
		case !p.judged.Held:
			return low, p
		default:
			low = p
		}
	}
	return low, nil
}

// at is the point of a rate.
func (s *search) at(rate float64) *point {
	i, ok := slices.BinarySearchFunc(s.points, rate, func(p *point, r float64) int { return cmp.Compare(p.rate, r) })
	if !ok {
		s.points = slices.Insert(s.points, i, &point{rate: rate})
	}
	return s.points[i]
}

// measure makes a trial at a rate, again where it does not count.
func (s *search) measure(ctx context.Context, rate float64) error {
	seconds := s.o.Length(rate)
	for try := 1; ; try++ {
		if len(s.found.Trials) >= mostTrials {
			return &errEnd{Disturbed, fmt.Sprintf("%d trials have not settled it", mostTrials)}
		}
		if s.o.Within > 0 && s.lab.Elapsed()+seconds+s.overhead() > s.o.Within {
			return &errEnd{OutOfTime, fmt.Sprintf("the time was up; a trial at %s takes %s", perSecond(rate), units.Trim(units.Latency((seconds+s.overhead())*1e6)))}
		}
		o, err := s.lab.Trial(ctx, rate, seconds)
		if err != nil {
			return err
		}
		s.found.Trials = append(s.found.Trials, o)
		o.Record.Number = len(s.found.Trials)
		if o.Record.Invalid != "" {
			s.invalid++
			s.tell(o, nil)
			if try > mostAgain || s.invalid > mostInvalid {
				return &errEnd{Disturbed, fmt.Sprintf("%d trials did not count, the last at %s: %s", s.invalid, perSecond(rate), o.Record.Invalid)}
			}
			continue
		}
		own := s.lab.Judge([]*Outcome{o})
		o.Record.Held, o.Record.Broken, o.Record.BreaksAfterSeconds = own.Held, own.Broken, own.BreaksAfter
		p := s.at(rate)
		decided := true
		switch {
		case o.Saturated != "" && !own.Held:
			p.trials = append(p.trials, o)
			p.saturated, p.judged = o.Saturated, own
		case own.AsMeasured:
			o.Record.Doubt = own.Doubt
			p.doubtful = append(p.doubtful, o)
			decided = s.judge(p)
		default:
			p.trials = append(p.trials, o)
			decided = s.judge(p)
		}
		s.tell(o, p)
		if decided {
			return nil
		}
		try = 0
	}
}

func (s *search) judge(p *point) (decided bool) {
	disturbed, broken := s.chances(p.rate)
	return p.judge(s.lab, disturbed, broken)
}

// overhead is what a trial takes beside its length, from those made so far.
func (s *search) overhead() float64 {
	n := len(s.found.Trials)
	if n == 0 {
		return 0
	}
	sum := s.lab.Elapsed()
	for _, o := range s.found.Trials {
		sum -= o.Record.Seconds
	}
	return max(0, sum/float64(n))
}

// tell shows where the search stands; p is nil for a trial that does not count.
func (s *search) tell(o *Outcome, p *point) {
	if s.o.Tell == nil {
		return
	}
	g := &Progress{Trial: &o.Record, Left: s.left()}
	if p != nil {
		g.Held, g.Trials = p.judged.Held, p.count()
	}
	low, high := s.bounds()
	if low != nil {
		g.Low = low.rate
	}
	if high != nil {
		g.High = high.rate
	}
	s.o.Tell(g)
}

// left is about how long the rest of the search takes, in seconds: the halvings that
// are still to come and the trials that the ends will need, if none of them changes.
func (s *search) left() float64 {
	low, high := s.bounds()
	known, rate := 0, 0.0
	ratio := growth
	for _, p := range []*point{low, high} {
		if p != nil {
			known += min(p.count(), enough)
			rate = max(rate, p.rate)
		}
	}
	if low != nil && high != nil {
		ratio = high.rate / low.rate
	} else {
		known--
	}
	halvings := max(0, math.Ceil(math.Log2(math.Log(ratio)/math.Log1p(s.o.Precision))-1e-9))
	again := float64(2*enough-known) + halvings/2 // half of the halvings make a new end
	left := max(0, halvings+again) * (s.o.Length(max(rate, leastRate)) + s.overhead())
	if s.o.Within > 0 {
		left = min(left, max(0, s.o.Within-s.lab.Elapsed()))
	}
	return left
}

// conclude says what was found; end is why the search ended early, nil if it did not.
func (s *search) conclude(end *errEnd) {
	f := s.found
	low, high := s.bounds()
	if end != nil {
		f.Ended, f.Why = end.how, end.why
	}
	if high != nil && high.saturated != "" {
		f.Ended, f.Why = Generator, high.saturated
	}
	if high != nil {
		f.Broken, f.High = high.all(), high.rate
	}
	if low == nil {
		f.High = 0
		return
	}
	f.Held, f.Low, f.Rate = low.all(), low.rate, low.rate
	if high == nil {
		return
	}
	if high.saturated != "" {
		f.High = 0 // nobody knows what becomes of it
		return
	}
	if why := high.judged.Doubt; why != "" {
		f.High = 0
		if end == nil {
			f.Ended, f.Why = Doubtful, fmt.Sprintf("at %s it cannot be decided: %s", perSecond(high.rate), why)
		}
		if i := slices.IndexFunc(s.points, func(p *point) bool {
			return p.rate > high.rate && !p.undecided && !p.judged.Held && p.saturated == "" && p.judged.Doubt == ""
		}); i >= 0 {
			f.High = s.points[i].rate
		}
		return
	}
	var doubts []string
	if low.despite != "" {
		doubts = append(doubts, fmt.Sprintf("that %s holds %s", perSecond(low.rate), low.despite))
	}
	if high.despite != "" {
		doubts = append(doubts, fmt.Sprintf("that %s is too much %s", perSecond(high.rate), high.despite))
	}
	f.Doubt = strings.Join(doubts, "; ")
	f.Rate = math.Sqrt(low.rate * high.rate)
	for _, p := range s.points {
		if p.rate >= clearly*f.Rate && !p.undecided && !p.judged.Held && p.saturated == "" {
			f.Over = p.all()
			break
		}
	}
	around := margin(f.Rate, s.o.Precision, f.Trials)
	f.Low, f.High = min(f.Low, f.Rate*(1-around)), max(f.High, f.Rate*(1+around))
}
