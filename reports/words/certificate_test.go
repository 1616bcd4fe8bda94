package words

import (
	"testing"

	"bench/internal/result"
)

func TestCertificate(t *testing.T) {
	loss := result.Finding{What: "loss", Verdict: result.Confirmed, Asked: "5.00 %", Achieved: "4.97 % (55 of 1107)"}
	idle := result.Finding{What: "rate", Verdict: result.Inconclusive, Asked: "at most 1 Mbit/s", Achieved: "0.4 Mbit/s", Note: "the traffic\nstayed below it"}
	for _, tt := range []struct {
		c    *result.Certificate
		want string
	}{
		{nil, ""},
		{&result.Certificate{Verdict: result.Confirmed, Mechanism: "nftables", Gone: true, Findings: []result.Finding{loss}}, "confirmed by nftables: loss 4.97 % (55 of 1107)"},
		{
			&result.Certificate{Verdict: result.Mismatch, Mechanism: "link", Findings: []result.Finding{loss, idle}},
			"mismatch by link, NOT GONE at its end: loss 4.97 % (55 of 1107); rate 0.4 Mbit/s, asked at most 1 Mbit/s (the traffic stayed below it)",
		},
	} {
		if got := Certificate(tt.c); got != tt.want {
			t.Errorf("got  %q\nwant %q", got, tt.want)
		}
	}
	events := []result.Event{{}, {Certificate: &result.Certificate{Verdict: result.Confirmed}}, {Certificate: &result.Certificate{Verdict: result.Confirmed}}, {Certificate: &result.Certificate{Verdict: result.Mismatch}}}
	if got := Certificates(events); got != "1 mismatch, 2 confirmed" {
		t.Errorf("%q", got)
	}
}
