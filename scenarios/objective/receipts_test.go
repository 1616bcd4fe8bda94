package objective

import (
	"math"
	"strings"
	"testing"

	"bench/internal/result"
)

// told is a run of ten seconds in which origins were asked each half of one: web.1
// received a request each millisecond, web.2 three of them, db.1 one up to second 6, where
// it ended, to begin again at second 8.
func told() *Data {
	d := &Data{Phases: []result.Phase{
		{Name: "warmup", LengthUs: 1e6}, {Name: "steady", StartUs: 1e6, LengthUs: 9e6, Measured: true},
	}}
	for at := int64(-250_000); at <= 10_250_000; at += 500_000 {
		n := uint64(max(0, at)) / 1000
		d.Receipts = append(d.Receipts,
			result.OriginCount{Name: "web.1", AtUs: at, Received: n}, result.OriginCount{Name: "web.2", AtUs: at, Received: 3 * n})
		switch {
		case at < 6e6:
			d.Receipts = append(d.Receipts, result.OriginCount{Name: "db.1", AtUs: at, Received: n, SinceNs: 1})
		case at >= 8e6:
			d.Receipts = append(d.Receipts, result.OriginCount{Name: "db.1", AtUs: at, Received: n - 8000, SinceNs: 2})
		}
	}
	return d
}

func TestReceived(t *testing.T) {
	for _, c := range []struct {
		metric    string
		from, to  int64
		low, high float64
		why       string
	}{
		{"web.1.received", 2_250_000, 4_250_000, 2000, 2000, ""}, // asked at both ends
		{"web.1.received", 2_000_000, 4_000_000, 1500, 2500, ""}, // known by the readings around
		{"web.1.received", 2_300_000, 2_400_000, 0, 500, ""},     // nobody was asked meanwhile
		{"web.received", 2_250_000, 4_250_000, 8000, 8000, ""},
		{"received", 2_250_000, 4_250_000, 10_000, 10_000, ""},
		{"web.1.share", 2_250_000, 4_250_000, 0.25, 0.25, ""},
		{"web.1.share", 2_000_000, 4_000_000, 1500.0 / (1500 + 7500), 2500.0 / (2500 + 4500), ""},
		{"web.share", 2_250_000, 4_250_000, 0.8, 0.8, ""},
		{"db.1.share", 2_250_000, 4_250_000, 1, 1, ""}, // it is alone in its backend
		{"db.received", 5_000_000, 9_000_000, 0, 0, "origin db.1 ended in this time"},
		{"web.received", 6_250_000, 7_250_000, 4000, 4000, ""}, // whatever became of others
		{"web.share", 6_250_000, 7_250_000, 0, 0, "origin db.1 ended in this time"},
		{"received", 6_500_000, 7_500_000, 0, 0, "origin db.1 ended in this time"},
		{"db.received", 8_250_000, 9_250_000, 1000, 1000, ""},
		{"web.1.received", -1_000_000, 1_000_000, 0, 0, "origin web.1 could not be asked"},
		{"web.1.received", 9_000_000, 11_000_000, 0, 0, "origin web.1 could not be asked"},
		{"web.1.share", -240_000, -240_000, 0, 1, ""},
		{"web.1.share", -250_000, -250_000, 0, 0, "no request was received in this time"},
	} {
		m, why := lookup(c.metric, Names{Loads: []string{"web"}, Origins: []string{"web", "web.1", "web.2", "db", "db.1"}})
		if m == nil {
			t.Fatal(why)
		}
		b, why := told().ofOrigins(m, &Span{c.from, c.to})
		if math.Abs(b.low-c.low) > 1e-9 || math.Abs(b.high-c.high) > 1e-9 || why != c.why && (c.why == "" || !strings.HasPrefix(why, c.why)) {
			t.Errorf("%s from %d to %d: %+v %q, want %v to %v %q", c.metric, c.from, c.to, b, why, c.low, c.high, c.why)
		}
	}
}

// A limit is not decided where the time between two readings could change that.
func TestReceivedIsJudgedWithinBounds(t *testing.T) {
	names := Names{Origins: []string{"web", "web.1", "web.2"}}
	for text, want := range map[string]string{
		"web.1.received > 1400": result.Pass, "web.1.received > 2600": result.Fail, "web.1.received > 2000": result.Invalid,
		"web.1.share < 40%": result.Pass, "web.1.share > 40%": result.Fail, "web.1.share > 25%": result.Invalid,
		"web.1.received / web.2.received < 1": result.Pass,
	} {
		e, err := Parse(text, names)
		if err != nil {
			t.Fatal(err)
		}
		o := EvaluateOver(e, Span{2_000_000, 4_000_000}, "", told())
		if o.Verdict != want || want == result.Invalid && !strings.Contains(o.Reason, "only every now and then") {
			t.Errorf("%s: %s %q, want %s", text, o.Verdict, o.Reason, want)
		}
		if !e.ReadsOrigins() {
			t.Errorf("%s: nobody would ask the origins", text)
		}
	}
}

func TestReceivedIsOfOrigins(t *testing.T) {
	names := Names{Loads: []string{"clients"}, Origins: []string{"web", "web.1"}}
	for text, want := range map[string]string{
		"clients.received > 1": "received is of a backend or of one of its origins, as web.1.received, not of a load",
		"web.failed == 0":      "unknown metric",
		"web.3.share > 1%":     "unknown metric",
	} {
		if _, err := Parse(text, names); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}
