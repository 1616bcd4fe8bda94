package words

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"bench/internal/result"
	"bench/internal/units"
	"bench/reports/series"
)

// CompareHead is the verdict of a comparison as its first line has it: in capitals.
func CompareHead(c *result.Comparison) string {
	if c.Verdict == "" {
		return result.Unclear
	}
	return strings.ToUpper(series.OneLine(c.Verdict))
}

// ComparedName is the name of a measure within its group: "p99", "cpu/request".
func ComparedName(m *result.ComparedMeasure) string {
	name := m.Name
	if m.Load != "" {
		name = strings.TrimPrefix(strings.TrimPrefix(name, m.Load+"/"+m.Class+"."), m.Load+".")
	}
	return series.OneLine(strings.TrimPrefix(name, "response."))
}

// ComparedGroup is what a measure is of, where it is not of everything: "cell
// poller=epoll, load clients, request GET".
func ComparedGroup(m *result.ComparedMeasure) string {
	var parts []string
	for _, p := range [][2]string{{"cell ", m.Cell}, {"load ", m.Load}, {"request ", m.Class}} {
		if p[1] != "" {
			parts = append(parts, p[0]+series.OneLine(p[1]))
		}
	}
	return strings.Join(parts, ", ")
}

// MeasureGroup are the measures of the same cell, load and kind of request.
type MeasureGroup struct {
	Name     string // "" for all loads of the only cell
	Measures []*result.ComparedMeasure
}

// ComparedGroups puts measures of the same together, in the order in which they come
// first.
func ComparedGroups(c *result.Comparison) (groups []MeasureGroup) {
	for i := range c.Measures {
		m := &c.Measures[i]
		name := ComparedGroup(m)
		k := slices.IndexFunc(groups, func(g MeasureGroup) bool { return g.Name == name })
		if k < 0 {
			k = len(groups)
			groups = append(groups, MeasureGroup{Name: name})
		}
		groups[k].Measures = append(groups[k].Measures, m)
	}
	return groups
}

// ComparedFull is the name of a measure with its group: "p99 (load clients)".
func ComparedFull(m *result.ComparedMeasure) string {
	if group := ComparedGroup(m); group != "" {
		return ComparedName(m) + " (" + group + ")"
	}
	return ComparedName(m)
}

// ComparedValue prints a value of a measure, or that it is not known.
func ComparedValue(m *result.ComparedMeasure, v float64) string {
	if !m.Known {
		return units.None
	}
	if m.Unit == "bytes" {
		return units.Bytes(v)
	}
	return Quantity(v, m.Unit)
}

// IsShare reports that the change of a measure is the difference of two shares, in
// percentage points, not a ratio: of what is counted and may be 0.
func IsShare(m *result.ComparedMeasure) bool { return m.Unit == "1" || m.Unit == "%" }

// Change prints the change of a measure: "+12 %", "-0.3 pp" (percentage points), "0 %".
func Change(m *result.ComparedMeasure) string {
	switch {
	case !m.Known:
		return units.None
	case IsShare(m):
		return units.Change(m.ChangePercent) + " pp"
	}
	return units.Change(m.ChangePercent) + " %"
}

// mostOfInterval is the greatest bound that is printed as it is, in percent: that of two
// pairs can have any number of digits.
const mostOfInterval = 1000

// ChangeInterval prints the bounds of the change: "-4 .. +0.3"; "-" without any.
func ChangeInterval(m *result.ComparedMeasure) string {
	if !m.Known || m.Low == nil && m.High == nil {
		return units.None
	}
	low, high := "", ""
	if m.Low != nil {
		low = units.Change(*m.Low)
	}
	if m.High != nil {
		high = units.Change(*m.High)
		if *m.High > mostOfInterval {
			high = "> " + units.Change(mostOfInterval)
		}
	}
	return strings.TrimSpace(low + " .. " + high)
}

// Confidence is what the intervals of a comparison hold: "99 %".
func Confidence(c *result.Comparison) string {
	alpha := c.Alpha
	if alpha <= 0 || alpha >= 1 {
		alpha = 0.01
	}
	return strconv.FormatFloat(math.Round((1-alpha)*1e4)/1e2, 'f', -1, 64) + " %"
}

// IsWorse reports that a verdict of a measure, or of a comparison, is that something got
// worse.
func IsWorse(verdict string) bool { return verdict == result.Slower || verdict == result.Worse }

// Decided reports that the verdict of a measure answers the question.
func Decided(verdict string) bool {
	switch verdict {
	case result.Slower, result.Worse, result.Better, result.Same:
		return true
	}
	return strings.HasPrefix(verdict, "under ") // the bound that it is cleared of
}

