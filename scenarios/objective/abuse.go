package objective

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"bench/internal/nearest"
	"bench/internal/result"
)

// abuseCounts are the counts of a set of clients that misbehave, by the names of
// their metrics.
func abuseCounts(a *result.Abuse) map[string]uint64 {
	return map[string]uint64{
		"attempts": a.Attempts, "opened": a.Opened, "refused": a.Refused, "unreached": a.Unreached, "local": a.Local,
		"closed": a.Closed, "reset": a.Reset, "timed-out": a.TimedOut, "left": a.Left, "open": a.Open, "open.max": a.OpenMax,
		"answered": a.Answered, "garbled": a.Garbled, "requests": a.Requests,
	}
}

// AbuseMetrics are the names an objective may use after the name of a set of
// clients that misbehave, in the order documentation shows them.
func AbuseMetrics() []string {
	return []string{
		"attempts", "opened", "refused", "unreached", "local", "closed", "reset", "timed-out", "left", "open", "open.max",
		"answered", "status.CODE", "garbled", "requests", "held.pN", "held.max",
	}
}

// abuseMetric finds a metric of a set of clients.
func abuseMetric(name, word string) (*metric, string) {
	m := &metric{name: name + "." + word, abuse: name, base: word}
	if _, ok := abuseCounts(&result.Abuse{})[word]; ok {
		return m, ""
	}
	if code, ok := strings.CutPrefix(word, "status."); ok && statusPattern(code) {
		m.base, m.cause = "status", code
		return m, ""
	}
	if last, ok := strings.CutPrefix(word, "held."); ok {
		if q, ok := quantileOf(last); ok {
			m.base, m.kind, m.quantile = "held", Time, q
			return m, ""
		}
	}
	if near := nearest.Word(word, AbuseMetrics()); near != "" {
		return nil, fmt.Sprintf("unknown metric %q of clients that misbehave; did you mean %q?", word, near)
	}
	return nil, fmt.Sprintf("unknown metric %q of clients that misbehave; known are %s", word, strings.Join(AbuseMetrics(), ", "))
}

// statusPattern reports whether a text is a status, or a class of them: 4xx.
func statusPattern(code string) bool {
	if class, ok := strings.CutSuffix(code, "xx"); ok {
		code = class + "00"
	}
	n, err := strconv.Atoi(code)
	return err == nil && len(code) == 3 && n >= 100 && n < 600
}

// ofAbuse reads a metric of a set of clients.
func (d *Data) ofAbuse(m *metric) (v float64, why string) {
	i := slices.IndexFunc(d.Abuse, func(a result.Abuse) bool { return a.Name == m.abuse })
	if i < 0 {
		return 0, "nothing is known of " + m.abuse
	}
	a := &d.Abuse[i]
	switch m.base {
	case "status":
		var sum uint64
		for status, n := range a.Statuses {
			if status == m.cause || m.cause[1:] == "xx" && status[0] == m.cause[0] {
				sum += n
			}
		}
		return float64(sum), ""
	case "held":
		h, err := d.merged([]string{a.Held.HDR})
		if err != nil {
			return 0, err.Error()
		}
		return quantileIn(h, m)
	}
	return float64(abuseCounts(a)[m.base]), ""
}
