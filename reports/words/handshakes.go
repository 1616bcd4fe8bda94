package words

import (
	"bench/internal/result"
	"bench/internal/units"
	"bench/reports/series"
)

// HandshakesHead names the columns of HandshakesRows.
func HandshakesHead() []string {
	return []string{"handshakes of", "done", "per second", "resumed", "p50", "p99", "max", "failed"}
}

// HandshakesRows are what handshakes of TLS came to, one row for each measured phase of a
// load that had any.
func HandshakesRows(loads []result.Load) (rows [][]string) {
	for i := range loads {
		l := &loads[i]
		for j := range l.Phases {
			if p := &l.Phases[j]; p.Measured && shook(&p.Tally) {
				rows = append(rows, handshakesRow(series.OneLine(l.Name+", "+p.Name), &p.Tally, float64(p.LengthUs)/1e6))
			}
		}
	}
	return rows
}

// shook reports whether there were handshakes, good or not.
func shook(t *result.Tally) bool { return t.Handshakes+t.HandshakesFailed > 0 }

func handshakesRow(name string, t *result.Tally, seconds float64) []string {
	row := []string{name, units.Count(t.Handshakes), handshakeRate(t, seconds), resumedShare(t)}
	took := t.Handshake
	if took == nil {
		took = new(result.Latency)
	}
	for _, q := range []struct{ q, us float64 }{{0.5, took.P50}, {0.99, took.P99}, {1, took.Max}} {
		text := units.None
		if took.Count > 0 && result.Enough(q.q, took.Count) {
			text = units.Latency(q.us)
		}
		row = append(row, text)
	}
	return append(row, units.Count(t.HandshakesFailed))
}

func handshakeRate(t *result.Tally, seconds float64) string {
	if seconds <= 0 {
		return units.None
	}
	return units.Rate(float64(t.Handshakes) / seconds)
}

// resumedShare is how many of the handshakes went on with an earlier session.
func resumedShare(t *result.Tally) string {
	if t.Handshakes == 0 {
		return units.None
	}
	return units.Percent(float64(t.Resumed) / float64(t.Handshakes))
}

// Handshakes is what the handshakes of a load came to in a few words, "" if there were none.
func Handshakes(l *result.Load) string {
	t := &l.Tally
	if !shook(t) {
		return ""
	}
	text := l.Name + ": " + units.Count(t.Handshakes) + " handshakes, " + handshakeRate(t, l.DurationSeconds) + "/s, " + resumedShare(t) + " resumed"
	if h := t.Handshake; h != nil && result.Enough(0.99, h.Count) {
		text += ", p99 " + units.Latency(h.P99)
	} else if h != nil && h.Count > 0 {
		text += ", at most " + units.Latency(h.Max)
	}
	if t.HandshakesFailed > 0 {
		text += ", " + units.Count(t.HandshakesFailed) + " failed"
	}
	return series.OneLine(text)
}