// Gated are the measures that decide.
func Gated(c *result.Comparison) (gated []*result.ComparedMeasure) {
	for i := range c.Measures {
		if c.Measures[i].Gated {
			gated = append(gated, &c.Measures[i])
		}
	}
	return gated
}

// CompareSummary says in how many measures the new side is worse: "new is worse in 1 of
// 6 measures, better in 1, unclear in 1".
func CompareSummary(c *result.Comparison) string {
	gated := Gated(c)
	if len(gated) == 0 {
		return "figures without a verdict"
	}
	worse, better, unclear := 0, 0, 0
	for _, m := range gated {
		switch {
		case IsWorse(m.Verdict):
			worse++
		case m.Verdict == result.Better:
			better++
		case !Decided(m.Verdict):
			unclear++
		}
	}
	of := fmt.Sprintf("of %d measures", len(gated))
	if len(gated) == 1 {
		of = "of 1 measure"
	}
	var parts []string
	add := func(word string, n int) {
		if n == 0 {
			return
		}
		text := fmt.Sprintf("%s in %d", word, n)
		if len(parts) == 0 {
			text += " " + of
		}
		parts = append(parts, text)
	}
	add("worse", worse)
	add("better", better)
	add("unclear", unclear)
	if len(parts) == 0 {
		return "new is worse in none " + of
	}
	return "new is " + strings.Join(parts, ", ")
}

// ComparePairs is the number of pairs: "5 pairs", "0 pairs".
func ComparePairs(n int) string {
	if n == 1 {
		return "1 pair"
	}
	return units.Count(uint64(max(n, 0))) + " pairs"
}

// CompareSides are base and new in words.
func CompareSides(c *result.Comparison) (base, fresh string) {
	return SideText(&c.Base), SideText(&c.New)
}

// SideText is one side in a few words: what was asked for, or the proxy.
func SideText(s *result.ComparisonSide) string {
	proxy := series.OneLine(strings.TrimSpace(s.Proxy.Driver + " " + s.Proxy.Version))
	label := series.OneLine(s.Label)
	switch {
	case label == "":
		return proxy
	case proxy == "" || strings.Contains(label, proxy):
		return label
	}
	return label + " (" + proxy + ")"
}

// Differs prints the facts that differ, the decisive ones first: "kernel (6.1 / 6.2)".
func Differs(c *result.Comparison) (texts []string) {
	for _, decisive := range []bool{true, false} {
		for _, f := range c.Differs {
			if f.Decisive == decisive {
				texts = append(texts, fmt.Sprintf("%s (%s / %s)", series.OneLine(f.Name), nothing(f.Base), nothing(f.New)))
			}
		}
	}
	return texts
}

func nothing(s string) string {
	if s = series.OneLine(s); s == "" {
		return "unknown"
	}
	return s
}

// NeedsPairs says how many pairs would decide a measure that is unclear: "needs 40 to 120
// pairs"; "" where that is not known.
func NeedsPairs(m *result.ComparedMeasure) string {
	if Decided(m.Verdict) || m.PairsNeeded <= 0 {
		return ""
	}
	return "needs " + units.Between(uint64(m.PairsNeeded), uint64(max(m.PairsNeededLow, 0)), uint64(max(m.PairsNeededHigh, 0))) + " pairs"
}

// Needs says what is unclear and how many pairs would decide it: "p99.9 needs 14 to 40
// pairs".
func Needs(c *result.Comparison) (texts []string) {
	for _, m := range Gated(c) {
		switch {
		case Decided(m.Verdict):
		case m.PairsNeeded > 0:
			texts = append(texts, ComparedFull(m)+" "+NeedsPairs(m))
		case m.Reason != "":
			texts = append(texts, ComparedFull(m)+": "+series.OneLine(m.Reason))
		case !m.Known:
			texts = append(texts, ComparedFull(m)+": too few samples in a run to state it")
		default:
			texts = append(texts, ComparedFull(m))
		}
	}
	return texts
}

