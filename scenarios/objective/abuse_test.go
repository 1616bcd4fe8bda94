package objective

import (
	"testing"

	"bench/internal/hdr"
	"bench/internal/result"
)

func TestAbuseMetrics(t *testing.T) {
	h := hdr.NewLong()
	for range 2000 {
		hdr.Record(h, hdr.Microseconds(3e9))
	}
	hdr.Record(h, hdr.Microseconds(5e9))
	held, err := new(hdr.Encoder).Summary(h)
	if err != nil {
		t.Fatal(err)
	}
	d := &Data{Abuse: []result.Abuse{
		{Name: "drip", OpenMax: 500, Held: held, AbuseCounts: result.AbuseCounts{
			Attempts: 12, Opened: 10, Refused: 1, Unreached: 1, Closed: 4, Reset: 3, TimedOut: 2, Left: 1, Answered: 6,
			Statuses: map[string]uint64{"408": 5, "400": 2, "200": 1}, Garbled: 1, Requests: 9,
		}},
		{Name: "few"},
	}}
	names := Names{Loads: []string{"clients"}, Abuse: []string{"drip", "few"}}
	for _, c := range []struct{ expr, verdict string }{
		{"drip.attempts == drip.opened + drip.refused + drip.unreached + drip.local", result.Pass},
		{"drip.opened == drip.closed + drip.reset + drip.timed-out + drip.left + drip.open", result.Pass},
		{"drip.status.408 == 5", result.Pass},
		{"drip.status.4xx == 7", result.Pass},
		{"drip.status.2xx + drip.status.503 == 1", result.Pass},
		{"drip.status.2xx == 0", result.Fail},
		{"drip.answered - drip.garbled == 5", result.Pass},
		{"drip.open.max <= 500", result.Pass},
		{"drip.held.p99 < 3100ms", result.Pass},
		{"drip.held.max < 4s", result.Fail},
		{"few.held.max < 4s", result.Unclear},
		{"few.requests == 0", result.Pass},
	} {
		e, err := Parse(c.expr, names)
		if err != nil {
			t.Errorf("%s: %v", c.expr, err)
			continue
		}
		if o := Evaluate(e, nil, d); o.Verdict != c.verdict {
			t.Errorf("%s is %s (%v, wanted %v; %s), want %s", c.expr, o.Verdict, o.Got, o.Wanted, o.Reason, c.verdict)
		}
	}
	e, err := Parse("drip.open == 0", names)
	if err != nil {
		t.Fatal(err)
	}
	if o := Evaluate(e, nil, &Data{}); o.Verdict != result.Unclear {
		t.Errorf("%s without counts", o.Verdict)
	}
	for _, m := range AbuseMetrics() {
		if m == "status.CODE" || m == "held.pN" {
			continue
		}
		if _, err := Parse("drip."+m+" == 0", names); err != nil {
			t.Errorf("%s: %v", m, err)
		}
	}
	for _, bad := range []string{"drip.status.40", "drip.status.6xx", "drip.status.4x0", "drip.held.p100", "drip.p99", "open", "clients.open"} {
		if _, err := Parse(bad+" == 0", names); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}
