package capacity

import (
	"fmt"
	"math"
	"slices"
)

// What is broken in trials that the machine may have broken.
const (
	// unlikely is the chance below which it was not the machine in all of them.
	unlikely = 0.05
	// mostDoubtful of them decide whatever the chance.
	mostDoubtful = 6
)

// point is one rate that was tried.
type point struct {
	rate   float64
	trials []*Outcome // that say by themselves whether the rate holds
	// doubtful are trials that broke the objectives while the machine did something else,
	// too. One of them says little, several in a row that it was the rate.
	doubtful []*Outcome
	judged   Judgement
	// undecided is a rate that takes more trials before anything is known of it.
	undecided bool
	// despite says on which doubtful trials it rests that the rate does not hold.
	despite string
	// saturated says why the generator could not show what becomes of this rate.
	saturated string
}

// count of the trials that say something.
func (p *point) count() int { return len(p.trials) + len(p.doubtful) }

func (p *point) all() []*Outcome { return slices.Concat(p.trials, p.doubtful) }

// mixed reports whether some trials of a rate held and others did not.
func (p *point) mixed() bool {
	held := 0
	for _, o := range p.trials {
		if o.Record.Held {
			held++
		}
	}
	return held > 0 && held < p.count()
}

// judge looks at all trials of a rate together, as they were measured, and reports whether
// they decide. Trials that the machine may have broken must not be left out while those
// that held in spite of it count: near the capacity, where both happen, only the lucky
// ones would be left. But where there are no others, there must be so many of them that
// the machine has hardly broken them all; chance is how often it breaks one.
func (p *point) judge(lab Lab, chance float64) (decided bool) {
	p.undecided, p.despite = false, ""
	p.judged = lab.Judge(p.all())
	if p.judged.Held || !p.judged.AsMeasured {
		return true
	}
	doubtful := len(p.doubtful)
	if len(p.trials) == 0 && doubtful < mostDoubtful && math.Pow(chance, float64(doubtful)) > unlikely {
		p.undecided = true
		return false
	}
	p.judged.Doubt = ""
	p.despite = fmt.Sprintf("%d of %d trials that broke there while the machine did something else, too", doubtful, p.count())
	return true
}

// byChance is about how often the machine breaks a trial by itself, from the trials at
// lower rates, which hold (by the rule of succession, that is, one half where none is
// known).
func (s *search) byChance(rate float64) float64 {
	broken, all := 1.0, 2.0
	for _, p := range s.points {
		if p.rate < rate && !p.undecided && p.judged.Held {
			broken += float64(len(p.doubtful))
			all += float64(p.count())
		}
	}
	return broken / all
}
