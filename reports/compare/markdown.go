package compare

import (
	"bytes"
	"fmt"
	"slices"

	"bench/internal/result"
	"bench/internal/units"
	"bench/reports/internal/markdown"
	"bench/reports/series"
	"bench/reports/words"
)

// markdown is a comment for a pull request: the verdict, what differs, the table, and
// the rest folded away.
func (r *report) markdown() ([]byte, error) {
	c := r.record
	var out bytes.Buffer
	m := markdown.Writer{W: &out}
	esc := markdown.Escape
	base, fresh := words.CompareSides(c)
	m.Line("## %s %s", esc(words.CompareHead(c)), esc(series.OneLine(c.Scenario)))
	if ok, why := judged(c); !ok && why != "" {
		m.Line("\n**%s**", esc(why))
	}
	m.Line("\n%s; %s.", esc(upperFirst(words.CompareSummary(c))), esc(words.ComparePairs(c.Pairs)))
	if ok, _ := judged(c); ok && c.Reason != "" {
		m.Line("%s", esc(series.OneLine(c.Reason)))
	}
	m.Line("\n- base: %s\n- new: %s", esc(base), esc(fresh))
	for _, text := range words.Differs(c) {
		m.Line("- differs, too: %s", esc(text))
	}
	for _, w := range c.Warnings {
		m.Line("- warning: %s", esc(series.OneLine(w)))
	}
	if len(c.Measures) > 0 {
		m.Line("\n![%s](compare.svg)", esc("Changes from base to new with their intervals"))
		m.Table("measure", "base", "new", "change", words.Confidence(c)+" interval", "verdict")
		for _, x := range slices.Concat(measures(c)...) {
			verdict := series.OneLine(x.Verdict)
			if needs := words.NeedsPairs(x); needs != "" {
				verdict += ", " + needs
			}
			m.Row(words.ComparedFull(x), words.ComparedValue(x, x.Base), words.ComparedValue(x, x.New), words.Change(x), words.ChangeInterval(x), verdict)
		}
	}
	if texts := words.Needs(c); len(texts) > 0 {
		m.Line("\nUnclear:")
		for _, t := range texts {
			m.Line("- %s", esc(t))
		}
	}
	if text := words.Confirmation(c); text != "" {
		m.Line("\nSecond look: %s.", esc(text))
	}
	if text := words.Noise(c); text != "" {
		m.Line("\n%s.", esc(upperFirst(text)))
	}
	m.Line("\n<details><summary>How this was compared</summary>\n")
	for _, text := range words.CompareMethod(c) {
		m.Line("- %s", esc(text))
	}
	left := 0
	for i := range c.Runs {
		if c.Runs[i].LeftOut {
			left++
		}
	}
	m.Line("- %s", esc(fmt.Sprintf("%s runs were made, %s of them left out.", units.Count(uint64(len(c.Runs))), units.Count(uint64(left)))))
	m.Line("- command: %s", esc(series.OneLine(c.Command)))
	m.Line("\n</details>")
	return join(&out, m.Err)
}

// measures are the measures by their groups.
func measures(c *result.Comparison) (all [][]*result.ComparedMeasure) {
	for _, g := range words.ComparedGroups(c) {
		all = append(all, g.Measures)
	}
	return all
}

// upperFirst begins a sentence.
func upperFirst(s string) string {
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return s
	}
	return string(s[0]-'a'+'A') + s[1:]
}
