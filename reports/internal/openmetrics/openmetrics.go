// Package openmetrics writes metrics in the OpenMetrics text format 1.0, which
// Prometheus scrapes. Only types that the older text format knows too are offered, so
// that a textfile collector can read the same file. What is measured is for others.
package openmetrics

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Types of families.
const (
	Gauge     = "gauge"
	Counter   = "counter"   // its samples end in _total
	Histogram = "histogram" // _bucket with le, _sum, _count
	Summary   = "summary"   // quantile, _sum, _count
)

// Label is a name and a value. Names are given by the program, values come from
// anywhere.
type Label struct{ Name, Value string }

// File gathers families, each with all its samples together, as the format wants it.
type File struct {
	families []*Family
	byName   map[string]*Family
}

// Family is a metric with samples that differ in their labels.
type Family struct {
	name, kind, unit, help string
	lines                  []string
	seen                   map[string]bool
}

// Family is the family of a name, begun when it is asked for first. A unit must be the
// end of the name; "" is none.
func (f *File) Family(name, kind, unit, help string) *Family {
	if m, ok := f.byName[name]; ok {
		return m
	}
	if f.byName == nil {
		f.byName = make(map[string]*Family)
	}
	m := &Family{name: name, kind: kind, unit: unit, help: help, seen: make(map[string]bool)}
	f.byName[name] = m
	f.families = append(f.families, m)
	return m
}

// Add adds a sample. suffix is "" or what its type allows. A value that is not a number
// is left out: it would say something that nobody measured. So is a second sample with the
// same labels, for which a reader would refuse the whole file.
func (m *Family) Add(suffix string, value float64, labels ...Label) {
	if math.IsNaN(value) {
		return
	}
	var b strings.Builder
	b.WriteString(m.name + suffix)
	sep := "{"
	for _, l := range labels {
		if l.Value == "" {
			continue // the same as without the label
		}
		b.WriteString(sep + l.Name + `="` + escape(l.Value, true) + `"`)
		sep = ","
	}
	if sep == "," {
		b.WriteByte('}')
	}
	if m.seen[b.String()] {
		return
	}
	m.seen[b.String()] = true
	b.WriteString(" " + Number(value))
	m.lines = append(m.lines, b.String())
}

// String is the whole file.
func (f *File) String() string {
	var b strings.Builder
	for _, m := range f.families {
		if len(m.lines) == 0 {
			continue
		}
		fmt.Fprintf(&b, "# TYPE %s %s\n", m.name, m.kind)
		if m.unit != "" {
			fmt.Fprintf(&b, "# UNIT %s %s\n", m.name, m.unit)
		}
		fmt.Fprintf(&b, "# HELP %s %s\n", m.name, escape(m.help, false))
		for _, l := range m.lines {
			b.WriteString(l + "\n")
		}
	}
	b.WriteString("# EOF\n")
	return b.String()
}

// Number prints a value so that it reads back the same.
func Number(v float64) string {
	switch {
	case math.IsInf(v, 1):
		return "+Inf"
	case math.IsInf(v, -1):
		return "-Inf"
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// escape writes backslashes, line ends and, in values of labels, quotes as the format
// wants them.
func escape(s string, quotes bool) string {
	s = strings.NewReplacer(`\`, `\\`, "\n", `\n`).Replace(strings.ToValidUTF8(s, "\ufffd"))
	if quotes {
		s = strings.ReplaceAll(s, `"`, `\"`)
	}
	return s
}
