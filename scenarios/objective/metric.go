package objective

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"bench/internal/nearest"
	"bench/internal/result"
)

// metric is one figure of a run.
type metric struct {
	name  string
	load  string // "" for all loads together
	abuse string // the set of clients that misbehave; "" for metrics of loads
	// origin is the backend or the replica, "" for all; only of metrics of origins.
	origin string
	kind   Kind
	base   string // name without a quantile or cause
	row    *row   // nil for quantiles and for metrics of clients that misbehave
	cause  string // of failed.CAUSE, and the code of status.CODE
	// quantile of a latency, 0 to 1; 1 is the maximum.
	quantile float64
}

// needs is the number of samples below which the metric says nothing.
func (m *metric) needs() uint64 {
	if !m.latency() && m.base != "held" {
		return 0
	}
	return result.SamplesFor(m.quantile)
}

// latency reports whether the metric is read from a histogram.
func (m *metric) latency() bool { return slices.Contains(latencies(), m.base) }

// ofRun reports whether the metric exists for the run as a whole only.
func (m *metric) ofRun() bool { return m.abuse != "" || m.row != nil && m.row.scope == wholeRun }

// ofWholeLoad reports whether the metric counts over the whole run of a load, warm-up
// included.
func (m *metric) ofWholeLoad() bool { return m.row != nil && m.row.scope == wholeLoad }

// ofOrigins reports whether the metric is read from what origins have received.
func (m *metric) ofOrigins() bool { return m.row != nil && m.row.scope == ofOrigins }

// Metrics are the names an objective may use, with patterns where there are
// many: for messages and documentation.
func Metrics() (names []string) {
	for _, r := range rows() {
		names = append(names, r.name)
		switch r.name {
		case "failed":
			names = append(names, "failed.CAUSE")
		case "rate":
			names = append(names, "pN")
			for _, base := range latencies() {
				names = append(names, base+".pN", base+".max")
			}
		}
	}
	return names
}

// knownCause reports whether there is such a cause of failures.
func knownCause(cause string) bool { return slices.Contains(causes(), cause) }

// causes of failures.
func causes() []string {
	return []string{
		result.CauseRefused, result.CauseConnect, result.CauseResetBefore, result.CauseResetAfter,
		result.CauseTruncated, result.CauseTimeout, result.CauseProxy5xx, result.CauseOrigin5xx,
		result.CauseStatus4xx, result.CauseStatus, result.CauseHeader, result.CauseBody,
		result.CauseError, result.CauseDenied, result.CauseReadOnly, result.CauseUnavailable, result.CauseConflict,
		result.CauseProtocol, result.CauseLocal,
	}
}

// latencies are the metrics that are read from histograms.
func latencies() []string { return []string{"response", "service", "all", "generator.lag"} }

// lookup finds the metric a word names, or says what is wrong with it.
func lookup(word string, names Names) (*metric, string) {
	if m := plain(word); m != nil {
		return m, ""
	}
	if m := ofOrigin(word, names.Origins); m != nil {
		return m, ""
	}
	// The longest load first: one name may begin with another.
	sorted := slices.Concat(names.Loads, names.Abuse)
	slices.SortFunc(sorted, func(a, b string) int { return len(b) - len(a) })
	for _, load := range sorted {
		rest, ok := strings.CutPrefix(word, load+".")
		if !ok {
			continue
		}
		if slices.Contains(names.Abuse, load) {
			return abuseMetric(load, rest)
		}
		m := plain(rest)
		if m == nil {
			return nil, unknown(rest)
		}
		if m.ofRun() {
			return nil, fmt.Sprintf("%s is of the whole run, not of one load", rest)
		}
		if m.ofOrigins() {
			return nil, fmt.Sprintf("%s is of a backend or of one of its origins, as web.1.%s, not of a load", rest, rest)
		}
		m.name, m.load = word, load
		return m, ""
	}
	return nil, unknown(word)
}

// ofOrigin finds a metric of a backend or of one of its origins.
func ofOrigin(word string, names []string) *metric {
	at := strings.LastIndexByte(word, '.')
	if at < 0 || !slices.Contains(names, word[:at]) {
		return nil
	}
	m := plain(word[at+1:])
	if m == nil || !m.ofOrigins() {
		return nil
	}
	m.name, m.origin = word, word[:at]
	return m
}

func unknown(word string) string {
	if near := nearest.Word(word, spellings(word)); near != "" {
		return fmt.Sprintf("unknown metric %q; did you mean %q?", word, near)
	}
	return fmt.Sprintf("unknown metric %q; known are %s; the name of a load and a dot may stand before it",
		word, strings.Join(Metrics(), ", "))
}

// spellings are the names a word may have been meant for, its last part kept.
func spellings(word string) []string {
	last := word[strings.LastIndexByte(word, '.')+1:]
	var all []string
	for _, r := range rows() {
		all = append(all, r.name)
	}
	for _, base := range latencies() {
		if plain(base+"."+last) != nil {
			all = append(all, base+"."+last)
		}
	}
	for _, cause := range causes() {
		all = append(all, "failed."+cause)
	}
	return all
}

// plain finds a metric without a load.
func plain(word string) *metric {
	if r := findRow(word); r != nil {
		m := &metric{name: word, base: r.name, kind: r.kind, row: r}
		_, m.cause, _ = strings.Cut(word, r.name+".")
		return m
	}
	if q, ok := quantileOf(word); ok && q < 1 {
		return &metric{name: word, base: "response", kind: Time, quantile: q}
	}
	for _, base := range latencies() {
		last, ok := strings.CutPrefix(word, base+".")
		if !ok {
			continue
		}
		if q, ok := quantileOf(last); ok {
			return &metric{name: word, base: base, kind: Time, quantile: q}
		}
	}
	return nil
}

// quantileOf reads max or pN; the maximum is 1.
func quantileOf(text string) (q float64, ok bool) {
	if text == "max" {
		return 1, true
	}
	number, ok := strings.CutPrefix(text, "p")
	p, err := strconv.ParseFloat(number, 64)
	return p / 100, ok && err == nil && p > 0 && p < 100 && !strings.ContainsAny(number, "eExX_+-")
}
