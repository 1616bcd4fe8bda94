package network

import (
	"time"

	"bench/chaos/evidence"
	"bench/chaos/impair"
	"bench/chaos/link"
	"bench/internal/result"
)

// The limits of a link that is fit for measurements.
const (
	late50      = 100 * time.Microsecond
	late99      = 2 * time.Millisecond
	lateShare50 = 0.01 // of the delay asked, where that is more
	lateShare99 = 0.05
	histogram   = 0.002                  // the resolution of the times that are kept
	rateShare   = 0.02                   // that a rate may be off
	leastBusy   = 100 * time.Millisecond // of a limited line, to tell its rate
	unasked     = 1e-4                   // share of packets lost without being asked for
	enough      = 100                    // packets to tell a median
)

// judge makes claims of what an impairment of the userspace link did. line is the
// link's account over the same time.
func judge(s *impair.Spec, t *impair.Truth, line link.Line) (claims []result.Claim, notes []string) {
	n := t.Total()
	add := func(c result.Claim) { claims = append(claims, c) }
	shares(s, t, add)
	if s.Rate > 0 && !rates(s, t, add) {
		notes = append(notes, "the traffic stayed below the rate")
	}
	if asked := s.Delay.Mean(); asked > 0 {
		lateness(s, t, asked, add)
		if _, fixed := s.Delay.Fixed(); !fixed && !s.Overtake {
			notes = append(notes, "packets of a flow keep their order: they wait for those before them, and take longer than was drawn")
		}
	}
	if s.DropSynAck > 0 {
		add(evidence.Some("SYN-ACKs lost", t.SynAcks))
	}
	if s.ResetAfter != nil {
		add(evidence.Some("connections reset", t.Resets))
	}
	if s.LoseFin {
		add(evidence.Some("FINs lost", t.Fins))
	}
	if s.ZeroWindow {
		add(evidence.Some("windows closed", t.Windows))
	}
	if n == 0 {
		notes = append(notes, "no packet was concerned")
	}
	received := line.Received[impair.Upstream] + line.Received[impair.Downstream]
	lost := line.Unasked()
	add(evidence.AtMost("lost unasked", "%", unasked, float64(lost)/float64(max(1, received+lost)), received, 0))
	if lost > 0 {
		notes = append(notes, "the link lost packets by itself: there was more traffic than it can carry")
	}
	return claims, notes
}

// shares claims what chance decided about each packet.
func shares(s *impair.Spec, t *impair.Truth, add func(result.Claim)) {
	n := t.Total()
	count := float64(n)
	switch {
	case s.Reject != impair.NoReject:
		add(evidence.All("rejected", t.Dropped, n))
	case s.Drop:
		add(evidence.All("lost", t.Dropped, n))
	case s.Burst != nil:
		// What is lost together does not count for itself: a chain of two states
		// forgets by this factor with each packet.
		b := s.Burst
		memory := 1 - b.Enter - b.Leave
		mean := b.Mean() + s.Loss - b.Mean()*s.Loss
		add(evidence.Share("loss in bursts", mean, t.Dropped, n, count*(1-memory)/(1+memory)))
	case s.Loss > 0:
		add(evidence.Share("loss", s.Loss, t.Dropped, n, count))
	}
	if s.Duplicate > 0 {
		add(evidence.Share("duplicates", s.Duplicate, t.Duplicated, n, count))
	}
	if s.Corrupt > 0 {
		add(evidence.Share("corrupted", s.Corrupt, t.Corrupted, n, count))
	}
	if s.Reorder > 0 {
		passed := n - t.Dropped - t.Overflowed // what was lost is not held back
		add(evidence.Share("held back", s.Reorder, t.Held, passed, float64(passed)))
		add(evidence.Some("overtaken", t.Overtaken))
	}
}

// lateness claims that packets left when they were due, and the median delay
// where nothing else has a part in it.
func lateness(s *impair.Spec, t *impair.Truth, asked time.Duration, add func(result.Claim)) {
	limit50 := max(late50, time.Duration(lateShare50*float64(asked)))
	limit99 := max(late99, time.Duration(lateShare99*float64(asked)))
	count := uint64(t.Late.Count)
	if count < enough {
		limit50 = limit99
	}
	micros := func(ns int64) float64 { return evidence.Micros(time.Duration(ns)) }
	add(evidence.AtMost("late p50", "us", evidence.Micros(limit50), micros(t.Late.P50), count, 1))
	add(evidence.AtMost("late p99", "us", evidence.Micros(limit99), micros(t.Late.P99), count, 1))
	if _, fixed := s.Delay.Fixed(); (fixed || s.Overtake) && t.Achieved.Count > 0 {
		want := micros(t.Asked.P50)
		c := result.Claim{
			What: "delay p50", Unit: "us", Asked: want, Got: micros(t.Achieved.P50),
			Low: want * (1 - histogram), High: want*(1+histogram) + evidence.Micros(limit50),
			Samples: uint64(t.Achieved.Count),
		}
		c.Judge(1)
		add(c)
	}
}

// rates claims the rate of a line in each direction in which it was busy.
func rates(s *impair.Spec, t *impair.Truth, add func(result.Claim)) (busy bool) {
	for d, name := range []string{"rate upstream", "rate downstream"} {
		if time.Duration(t.BusyTime[d]) >= leastBusy {
			busy = true
			add(evidence.Near(name, "bit/s", s.Rate, float64(t.BusyBytes[d])*8e9/float64(t.BusyTime[d]), rateShare, t.Packets[d]))
		}
	}
	if !busy {
		add(evidence.Near("rate", "bit/s", s.Rate, 0, rateShare, 0))
	}
	return busy
}
