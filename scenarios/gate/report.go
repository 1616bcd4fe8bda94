package gate

import (
	"fmt"
	"math"
	"strings"

	"bench/internal/result"
	"bench/internal/stats"
	"bench/internal/units"
)

// Exit codes of a comparison.
const (
	exitFine    = 0
	exitWorse   = 3
	exitUnclear = 4
)

// Report says what has been found.
func (g *Gate) Report() Report {
	if g.report == nil {
		r := g.newReport()
		g.report = &r
	}
	return *g.report
}

func (g *Gate) newReport() Report {
	r := Report{Pairs: g.pairs, Confirming: g.confirming}
	for _, s := range g.all {
		st := s.st()
		l := s.line()
		l.Verdict, l.Reason = g.word(s, &l)
		if l.Verdict == result.Undecided && g.refused == "" {
			l.Needed = s.needed()
		}
		r.Measures = append(r.Measures, l)
		if st.suspect {
			r.Suspects = append(r.Suspects, st.name)
		}
		if st.upheld {
			r.Upheld = append(r.Upheld, st.name)
		}
	}
	r.Verdict, r.ExitCode = g.verdict(r.Measures)
	r.Reason = g.reason(&r)
	return r
}

// word is the verdict of a measure, and why where the figures do not say it.
func (g *Gate) word(s subject, l *Line) (word, reason string) {
	st := s.st()
	counted, _ := s.(*count)
	if counted != nil {
		reason = counted.story()
	}
	same := l.Low != nil && math.Abs(math.Log1p(*l.Low)) <= g.levels.least && math.Abs(math.Log1p(*l.High)) <= g.levels.least
	switch {
	case g.refused != "":
		return result.Undecided, g.refused
	case st.worse && counted != nil:
		return result.Worse, reason
	case st.worse:
		return result.Slower, ""
	case st.confirming && st.refuted:
		return result.Under(g.levels.share), "looked worse, but not in fresh pairs"
	case st.confirming:
		return result.Undecided, join("looks worse; fresh pairs have not confirmed it", reason)
	case st.better:
		return result.Better, reason
	case st.clearedWorse && (same || counted != nil && st.clearedBetter):
		word = result.Same
	case st.clearedWorse:
		word = result.Under(g.levels.share)
	default:
		return result.Undecided, join(st.gaveUp, reason)
	}
	if st.refuted {
		reason = join("looked worse, but not in fresh pairs", reason)
	}
	return word, reason
}

// verdict is that of the whole: what is worse weighs more than what is unclear, and that
// more than what is better.
func (g *Gate) verdict(lines []Line) (word string, code int) {
	found := map[string]bool{}
	for i := range lines {
		found[lines[i].Verdict] = true
	}
	switch {
	case found[result.Slower]:
		return result.Slower, exitWorse
	case found[result.Worse]:
		return result.Worse, exitWorse
	case found[result.Undecided]:
		return result.Unclear, exitUnclear
	case found[result.Better]:
		return result.Better, exitFine
	case found[result.Under(g.levels.share)]:
		return result.Under(g.levels.share), exitFine
	}
	return result.Same, exitFine
}

// reason says in one line why the verdict is what it is.
func (g *Gate) reason(r *Report) string {
	if g.refused != "" {
		return g.refused
	}
	var parts []string
	for i := range r.Measures {
		l := &r.Measures[i]
		switch {
		case l.Verdict == result.Slower, l.Verdict == result.Better && r.ExitCode == exitFine:
			parts = append(parts, l.Name+" "+g.change(l))
		case l.Verdict == result.Worse:
			parts = append(parts, l.Name+": "+l.Reason)
		case l.Verdict == result.Undecided && r.ExitCode == exitUnclear:
			why := l.Reason
			if why == "" {
				why = "undecided after " + pairs(r.Pairs)
			}
			if l.Needed.About > 0 {
				why += ", needs " + l.Needed.String()
			}
			parts = append(parts, l.Name+": "+why)
		}
	}
	switch {
	case len(parts) == 0:
		return "nothing is worse in " + pairs(r.Pairs)
	case r.ExitCode == exitWorse && len(r.Upheld) > 0:
		return strings.Join(parts, "; ") + "; confirmed by " + units.Count(uint64(g.fresh)) + " fresh pairs"
	}
	return strings.Join(parts, "; ")
}

// change is an estimate with its bounds, in percent.
func (g *Gate) change(l *Line) string {
	text := signed(l.Change)
	if l.Low != nil {
		text += " (" + signed(*l.Low) + " to " + signed(*l.High) + ")"
	}
	return text
}

func signed(share float64) string {
	if share > 0 {
		return "+" + units.Percent(share)
	}
	return units.Percent(share)
}

func pairs(n int) string {
	if n == 1 {
		return "1 pair"
	}
	return units.Count(uint64(n)) + " pairs"
}

// about is how many pairs something takes.
func about(n int) string {
	if n >= stats.TooMany {
		return "more than " + pairs(stats.TooMany)
	}
	return "about " + pairs(n)
}

// String says how many pairs are needed.
func (n Needed) String() string {
	return units.Between(uint64(n.About), uint64(n.Low), uint64(n.High)) + " pairs"
}

// leastToEstimate is the number of pairs from which it is estimated how many more are
// needed. Of fewer the spread is known so badly that the estimate would be a guess, too
// low more often than not.
const leastToEstimate = 10

// among is the estimate about and the least and the greatest of several, none less than
// least.
func among(least, about int, all []int) Needed {
	within := func(n int) int { return min(max(n, least), stats.TooMany) }
	n := Needed{About: within(about), Low: within(about), High: within(about)}
	for _, v := range all {
		n.Low, n.High = min(n.Low, within(v)), max(n.High, within(v))
	}
	if n.High == stats.TooMany {
		n.High = 0
	}
	return n
}

// story says in how many pairs more or less went wrong, and how much in all.
func (c *count) story() string {
	if len(c.pairs) < c.seen {
		return known(len(c.pairs), c.seen)
	}
	more, fewer := turns(c.pairs, 1)
	if more+fewer == 0 {
		return ""
	}
	now, before := c.totals(1)
	return fmt.Sprintf("more in %d and fewer in %d of %s; %s instead of %s", more, fewer, pairs(len(c.pairs)), units.Percent(now), units.Percent(before))
}

// known says why a measure that is not known in enough pairs stays unclear.
func known(n, of int) string {
	return "known in " + units.Count(uint64(n)) + " of " + pairs(of) + " only"
}

// knownThen is known of a measure that was given up after some pairs: more may have come
// since, for the sake of others.
func knownThen(n, of int) string {
	return "known in " + units.Count(uint64(n)) + " of the first " + pairs(of) + " only"
}

// noisy says why a measure stays unclear whose pairs differ too much.
func noisy(sd float64) string {
	return "pairs differ too much, by " + units.Percent(math.Expm1(sd)) + " (standard deviation)"
}

// join puts parts of a sentence together, without those that are empty.
func join(parts ...string) string {
	var all []string
	for _, p := range parts {
		if p != "" {
			all = append(all, p)
		}
	}
	return strings.Join(all, "; ")
}
