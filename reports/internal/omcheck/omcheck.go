// Package omcheck reads the OpenMetrics text format 1.0 strictly, for tests: what it
// takes, every reader takes. It shares no code with what writes the format, and nothing
// outside of tests may depend on it.
package omcheck

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Sample is a line with a value.
type Sample struct {
	Name   string
	Labels map[string]string
	Value  float64
}

var (
	nameForm  = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*$`)
	labelForm = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)
)

// suffixes of the samples of each type.
var suffixes = map[string][]string{
	"gauge": {""}, "counter": {"_total", "_created"}, "histogram": {"_bucket", "_sum", "_count", "_created"}, "summary": {"", "_sum", "_count", "_created"}, "unknown": {""},
}

// family is what is known of the one that is being read.
type family struct {
	name, kind, unit string
	help             bool
	samples          []Sample
}

// Parse reads a whole file.
func Parse(text string) ([]Sample, error) {
	if !utf8.ValidString(text) {
		return nil, errors.New("not UTF-8")
	}
	body, ok := strings.CutSuffix(text, "# EOF\n")
	if !ok {
		return nil, errors.New("the last line is not # EOF")
	}
	p := parser{names: map[string]string{}, seen: map[string]bool{}}
	for n, line := range strings.Split(strings.TrimSuffix(body, "\n"), "\n") {
		if body == "" {
			break
		}
		if err := p.line(line); err != nil {
			return nil, fmt.Errorf("line %d: %w: %q", n+1, err, line)
		}
	}
	if err := p.close(); err != nil {
		return nil, err
	}
	return p.all, nil
}

type parser struct {
	current *family
	names   map[string]string // of samples and families that are taken, to their family
	seen    map[string]bool   // samples
	all     []Sample
}

func (p *parser) line(line string) error {
	meta, ok := strings.CutPrefix(line, "# ")
	if !ok {
		return p.sample(line)
	}
	word, rest, _ := strings.Cut(meta, " ")
	name, value, _ := strings.Cut(rest, " ")
	if !slices.Contains([]string{"TYPE", "UNIT", "HELP"}, word) {
		return errors.New("neither TYPE, UNIT, HELP nor EOF")
	}
	if !nameForm.MatchString(name) {
		return errors.New("not a name")
	}
	if p.current == nil || p.current.name != name {
		if word != "TYPE" {
			return errors.New("a family begins with its TYPE")
		}
		if err := p.close(); err != nil {
			return err
		}
		p.current = &family{name: name}
	} else if len(p.current.samples) > 0 {
		return errors.New("metadata after samples")
	}
	f := p.current
	switch word {
	case "TYPE":
		if f.kind != "" || suffixes[value] == nil {
			return errors.New("a second type, or none that exists")
		}
		f.kind = value
		for _, s := range append([]string{""}, suffixes[value]...) {
			if of, taken := p.names[name+s]; taken && of != name {
				return fmt.Errorf("%s is of the family %s", name+s, of)
			}
			p.names[name+s] = name
		}
	case "UNIT":
		if f.unit != "" || value == "" || !strings.HasSuffix(name, "_"+value) {
			return errors.New("a second unit, or not the end of the name")
		}
		f.unit = value
	default:
		if f.help {
			return errors.New("a second help")
		}
		f.help = true
		return escaped(value, false)
	}
	return nil
}

func (p *parser) sample(line string) error {
	s := Sample{Labels: map[string]string{}}
	end := strings.IndexAny(line, "{ ")
	if end < 0 {
		return errors.New("no value")
	}
	s.Name, line = line[:end], line[end:]
	if !nameForm.MatchString(s.Name) {
		return errors.New("not a name")
	}
	if strings.HasPrefix(line, "{") {
		var err error
		if line, err = s.labels(line[1:]); err != nil {
			return err
		}
	}
	text, ok := strings.CutPrefix(line, " ")
	if !ok || strings.Contains(text, " ") {
		return errors.New("not one value behind one blank")
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || strings.ContainsAny(text, "_xX") {
		return errors.New("not a number")
	}
	s.Value = v
	f := p.current
	if f == nil || p.names[s.Name] != f.name || !slices.Contains(suffixes[f.kind], strings.TrimPrefix(s.Name, f.name)) {
		return errors.New("not of the family before it")
	}
	id := s.id("")
	if p.seen[id] {
		return errors.New("twice")
	}
	p.seen[id] = true
	if err := f.check(&s); err != nil {
		return err
	}
	f.samples = append(f.samples, s)
	p.all = append(p.all, s)
	return nil
}

// labels reads up to the closing brace.
func (s *Sample) labels(line string) (rest string, err error) {
	for first := true; ; first = false {
		if rest, ok := strings.CutPrefix(line, "}"); ok {
			return rest, nil
		}
		if !first {
			var ok bool
			if line, ok = strings.CutPrefix(line, ","); !ok {
				return "", errors.New("no comma between labels")
			}
		}
		name, after, ok := strings.Cut(line, `="`)
		if !ok || !labelForm.MatchString(name) || strings.HasPrefix(name, "__") {
			return "", errors.New("not a label")
		}
		if _, twice := s.Labels[name]; twice {
			return "", errors.New("a label twice")
		}
		var b strings.Builder
		i := 0
		for ; i < len(after) && after[i] != '"'; i++ {
			c := after[i]
			if c == '\\' {
				i++
				if i == len(after) {
					return "", errors.New("the line ends within an escape")
				}
				switch after[i] {
				case 'n':
					c = '\n'
				case '\\', '"':
					c = after[i]
				default:
					return "", errors.New("an escape that does not exist")
				}
			}
			b.WriteByte(c)
		}
		if i == len(after) {
			return "", errors.New("a label without its end")
		}
		s.Labels[name], line = b.String(), after[i+1:]
	}
}

