// Package compare renders what `bench compare` found: console, page, picture, Markdown
// for a pull request, JUnit, benchstat text and OpenMetrics, all of one record. How it
// was measured and judged is for others.
package compare

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bench/internal/result"
	"bench/internal/units"
	"bench/reports/page"
	"bench/reports/series"
	"bench/reports/words"
)

// file is one that Render can write.
type file struct {
	format, name, title string
	render              func(*report) ([]byte, error)
}

// files are all of them, in the order in which they are named. Some formats have two.
func files() []file {
	return []file{
		{"html", "compare.html", "this page", (*report).html},
		{"md", "compare.md", "for a pull request", (*report).markdown},
		{"svg", "compare.svg", "the changes as a picture", func(r *report) ([]byte, error) { return page.ComparisonPicture(r.record) }},
		{"junit", "junit.xml", "a case for each measure that decides", (*report).junit},
		{"benchstat", "base.txt", "the runs of base, for benchstat", func(r *report) ([]byte, error) { return benchstat(r.record, series.SideBase), nil }},
		{"benchstat", "new.txt", "the runs of new, for benchstat", func(r *report) ([]byte, error) { return benchstat(r.record, series.SideNew), nil }},
		{"openmetrics", "metrics.om", "for Prometheus", func(r *report) ([]byte, error) { return metrics(r.record), nil }},
	}
}

// Formats lists what Render can write.
func Formats() (formats []string) {
	for _, f := range files() {
		if !slices.Contains(formats, f.format) {
			formats = append(formats, f.format)
		}
	}
	return formats
}

// report is a comparison whose texts are safe to show.
type report struct {
	record *result.Comparison
	dir    string
}

// Is reports whether dir is the folder of a comparison.
func Is(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, result.ComparisonFile))
	return err == nil
}

// Write writes the record into dir and renders every format there. The runs are found by
// their Dir: beneath dir, or where it says.
func Write(dir string, c *result.Comparison) ([]string, error) {
	raw, err := json.MarshalIndent(c, "", " ")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", result.ComparisonFile, err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	if err := replace(filepath.Join(dir, result.ComparisonFile), append(raw, '\n')); err != nil {
		return nil, err
	}
	names, err := Render(dir, nil)
	return append([]string{result.ComparisonFile}, names...), err
}

// replace puts a file in place in one step: on a full disk what was there before stays, and
// nothing is left that is half of a file.
func replace(path string, content []byte) error {
	temp := path + ".new"
	err := os.WriteFile(temp, content, 0o644)
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		_ = os.Remove(temp) // if it was made at all
	}
	return err
}

// Render reads the record of a comparison in dir and writes the formats beside it, all of
// them when none is named. It returns the files written; where one cannot be, the others
// are all the same. The same folder gives the same bytes.
func Render(dir string, formats []string) ([]string, error) {
	c, err := Read(filepath.Join(dir, result.ComparisonFile))
	if err != nil {
		return nil, err
	}
	for _, f := range formats {
		if !slices.Contains(Formats(), f) {
			return nil, fmt.Errorf("a comparison cannot be written as %q: its formats are %s", f, strings.Join(Formats(), ", "))
		}
	}
	r := &report{record: c, dir: dir}
	var names []string
	var faults error
	for _, f := range files() {
		if len(formats) > 0 && !slices.Contains(formats, f.format) {
			continue
		}
		content, err := f.render(r)
		if err == nil {
			err = replace(filepath.Join(dir, f.name), content)
		}
		if err != nil {
			faults = errors.Join(faults, fmt.Errorf("%s: %w", f.name, err))
			continue
		}
		names = append(names, f.name)
	}
	return names, faults
}

// Read reads a record and makes its texts safe to show.
func Read(file string) (*result.Comparison, error) {
	raw, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: no %s, so this is not the folder of a comparison", filepath.Dir(file), filepath.Base(file))
	}
	if err != nil {
		return nil, err
	}
	c := new(result.Comparison)
	if err := json.Unmarshal(raw, c); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if c.Version != 1 {
		return nil, fmt.Errorf("%s: a record of version %d; this bench reads version 1", file, c.Version)
	}
	if c.EndedAt == "" {
		cutOff(c)
	}
	series.Clean(c)
	return c, nil
}

// cutOff makes of the record of a comparison that was killed, which says what would hold
// if it had ended by itself then, one that says so.
func cutOff(c *result.Comparison) {
	reason := "it was cut off after " + words.ComparePairs(c.Pairs)
	if c.Verdict != "" {
		reason += ", when it stood at " + c.Verdict
		if c.Reason != "" {
			reason += ": " + c.Reason
		}
	}
	c.Verdict, c.Reason = result.Partial, reason
	c.ExitCode = exitUnclear
}

// exitUnclear is the exit code of a comparison that has told nothing.
const exitUnclear = 4

// clean is a copy of a record whose texts are safe to show.
func clean(c *result.Comparison) *result.Comparison {
	out := new(result.Comparison)
	raw, err := json.Marshal(c)
	if err == nil {
		err = json.Unmarshal(raw, out)
	}
	if err != nil { // a value JSON cannot hold, such as NaN
		out.Verdict, out.Reason, out.Scenario = result.Invalid, "the record cannot be read: "+err.Error(), c.Scenario
	}
	series.Clean(out)
	return out
}

