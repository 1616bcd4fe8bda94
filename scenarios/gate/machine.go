package gate

import (
	"slices"

	"bench/internal/stats"
)

// Gate is a comparison under way.
//
// Pairs are either open, which is where it is looked for what is worse, or fresh, which
// is where what looked worse is confirmed. Fresh pairs confirm only what was marked
// before them; for everything else they count as any other pair.
type Gate struct {
	c      Config
	levels levels
	method method

	measures, counted, all []subject

	pairs, open int       // all, and those that confirm nothing
	fresh       int       // of the confirmation under way, or the last
	confirming  int       // of all confirmations
	round       []subject // being confirmed
	next        Step
	refused     string  // why not even one pair is worth making
	report      *Report // of the pairs so far, nil where nobody has asked for it
}

// New returns a gate that has seen no pair yet. It may be done all the same, where the
// noise floor says that nothing can be told: ask Next.
func New(c Config) (*Gate, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	g := &Gate{c: c, levels: c.levels()}
	g.method = c.method(&g.levels)
	for i, m := range c.Measures {
		r := &ratio{state: state{name: m.Name}, g: g, index: i, sign: 1, noise: m.NoiseSD}
		if m.HigherIsBetter {
			r.sign = -1
		}
		g.measures = append(g.measures, r)
	}
	for i, name := range c.Counted {
		g.counted = append(g.counted, &count{state: state{name: name}, g: g, index: i})
	}
	g.all = slices.Concat(g.measures, g.counted)
	if g.refused = c.belowFloor(); g.refused != "" {
		g.next = Done
	}
	return g, nil
}

// Next says what is wanted.
func (g *Gate) Next() Next {
	n := Next{Step: g.next}
	if g.next == Confirm {
		n.Measures = names(g.round)
	}
	return n
}

// Add takes a pair and says what is wanted next. A gate that is done takes no more.
func (g *Gate) Add(p Pair) Next {
	if g.next == Done {
		return g.Next()
	}
	g.pairs++
	g.report = nil
	for _, s := range g.all {
		s.add(&p)
	}
	if g.next == Confirm {
		g.confirming++
		g.fresh++
		g.confirm()
	} else {
		g.open++
		g.judge()
	}
	return g.Next()
}

// Stop says that no more pairs will be made, although some may be wanted. What those there
// are say holds all the same: it is looked at once more, which the evidence allows after any
// pair. A confirmation that has not come to an end upholds nothing and clears nothing, nor
// does a part of a fixed number of pairs.
func (g *Gate) Stop() {
	if g.next == More && g.method.sequential && g.open >= stats.FirstLook {
		g.clear()
		g.suspect()
	}
	g.next, g.report = Done, nil
}

// due reports whether it is looked at what n pairs say. A fixed number of pairs is looked
// at when it is complete, because its tests hold for one look only.
func (g *Gate) due(n int) bool {
	if g.method.sequential {
		return stats.Look(n)
	}
	return n == g.c.Pairs
}

// last reports whether n pairs are all that are allowed.
func (g *Gate) last(n int) bool {
	if g.method.sequential {
		return n >= g.c.MostPairs
	}
	return n >= g.c.Pairs
}

// judge looks at open pairs.
func (g *Gate) judge() {
	if g.due(g.open) {
		g.clear()
		if g.suspect(); g.next != More {
			return
		}
		if g.settled() {
			g.next = Done
			return
		}
	}
	if g.last(g.open) {
		g.next = Done
	}
}

// confirm looks at fresh pairs, until something is upheld or all has been cleared.
func (g *Gate) confirm() {
	if g.due(g.fresh) {
		g.clear()
		doubts := make([]float64, len(g.round))
		for i, s := range g.round {
			if doubts[i] = 1; !s.st().refuted {
				doubts[i] = s.excess(1, true)
			}
		}
		open := false
		for i, upheld := range g.method.refuted(doubts, g.levels.confirm) {
			st := g.round[i].st()
			switch {
			case upheld && g.round[i].beyond(1):
				st.worse, st.upheld, g.next = true, true, Done
			case g.round[i].within(1, true) <= g.levels.clear:
				st.refuted = true
			}
			open = open || !st.refuted
		}
		if g.next == Confirm && !open {
			g.resume()
		}
	}
	if g.next == Confirm && g.last(g.fresh) {
		g.next = Done
	}
}

// resume goes on with open pairs after a confirmation that upheld nothing. What was
// looked at again has been cleared by pairs that were made for it alone, and is not
// looked at a third time: each measure has one chance to be called worse by mistake.
func (g *Gate) resume() {
	for _, s := range g.round {
		st := s.st()
		st.confirming, st.clearedWorse = false, true
	}
	g.round = nil
	g.next = More
	if !g.method.sequential || g.settled() {
		g.next = Done
		return
	}
	if g.suspect(); g.next == More && g.last(g.open) {
		g.next = Done
	}
}

// clear notes what is better, and what is shown not to be worse or better by the limit.
// That holds from then on, as the evidence does. Of what is counted it does not: one
// pair can show that something happens after all, so it is asked anew.
func (g *Gate) clear() {
	for _, family := range [][]subject{g.measures, g.counted} {
		doubts := make([]float64, len(family))
		for i, s := range family {
			doubts[i] = s.excess(-1, false)
		}
		for i, less := range g.method.refuted(doubts, g.levels.better) {
			s := family[i]
			st := s.st()
			if st.confirming {
				continue
			}
			if !s.lasting() {
				st.better, st.clearedWorse, st.clearedBetter = false, false, false
			}
			// After a confirmation only what came after it was chosen without knowing.
			st.better = st.better || less && s.beyond(-1)
			st.clearedWorse = st.clearedWorse || st.gaveUp == "" && s.within(1, st.suspect) <= g.levels.clear
			st.clearedBetter = st.clearedBetter || s.within(-1, false) <= g.levels.clear
		}
	}
}

// suspect notes what looks worse, and has it confirmed where that is wanted.
func (g *Gate) suspect() {
	for i, family := range [][]subject{g.measures, g.counted} {
		level := g.levels.worse
		if i == 1 {
			level = g.levels.counted
		}
		doubts := make([]float64, len(family))
		for i, s := range family {
			if doubts[i] = 1; !s.st().suspect {
				doubts[i] = s.excess(1, false)
			}
		}
		for i, refuted := range g.method.refuted(doubts, level) {
			if refuted && family[i].beyond(1) {
				g.round = append(g.round, family[i])
			}
		}
	}
	if len(g.round) == 0 {
		return
	}
	for _, s := range g.round {
		st := s.st()
		if !g.c.Confirm {
			st.worse = true
			continue
		}
		st.suspect, st.confirming, st.better = true, true, false
		s.mark()
	}
	if g.next, g.fresh = Confirm, 0; !g.c.Confirm {
		g.next = Done
	}
}

// settled reports whether more pairs are not wanted: because all is decided, or because
// what is not will not be.
func (g *Gate) settled() bool {
	settled := true
	for _, s := range g.all {
		st := s.st()
		if st.settled(g.c.OneSided) {
			continue
		}
		if g.method.sequential && st.gaveUp == "" {
			st.gaveUp = s.hopeless()
		}
		if st.gaveUp == "" || !st.clearedWorse && s.beyond(1) {
			settled = false
		}
	}
	return settled
}

func names(subjects []subject) []string {
	all := make([]string, len(subjects))
	for i, s := range subjects {
		all[i] = s.st().name
	}
	return all
}