// Confirmation says what became of the second look; "" without one.
func Confirmation(c *result.Comparison) string {
	k := c.Confirmed
	if k == nil {
		return ""
	}
	names := func(list []string) string {
		var all []string
		for _, n := range list {
			all = append(all, series.OneLine(strings.TrimPrefix(n, "response.")))
		}
		return strings.Join(all, ", ")
	}
	var cleared, open []string
	for _, n := range k.Measures {
		switch {
		case slices.Contains(k.Upheld, n):
		case slices.ContainsFunc(c.Measures, func(m result.ComparedMeasure) bool { return m.Name == n && m.Verdict == result.Undecided }):
			open = append(open, n)
		default:
			cleared = append(cleared, n)
		}
	}
	text := "looked worse: " + names(k.Measures) + "; "
	switch k.Pairs {
	case 0:
		return text + "no fresh pair was made to confirm it"
	case 1:
		text += "1 fresh pair "
	default:
		text += units.Count(uint64(max(k.Pairs, 0))) + " fresh pairs "
	}
	switch {
	case len(open) == len(k.Measures):
		return text + "did not decide it"
	case len(k.Upheld) == 0 && open == nil:
		return text + "did not uphold it"
	case cleared == nil && open == nil:
		return text + "upheld it"
	}
	var parts []string
	for _, p := range []struct {
		did   string
		names []string
	}{{"upheld ", k.Upheld}, {"did not uphold ", cleared}, {"did not decide ", open}} {
		if len(p.names) > 0 {
			parts = append(parts, p.did+names(p.names))
		}
	}
	return text + strings.Join(parts, ", ")
}

// Settings are what was asked for on one side; "" if nothing was.
func Settings(s *result.ComparisonSide) string { return series.OneLine(strings.Join(s.Settings, ", ")) }

// CompareMethod explains how a comparison was made and judged, a sentence or two each.
func CompareMethod(c *result.Comparison) (texts []string) {
	least, limit := units.Trim(units.Percent(c.MinEffect)), result.Limit(c.MinEffect)
	if c.Interleaved {
		texts = append(texts, fmt.Sprintf("A pair is one run of each side, back to back, each with processes of its own. A coin (seed %d) decided which of the two came first, so that neither drift of the machine nor anything that comes back regularly favours a side.", c.Seed))
	} else {
		texts = append(texts, "The runs of the two sides did not alternate. Whatever changed on the machine between them counts as a change of the proxy here: of two programs that are the same, first half against second half has called two in five measures changed. The figures are for orientation.")
	}
	texts = append(texts,
		"The change is the Hodges-Lehmann estimate over the pairs' ratios new / base (the median of their pairwise means, in logarithms); of what is counted, and may be 0, it is the difference of the shares in percentage points (pp). Percentiles are those of each run, never of merged runs: one stalled run would decide otherwise. base and new are medians over the runs, of counts the sums.")
	switch c.Method {
	case "sequential":
		texts = append(texts,
			"The verdict comes from a sign e-process, which stays valid whenever one stops: after every second pair from the sixth on, it weighs how many pairs went which way. A measure is worse if that evidence and the estimate both exceed their bounds (least effect "+least+"), and cleared (\""+result.Under(limit)+"\") once a slowdown of "+units.Trim(units.Percent(limit))+" is as strongly contradicted.")
	case "fixed":
		texts = append(texts,
			"The number of pairs was fixed beforehand. A measure is worse or better if a test on the pairs' logarithms rejects \"no change\", corrected for the number of measures (Holm), and the estimate exceeds the least effect of "+least+".")
	}
	if names := gatedNames(c); names != "" {
		texts = append(texts, "Only "+names+" decide; the other measures are shown without a verdict. \"same\" means that the whole interval lies within ±"+least+" (the grey band). Intervals hold the true change with a confidence of "+Confidence(c)+".")
	}
	return texts
}

// gatedNames lists the names of the gated measures, each once.
func gatedNames(c *result.Comparison) string {
	var names []string
	for _, m := range Gated(c) {
		if name := ComparedName(m); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) > 8 {
		return fmt.Sprintf("%d measures", len(names))
	}
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
	return strings.Join(names, "")
}

// Noise says which changes the host can tell at all; "" where that was not measured.
func Noise(c *result.Comparison) string {
	f := c.Floor
	if f == nil {
		return ""
	}
	// By number of pairs, in the order of the measures.
	var counts []int
	parts := make(map[int][]string)
	for i := range f.Measures {
		m := &f.Measures[i]
		at := 0
		for n := range m.Floor {
			// The least number of pairs that is not fewer than there were, else the most.
			switch {
			case at == 0, at < c.Pairs && n > at, n >= c.Pairs && n < at:
				at = n
			}
		}
		if at == 0 {
			continue
		}
		if !slices.Contains(counts, at) {
			counts = append(counts, at)
		}
		parts[at] = append(parts[at], series.OneLine(strings.TrimPrefix(m.Name, "response."))+" "+units.Percent(m.Floor[at]))
	}
	var texts []string
	for _, n := range counts {
		texts = append(texts, "with "+ComparePairs(n)+" "+strings.Join(parts[n], ", "))
	}
	if len(texts) == 0 {
		return ""
	}
	return "the smallest change this host can detect: " + strings.Join(texts, "; ")
}
