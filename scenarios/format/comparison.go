package format

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"bench/internal/result"
	"bench/scenarios/objective"
	"bench/scenarios/source"
)

// Compare tunes how "bench compare" compares runs of the scenario.
type Compare struct {
	// Pairs of runs: auto goes on until every measure that decides is decided; a number
	// from 2 to 1000 makes so many.
	Pairs Pairs `yaml:"pairs" default:"auto"`
	// MinEffect is the smallest change that matters.
	MinEffect Percent `yaml:"minEffect" default:"2%"`
	// Alpha is the chance of a false alarm over all measures that decide, 0 to 1.
	Alpha float64 `yaml:"alpha" default:"0.01"`
	// Measures that decide beside p50, p99, CPU time per request and failures, or are
	// shown only: other measures of every run, and metrics of objectives.
	Measures []CompareMeasure `yaml:"measures"`
}

// CompareMeasure is a measure of comparisons; its name alone if it decides.
type CompareMeasure struct {
	// Name of a measure, such as throughput or response.p99.9, or a metric of
	// objectives, such as service.p99; those of one load begin with its name.
	Name string `yaml:"name,required"`
	// Gate reports whether it decides the verdict, or is only shown.
	Gate bool `yaml:"gate" default:"true"`
}

// setScalar lets a measure be written as its name alone.
func (m *CompareMeasure) setScalar(text string) error {
	m.Name = text
	return nil
}

// Pairs is a number of pairs of runs; 0 is as many as it takes.
type Pairs int

// Bounds of the number of pairs.
const (
	leastPairs = 2
	MostPairs  = 1000
)

func (p *Pairs) setScalar(text string) error {
	n, err := ParsePairs(text)
	*p = Pairs(n)
	return err
}

// ParsePairs reads a number of pairs; auto is 0.
func ParsePairs(text string) (int, error) {
	if text == "auto" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < leastPairs || n > MostPairs {
		return 0, fmt.Errorf("%q is neither auto nor a number from %d to %d", text, leastPairs, MostPairs)
	}
	return n, nil
}

// retired are keys that earlier versions had, and what became of them.
var retired = map[string]string{
	"compare.order": "compare has no order any more: a coin decides for each pair which side goes first; remove it",
}

// CheckMeasure says what is wrong with the name of a measure, if anything is. An error
// may be an *objective.SyntaxError.
func (s *Scenario) CheckMeasure(name string) error {
	if s.StandardMeasure(name) {
		return nil
	}
	_, err := objective.ParseQuantity(name, s.ObjectiveNames())
	if fault, ok := errors.AsType[*objective.SyntaxError](err); ok && fault.Col == 1 && strings.HasPrefix(fault.Msg, "unknown metric") {
		fault.Msg = fmt.Sprintf("unknown measure %q%s", source.Printable(name), source.DidYouMean(name, s.standardMeasures()))
		if !strings.HasSuffix(fault.Msg, "?") {
			fault.Msg += ", and the metrics of objectives"
		}
	}
	return err
}

// standardMeasures are the names of the measures of every run.
func (s *Scenario) standardMeasures() []string {
	all := slices.Concat(result.LoadMeasures(), result.ProxyMeasures())
	for i := range s.Load {
		if len(s.Load) > 1 {
			for _, name := range result.LoadMeasures() {
				all = append(all, s.Load[i].Name+"."+name)
			}
		}
	}
	return all
}

// StandardMeasure reports whether a name is that of a measure of every run, of all loads
// or of one, or of one kind of its requests.
func (s *Scenario) StandardMeasure(name string) bool {
	if slices.Contains(s.standardMeasures(), name) {
		return true
	}
	for i := range s.Load {
		l := &s.Load[i]
		if rest, ok := strings.CutPrefix(name, l.Name+"/"); ok {
			if _, rest, ok = strings.Cut(rest, "."); ok && slices.Contains(result.LoadMeasures(), rest) {
				return true
			}
		}
	}
	return false
}
