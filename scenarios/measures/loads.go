package measures

import (
	"strings"

	"bench/internal/hdr"
	"bench/internal/result"
	"bench/internal/units"
	"bench/reports/series"
)

// ThroughProxy are the loads whose requests the proxy passes: those that go to it, or
// all where none does.
func ThroughProxy(loads []result.Load) []*result.Load {
	var through, all []*result.Load
	for i := range loads {
		l := &loads[i]
		all = append(all, l)
		if strings.HasPrefix(l.Target, "proxy/") {
			through = append(through, l)
		}
	}
	if len(through) == 0 {
		return all
	}
	return through
}

// ofLoads are the measures that clients saw: of all loads through the proxy together,
// of each load where there are several, and of each kind of request.
func ofLoads(c *series.Cell) []Measure {
	if len(c.Loads) == 0 {
		return nil
	}
	var sum tally
	for _, l := range ThroughProxy(c.Loads) {
		sum.add(&l.Tally, l.DurationSeconds)
	}
	all := sum.measures("", Measure{})
	for i := range c.Loads {
		l := &c.Loads[i]
		if len(c.Loads) > 1 {
			var one tally
			one.add(&l.Tally, l.DurationSeconds)
			all = append(all, one.measures(l.Name+".", Measure{Load: l.Name})...)
		}
		if len(l.Classes) < 2 {
			continue
		}
		for j := range l.Classes {
			k := &l.Classes[j]
			var one tally
			one.add(&k.Tally, l.DurationSeconds)
			all = append(all, one.measures(l.Name+"/"+k.Name+".", Measure{Load: l.Name, Class: k.Name})...)
		}
	}
	return all
}

// tally is what several loads counted together.
type tally struct {
	requests, failed, retried, good uint64
	seconds                         float64
	texts                           []string // histograms of OK responses
}

func (t *tally) add(from *result.Tally, seconds float64) {
	t.requests += from.Requests
	t.failed += from.Failed
	t.retried += from.Retried
	t.good += from.GoodWithin
	t.seconds = max(t.seconds, seconds)
	if from.Response.HDR != "" {
		t.texts = append(t.texts, from.Response.HDR)
	}
}

// measures are those of a tally; like says what they are of.
func (t *tally) measures(prefix string, like Measure) []Measure {
	var all []Measure
	put := func(name, unit string, kind Kind) Measure {
		m := like
		m.Name, m.Unit, m.Kind, m.Of = prefix+name, unit, kind, t.requests
		return m
	}
	responses, err := t.responses()
	for _, q := range []struct {
		name string
		q    float64
	}{{result.MeasureP50, 0.5}, {result.MeasureP99, 0.99}, {result.MeasureP999, 0.999}} {
		m := put(q.name, "us", Ratio)
		m.Of = responses.N()
		switch {
		case err != nil:
			m = m.unknown("%v", err)
		case !result.Enough(q.q, m.Of):
			m = m.unknown("%s responses; it takes %s", units.Count(m.Of), units.Count(result.SamplesFor(q.q)))
		default:
			m = m.of(responses.Quantile(q.q))
		}
		all = append(all, m)
	}
	counted := func(name string, n uint64) {
		m := put(name, "1", Count)
		if t.requests == 0 {
			m = m.unknown("no request was due")
		} else {
			m = m.of(float64(n))
		}
		all = append(all, m)
	}
	counted(result.MeasureFailed, t.failed)
	counted(result.MeasureRetried, t.retried)
	rate := put(result.MeasureThroughput, "/s", Ratio)
	rate.MoreIsBetter, rate.Of = true, t.good
	switch {
	case t.seconds <= 0:
		rate = rate.unknown("no time was measured")
	case t.good == 0:
		rate = rate.unknown("no request ended well in the measured time")
	default:
		rate = rate.of(float64(t.good) / t.seconds)
	}
	return append(all, rate)
}

// responses are the latencies of completed requests.
func (t *tally) responses() (hdr.Dist, error) {
	var dec hdr.Decoder
	var parts []hdr.Dist
	for _, text := range t.texts {
		d, err := dec.Decode(text)
		if err != nil {
			return nil, err
		}
		parts = append(parts, d)
	}
	return hdr.Merge(parts...), nil
}
