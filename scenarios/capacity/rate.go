package capacity

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// What is broken in trials that the machine may have broken.
const (
	// unlikely is the chance below which it was not the machine.
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
	// calm are the trials that decide where those that were disturbed are left out; nil
	// where all count.
	calm []*Outcome
	// despite says on which doubtful trials it rests that the rate does not hold, or
	// which are left out.
	despite string
	// saturated says why the generator could not show what becomes of this rate.
	saturated string
}

// made are all trials of a rate that say something.
func (p *point) made() []*Outcome { return slices.Concat(p.trials, p.doubtful) }

// all are those that count.
func (p *point) all() []*Outcome {
	if p.calm != nil {
		return p.calm
	}
	return p.made()
}

func (p *point) count() int { return len(p.all()) }

func (p *point) disturbed() int {
	n := 0
	for _, o := range p.made() {
		if o.Disturbed {
			n++
		}
	}
	return n
}

// mixed reports whether some trials of a rate held and others did not.
func (p *point) mixed() bool {
	held := 0
	for _, o := range p.all() {
		if o.Record.Held {
			held++
		}
	}
	return held > 0 && held < p.count()
}

// judge looks at all trials of a rate together, as they were measured, and reports whether
// they decide. Where trials that the machine may have broken make the difference, those
// that were disturbed are left out, whatever came of them, if they are no more than it
// disturbs at rates that hold: chance is how often that is. They must not be where the
// rate is itself the reason why proxy and origins miss a processor, for only its lucky
// trials would be left. And where no trial is sure, there must be so many of them that
// the machine has hardly broken them all; byChance is how often it breaks one.
func (p *point) judge(lab Lab, chance, byChance float64) (decided bool) {
	p.undecided, p.calm, p.despite = false, nil, ""
	p.judged = lab.Judge(p.all())
	if p.judged.Held || !p.judged.AsMeasured {
		return true
	}
	made, disturbed, doubtful := p.count(), p.disturbed(), len(p.doubtful)
	if disturbed > 0 && disturbed < made && atLeast(disturbed, made, chance) > unlikely {
		p.calm = slices.DeleteFunc(p.made(), func(o *Outcome) bool { return o.Disturbed })
		p.judged = lab.Judge(p.calm)
		p.judged.Doubt = ""
		p.despite = fmt.Sprintf("is judged without %d of %d trials there, which the machine disturbed", disturbed, made)
		return true
	}
	if len(p.trials) == 0 && doubtful < mostDoubtful && math.Pow(byChance, float64(doubtful)) > unlikely {
		p.undecided = true
		return false
	}
	p.judged.Doubt = ""
	p.despite = fmt.Sprintf("rests on %d of %d trials that broke there while the machine did something else, too", doubtful, made)
	return true
}

// atLeast is the chance that k or more of n trials are broken when each is by chance p.
func atLeast(k, n int, p float64) float64 {
	return 1 - distuv.Binomial{N: float64(n), P: p}.CDF(float64(k-1))
}

// chances are about how often the machine disturbs a trial, and how often it breaks one by
// itself, from the trials at lower rates, which hold (by the rule of succession, that is,
// one half where none is known).
func (s *search) chances(rate float64) (disturbed, broken float64) {
	disturbed, broken = 1, 1
	all := 2.0
	for _, p := range s.points {
		if p.rate < rate && !p.undecided && p.judged.Held {
			disturbed += float64(p.disturbed())
			broken += float64(len(p.doubtful))
			all += float64(len(p.made()))
		}
	}
	return disturbed / all, broken / all
}
