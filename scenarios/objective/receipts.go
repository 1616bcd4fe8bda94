package objective

import (
	"slices"
	"strings"

	"bench/internal/result"
)

// receipts are what an origin, or all of a backend, received in a stretch of time, and
// what those it is compared with received besides: the other replicas of its backend, or
// the other backends.
type receipts struct {
	own, others bounds
	whyOthers   string // what those cannot be known for
}

// share is the part of one among all.
func (r *receipts) share() (b bounds, why string) {
	if r.whyOthers != "" {
		return bounds{}, r.whyOthers
	}
	if r.own.high+r.others.high <= 0 {
		return bounds{}, "no request was received in this time"
	}
	b = bounds{low: 1, high: 0, why: r.own.why}
	if r.others.high > 0 {
		b.low = r.own.low / (r.own.low + r.others.high)
	}
	if r.own.high > 0 {
		b.high = r.own.high / (r.own.high + r.others.low)
	}
	return b, ""
}

// ofOrigins reads a metric of origins: over the measured phases, or over a stretch of time.
func (d *Data) ofOrigins(m *metric, s *Span) (b bounds, why string) {
	var sum receipts
	add := func(s Span) {
		if why == "" {
			why = d.receivedIn(&sum, m.origin, s)
		}
	}
	if s != nil {
		add(*s)
	} else {
		for _, p := range d.Phases {
			if p.Measured {
				add(Span{p.StartUs, p.StartUs + p.LengthUs})
			}
		}
	}
	if why != "" {
		return bounds{}, why
	}
	if sum.own.low < sum.own.high || sum.others.low < sum.others.high {
		sum.own.why = "origins were asked for their counts only every now and then"
	}
	return m.row.origins(&sum)
}

// receivedIn adds what was received in a stretch of time.
func (d *Data) receivedIn(sum *receipts, name string, s Span) (why string) {
	var names []string
	for _, r := range d.Receipts {
		if !slices.Contains(names, r.Name) {
			names = append(names, r.Name)
		}
	}
	if len(names) == 0 {
		return "origins were not asked what they had received"
	}
	backend, _, _ := strings.Cut(name, ".")
	for _, origin := range names {
		own := name == "" || origin == name || strings.HasPrefix(origin, name+".")
		if !own && backend != name && !strings.HasPrefix(origin, backend+".") {
			continue // a replica is compared with those of its backend
		}
		b, why := d.receivedBy(origin, s)
		switch {
		case why != "" && own:
			return why
		case why != "":
			sum.whyOthers = why
		case own:
			sum.own.low += b.low
			sum.own.high += b.high
		default:
			sum.others.low += b.low
			sum.others.high += b.high
		}
	}
	return ""
}

// receivedBy counts what one origin received. At the ends of a stretch of time its count
// lies between those that it told before and after.
func (d *Data) receivedBy(origin string, s Span) (b bounds, why string) {
	var told []result.OriginCount
	for _, r := range d.Receipts {
		if r.Name == origin {
			told = append(told, r)
		}
	}
	around := func(at int64) (before, after int) {
		after = slices.IndexFunc(told, func(r result.OriginCount) bool { return r.AtUs >= at })
		if after >= 0 && told[after].AtUs == at {
			return after, after
		}
		return after - 1, after
	}
	first, second := around(s.From)
	third, last := around(s.To)
	if first < 0 || last < 0 {
		return b, "origin " + origin + " could not be asked what it had received at all of this time"
	}
	for i := first; i < last; i++ {
		if told[i].SinceNs != told[i+1].SinceNs {
			return b, "origin " + origin + " ended in this time, and its count with it"
		}
	}
	between := func(i, j int) float64 { return max(0, float64(told[j].Received)-float64(told[i].Received)) }
	return bounds{low: between(second, max(second, third)), high: between(first, last)}, ""
}
