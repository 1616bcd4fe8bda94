package evidence

import (
	"time"

	"bench/chaos/impair"
	"bench/chaos/link"
	"bench/internal/result"
	"bench/internal/units"
)

// The limits of a link that is fit for measurements.
const (
	late50      = 100 * time.Microsecond
	late99      = 2 * time.Millisecond
	lateShare50 = 0.01 // of the delay asked, where that is more
	lateShare99 = 0.05
	rateShare   = 0.02
	resolution  = 0.002                  // of the times that are kept
	leastBusy   = 100 * time.Millisecond // of a limited line, to tell its rate
	unasked     = 1e-4                   // packets lost without being asked for
)

// Impairment judges what an impairment of the userspace link did. line is the
// link's account over the same time.
func Impairment(s *impair.Spec, t *impair.Truth, line link.Line) []result.Finding {
	n := t.Total()
	count := float64(n)
	var out []result.Finding
	add := func(f result.Finding) { out = append(out, f) }
	if s.Drop {
		add(All("lost", t.Dropped, n))
	}
	if s.Loss > 0 && s.Burst == nil && !s.Drop {
		add(Share("loss", s.Loss, t.Dropped, n, count))
	}
	if b := s.Burst; b != nil && !s.Drop {
		// What is lost together does not count for itself: a chain of two states
		// forgets by this factor with each packet.
		memory := 1 - b.Enter - b.Leave
		mean := b.Mean() + s.Loss - b.Mean()*s.Loss
		add(Share("loss in bursts", mean, t.Dropped, n, count*(1-memory)/(1+memory)))
	}
	if s.Reject != impair.NoReject {
		add(All("rejected", t.Dropped, n))
		add(Some("answers", t.Rejected, "an answer to each packet"))
	}
	if s.Duplicate > 0 {
		add(Share("duplicates", s.Duplicate, t.Duplicated, n, count))
	}
	if s.Corrupt > 0 {
		add(Share("corruption", s.Corrupt, t.Corrupted, n, count))
	}
	if s.Reorder > 0 {
		// Packets that were lost are not held back.
		passed := n - t.Dropped - t.Overflowed
		add(Share("held back", s.Reorder, t.Held, passed, float64(passed)))
		if t.Held > 0 {
			add(Some("overtaken", t.Overtaken, "packets behind those held back"))
		}
	}
	if s.Rate > 0 {
		out = append(out, rates(s, t)...)
	}
	if asked := s.Delay.Mean(); asked > 0 {
		add(Lateness("delay", t.Late.Count, time.Duration(t.Late.P50), time.Duration(t.Late.P99),
			max(late50, time.Duration(lateShare50*float64(asked))), max(late99, time.Duration(lateShare99*float64(asked)))))
		// Where packets wait for those before them, or for other impairments, the
		// delay is not that which was drawn.
		if _, fixed := s.Delay.Fixed(); (fixed || s.Overtake) && t.Achieved.Count > 0 {
			add(median(t, asked))
		}
	}
	if s.DropSynAck > 0 {
		add(Some("SYN-ACKs lost", t.SynAcks, "connections opened"))
	}
	if s.ResetAfter != nil {
		add(Some("connections reset", t.Resets, "connections that carry that much"))
	}
	if s.LoseFin {
		add(Some("FINs lost", t.Fins, "connections closed"))
	}
	if s.ZeroWindow {
		add(Some("windows closed", t.Windows, "segments"))
	}
	add(Unasked(line))
	return out
}

// median holds the delays that were achieved against those that were drawn.
func median(t *impair.Truth, mean time.Duration) result.Finding {
	us := func(ns int64) string { return units.Latency(float64(ns) / 1e3) }
	f := result.Finding{What: "median delay", Asked: us(t.Asked.P50), Achieved: us(t.Achieved.P50), Verdict: result.Confirmed}
	slack := float64(late99) + lateShare99*float64(mean)
	if asked, got := float64(t.Asked.P50), float64(t.Achieved.P50); got < (1-resolution)*asked || got > (1+resolution)*asked+slack {
		f.Verdict = result.Mismatch
	}
	return f
}

// rates judges the directions in which the limit was reached. One that stays below it
// while the other reaches it is no news: requests are small.
func rates(s *impair.Spec, t *impair.Truth) (out []result.Finding) {
	for d, name := range []string{"rate upstream", "rate downstream"} {
		if time.Duration(t.BusyTime[d]) < leastBusy {
			continue
		}
		out = append(out, Near(name, s.Rate, float64(t.BusyBytes[d])*8e9/float64(t.BusyTime[d]), rateShare, Bandwidth(s.Rate)))
	}
	if len(out) == 0 {
		out = append(out, Unreached("rate", s.Rate))
	}
	return out
}

// Bandwidth writes bits per second as a scenario has ordered them: in bytes, and in the
// units of what was asked.
func Bandwidth(asked float64) func(bits float64) string {
	return func(bits float64) string { return units.BytesAs(bits/8, asked/8) + "/s" }
}

// Unreached is the finding about a limit in bits per second that no traffic reached.
func Unreached(what string, bits float64) result.Finding {
	return result.Finding{
		What: what, Asked: Bandwidth(bits)(bits), Achieved: "the traffic stayed below it", Verdict: result.NoEffect,
	}
}

// Unasked judges what the link lost by itself.
func Unasked(line link.Line) result.Finding {
	n := line.Received[0] + line.Received[1]
	f := result.Finding{What: "lost unasked", Asked: "at most " + units.Percent(unasked), Achieved: "0 %", Verdict: result.Confirmed}
	if lost := line.Unasked(); lost > 0 {
		share := float64(lost) / float64(n+lost)
		f.Achieved = units.Percent(share)
		if share > unasked {
			f.Verdict, f.Note = result.Mismatch, "there was more traffic than the link can carry"
		}
	}
	return f
}