func escaped(s string, quotes bool) error {
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' {
			i++
			if i == len(s) || s[i] != 'n' && s[i] != '\\' && (!quotes || s[i] != '"') {
				return errors.New("an escape that does not exist")
			}
		}
	}
	return nil
}

// id is the name and labels of a sample, but for one label.
func (s *Sample) id(without string) string {
	var parts []string
	for k, v := range s.Labels {
		if k != without {
			parts = append(parts, k+"="+strconv.Quote(v))
		}
	}
	slices.Sort(parts)
	return s.Name + "{" + strings.Join(parts, ",") + "}"
}

// check holds a sample against the rules of its type.
func (f *family) check(s *Sample) error {
	suffix := strings.TrimPrefix(s.Name, f.name)
	_, le := s.Labels["le"]
	quantile, isQuantile := s.Labels["quantile"]
	switch {
	case f.kind == "counter" && (s.Value < 0 || math.IsNaN(s.Value)):
		return errors.New("a counter below zero")
	case f.kind == "histogram" && (suffix == "_bucket") != le:
		return errors.New("a bucket without le, or le without a bucket")
	case f.kind == "summary" && (suffix == "") != isQuantile:
		return errors.New("a quantile without its label, or the label elsewhere")
	case isQuantile:
		if q, err := strconv.ParseFloat(quantile, 64); err != nil || q < 0 || q > 1 {
			return errors.New("an invalid quantile")
		}
	}
	return nil
}

// close checks the family that was read as a whole.
func (p *parser) close() error {
	f := p.current
	if f == nil {
		return nil
	}
	if len(f.samples) == 0 {
		return fmt.Errorf("%s has no sample", f.name)
	}
	// The samples of one set of labels stand together.
	done, last := map[string]bool{}, ""
	for i := range f.samples {
		s := f.samples[i]
		s.Name = ""
		special := ""
		if f.kind == "histogram" {
			special = "le"
		} else if f.kind == "summary" {
			special = "quantile"
		}
		id := s.id(special)
		if id != last && done[id] {
			return fmt.Errorf("%s: samples of %s are apart", f.name, id)
		}
		done[id], last = true, id
	}
	if f.kind == "histogram" {
		return f.buckets()
	}
	return nil
}

// buckets ascend, are cumulative, and end with all.
func (f *family) buckets() error {
	type state struct{ bound, n, count float64 }
	all := map[string]*state{}
	for i := range f.samples {
		s := f.samples[i]
		suffix := strings.TrimPrefix(s.Name, f.name)
		s.Name = ""
		id := s.id("le")
		st := all[id]
		if st == nil {
			st = &state{bound: math.Inf(-1), count: math.NaN()}
			all[id] = st
		}
		switch suffix {
		case "_bucket":
			bound, err := strconv.ParseFloat(s.Labels["le"], 64)
			if err != nil || bound <= st.bound || s.Value < st.n {
				return fmt.Errorf("%s: the buckets of %s do not ascend at %s", f.name, id, s.Labels["le"])
			}
			st.bound, st.n = bound, s.Value
		case "_count":
			st.count = s.Value
		}
	}
	for id, st := range all {
		if !math.IsInf(st.bound, 1) || st.n != st.count {
			return fmt.Errorf("%s: the last bucket of %s is not all", f.name, id)
		}
	}
	return nil
}
