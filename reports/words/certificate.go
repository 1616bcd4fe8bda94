package words

import (
	"fmt"
	"strings"

	"bench/internal/result"
	"bench/reports/series"
)

// Certificate is what a fault can say of itself: "confirmed by nftables: lost 100 %
// (75 of 75)". Of what is not confirmed it also says what was asked.
func Certificate(c *result.Certificate) string {
	if c == nil {
		return ""
	}
	var parts []string
	for i := range c.Findings {
		f := &c.Findings[i]
		text := f.What + " " + f.Achieved
		if f.Verdict != result.Confirmed {
			text += ", asked " + f.Asked
		}
		if f.Note != "" {
			text += " (" + f.Note + ")"
		}
		parts = append(parts, text)
	}
	text := fmt.Sprintf("%s by %s", c.Verdict, c.Mechanism)
	if c.Verdict == result.NoEffect {
		text = "NO EFFECT by " + c.Mechanism
	}
	if !c.Gone {
		text += ", NOT GONE at its end"
	}
	if len(parts) > 0 {
		text += ": " + strings.Join(parts, "; ")
	}
	return series.OneLine(text)
}

// Certificates counts the verdicts of faults: "8 confirmed, 1 inconclusive"; ""
// if none has a certificate.
func Certificates(events []result.Event) string {
	var parts []string
	for _, verdict := range []string{result.Mismatch, result.NoEffect, result.Inconclusive, result.Confirmed} {
		n := 0
		for i := range events {
			if c := events[i].Certificate; c != nil && c.Verdict == verdict {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, verdict))
		}
	}
	return strings.Join(parts, ", ")
}