func (r *report) html() ([]byte, error) {
	var list []page.Attachment
	for _, f := range files() {
		if f.format != "html" {
			list = append(list, page.Attachment{Name: f.name, Title: f.title})
		}
	}
	list = append(list, page.Attachment{Name: result.ComparisonFile, Title: "everything, for programs"})
	return page.Comparison(r.record, r.charts(), list)
}

// mostCells bounds the cells whose charts the page shows.
const mostCells = 4

// charts reads the typical run of each side.
func (r *report) charts() page.ComparisonCharts {
	out := page.ComparisonCharts{Beside: make(map[string]bool)}
	for i := range r.record.Runs {
		if dir := r.record.Runs[i].Dir; r.beside(dir) {
			out.Beside[dir] = true
		}
	}
	var runs [2]*series.Data
	for i, side := range []string{series.SideBase, series.SideNew} {
		run, by := series.TypicalRun(r.record, side)
		if run == nil {
			out.About = append(out.About, "No run of "+side+" counts.")
			continue
		}
		d, err := r.open(run)
		if err != nil {
			out.About = append(out.About, "The results of "+side+" are not at hand: "+series.OneLine(err.Error())+".")
			continue
		}
		runs[i] = d
		n := len(series.Counted(r.record, side))
		text := fmt.Sprintf("%s: the run of pair %d", side, run.Pair)
		if by != "" && n > 1 {
			text += fmt.Sprintf(", whose %s is the median of %s", strings.TrimPrefix(by, "response."), units.Count(uint64(n)))
		}
		out.About = append(out.About, text+".")
	}
	if runs[0] == nil && runs[1] == nil {
		return out
	}
	names := r.cellNames(runs)
	if n := len(names) - mostCells; n > 0 {
		out.About = append(out.About, fmt.Sprintf("%d more cells are in the reports of the runs.", n))
		names = names[:mostCells]
	}
	for _, name := range names {
		cell := page.TypicalCell{Name: name, Base: analysis(runs[0], name), New: analysis(runs[1], name)}
		if len(names) == 1 {
			cell.Name = ""
		}
		out.Cells = append(out.Cells, cell)
	}
	return out
}

// open reads the folder of a run: beneath that of the comparison, or where its name says.
func (r *report) open(run *result.ComparedRun) (*series.Data, error) {
	if r.beside(run.Dir) {
		return series.Open(filepath.Join(r.dir, run.Dir))
	}
	return series.Open(run.Dir)
}

// beside reports whether the folder of a run lies beneath that of the comparison.
func (r *report) beside(dir string) bool {
	if dir == "" || !filepath.IsLocal(dir) {
		return false
	}
	info, err := os.Stat(filepath.Join(r.dir, dir))
	return err == nil && info.IsDir()
}

// cellNames are the cells of the runs, those with the gravest verdict first.
func (r *report) cellNames(runs [2]*series.Data) (names []string) {
	for _, d := range runs {
		if d == nil {
			continue
		}
		for _, c := range d.Cells {
			if !slices.Contains(names, c.Name) {
				names = append(names, c.Name)
			}
		}
	}
	rank := make(map[string]int)
	for _, m := range words.Gated(r.record) {
		k := 0
		switch {
		case words.IsWorse(m.Verdict):
			k = 2
		case !words.Decided(m.Verdict):
			k = 1
		}
		rank[m.Cell] = max(rank[m.Cell], k)
	}
	slices.SortStableFunc(names, func(a, b string) int { return rank[b] - rank[a] })
	return names
}

// analysis is that of a cell by name; nil where the run has none. A run with one cell has
// that, whatever it is called.
func analysis(d *series.Data, name string) *series.Analysis {
	if d == nil {
		return nil
	}
	for _, c := range d.Cells {
		if c.Name == name || len(d.Cells) == 1 {
			return series.Analyse(c)
		}
	}
	return nil
}

// judged reports whether the comparison as a whole can be believed; why not, if it cannot.
func judged(c *result.Comparison) (ok bool, why string) {
	switch c.Verdict {
	case result.Invalid, result.Partial, result.NotComparable:
		why = c.Reason
		if why == "" {
			why = strings.Join(words.Differs(c), "; ")
		}
		return false, why
	}
	return true, ""
}

// baseUnit is a value in the unit in which programs want it, and that unit: seconds,
// bytes, or none.
func baseUnit(v float64, unit string) (float64, string) {
	switch unit {
	case "us":
		return round(v / 1e6), "seconds"
	case "bytes":
		return v, "bytes"
	case "%":
		return v, "ratio"
	}
	return v, ""
}

// round drops what a division in binary adds behind the twelfth digit.
func round(v float64) float64 {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return v
	}
	scale := math.Pow10(12 - int(math.Ceil(math.Log10(math.Abs(v)))))
	if r := math.Round(v*scale) / scale; !math.IsNaN(r) && !math.IsInf(r, 0) {
		return r
	}
	return v
}

func join(b *bytes.Buffer, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
