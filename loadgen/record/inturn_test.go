package record

import (
	"math"
	"testing"

	"bench/internal/hdr"
	"bench/internal/result"
)

// Loads that ran one after another add up like those that ran together, but for their
// time, which adds up, too.
func TestInTurn(t *testing.T) {
	var enc hdr.Encoder
	load := func(us int64, n int) *result.Load {
		h := hdr.NewLong()
		for range n {
			hdr.Record(h, us)
		}
		l := &result.Load{Name: "clients", Arrival: "constant", DurationSeconds: 2, Phases: []result.LoadPhase{{Name: "trial", Measured: true}}}
		l.Requests, l.Completed, l.GoodWithin, l.EndedWithin = uint64(n), uint64(n), uint64(n), uint64(n)
		var err error
		if l.Response, err = enc.Summary(h); err != nil {
			t.Fatal(err)
		}
		return l
	}
	sum, err := InTurn([]*result.Load{load(1000, 900), load(9000, 100)})
	if err != nil {
		t.Fatal(err)
	}
	if sum.DurationSeconds != 4 || sum.RatePerSecond != 250 || sum.Requests != 1000 || sum.Response.Count != 1000 {
		t.Errorf("%+v", sum)
	}
	if math.Abs(sum.Response.P50-1000) > 2 || math.Abs(sum.Response.P99-9000) > 10 {
		t.Errorf("p50 %v, p99 %v", sum.Response.P50, sum.Response.P99)
	}
	if sum.NotCarried != "" {
		t.Errorf("%q", sum.NotCarried)
	}
	other := load(1000, 1)
	other.Phases = nil
	if _, err := InTurn([]*result.Load{load(1, 1), other}); err == nil {
		t.Error("loads with other phases were joined")
	}
}
