// Package benchfmt writes results in the format of Go's benchmarks, which benchstat
// reads (golang.org/design/14313-benchmark-format). What is measured is for others.
package benchfmt

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// File is a file of results.
type File struct {
	b strings.Builder
}

// Config writes a line of configuration. benchstat compares only what was measured
// under the same configuration, so only what does not differ on purpose may stand here.
func (f *File) Config(key, value string) {
	if value = oneLine(value); value != "" {
		fmt.Fprintf(&f.b, "%s: %s\n", key, value)
	}
}

// HigherIsBetter says so of a unit; of the others lower is.
func (f *File) HigherIsBetter(unit string) {
	fmt.Fprintf(&f.b, "Unit %s better=higher\n", unit)
}

// Part is a part of a benchmark's name, "key=value".
type Part struct{ Key, Value string }

// Value is one figure of a result.
type Value struct {
	V    float64
	Unit string
}

// Result writes one run of a benchmark; nothing where there are no values. Parts
// without a value are left out.
func (f *File) Result(name string, parts []Part, values []Value) {
	var line strings.Builder
	for _, v := range values {
		if !math.IsNaN(v.V) && !math.IsInf(v.V, 0) {
			line.WriteString(" " + strconv.FormatFloat(v.V, 'f', -1, 64) + " " + v.Unit)
		}
	}
	if line.Len() == 0 {
		return
	}
	f.b.WriteString("Benchmark" + title(word(name)))
	for _, p := range parts {
		if p.Value != "" {
			f.b.WriteString("/" + word(p.Key) + "=" + word(p.Value))
		}
	}
	f.b.WriteString(" 1" + line.String() + "\n")
}

// String is the whole file.
func (f *File) String() string { return f.b.String() }

// Unit makes a unit of a measure's name and a unit that benchstat knows: "p99-ns". What
// a name says behind a slash is the denominator, in which benchstat scales nothing:
// "cpu-ns/request".
func Unit(name, unit string) string {
	parts := strings.Split(name, "/")
	for i := range parts {
		parts[i] = word(parts[i])
	}
	if unit != "" {
		parts[0] += "-" + unit
	}
	return strings.Join(parts, "/")
}

// word keeps what may stand in a name: no spaces, no slash, which parts names, and no
// "-", behind which a number would be taken for that of the processors.
func word(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("._:=+,%", r):
			return r
		}
		return '_'
	}, s)
	if s == "" {
		return "_"
	}
	return s
}

// title begins a name as the format wants it, not with a small letter.
func title(s string) string {
	if c := s[0]; c >= 'a' && c <= 'z' {
		return string(c-'a'+'A') + s[1:]
	}
	return s
}

func oneLine(s string) string {
	return strings.Join(strings.Fields(s), " ")
}
