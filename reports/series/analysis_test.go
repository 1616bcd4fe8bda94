package series_test

import (
	"testing"
	"time"

	"bench/reports/internal/fixture"
	"bench/reports/series"
)

func open(t *testing.T, name string) *series.Data {
	t.Helper()
	dir := t.TempDir()
	if err := fixture.Write(name, dir); err != nil {
		t.Fatal(err)
	}
	d, err := series.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestStopIsReadRight(t *testing.T) {
	d := open(t, "stop")
	a := series.Analyse(d.Cells[0])
	t.Logf("columns %d raw, %d shown, step %v, base n %d p99 %v", len(a.Raw), len(a.Overview), a.StepUs, a.Base.OK.N(), a.Base.P99)
	for _, w := range a.Windows {
		t.Logf("window %s begin %.1f end %.1f recovered %.1f until %.1f effect %.1f errors %v peak %v", series.Numbers(w.Events), float64(w.BeginUs)/1e6, float64(w.EndUs)/1e6, float64(w.RecoveredUs)/1e6, float64(w.UntilUs)/1e6, float64(w.EffectUs)/1e6, w.Errors, w.PeakP99)
	}
	for _, s := range a.Segments {
		p99, ok := s.Shown(0.99)
		t.Logf("segment %-10s n %d good %d errors %d p99 %v %v max %v", s.Name, s.OK.N(), s.Good, s.Errors.Total(), p99, ok, s.OK.Max())
	}
	// The stop began at 10.0 s after the warm-up of 2 s and lasted 3 s: its
	// longest wait belongs to the column in which it began.
	for _, c := range a.Overview {
		switch at := (c.StartUs - a.ZeroUs) / 100_000; {
		case at == 100 && (c.Max < 2.9e6 || c.Max > 4.5e6):
			t.Errorf("max at 10.0 s is %v µs", c.Max)
		case at >= 145 && at < 200 && c.Max > 1e6:
			t.Errorf("max at %d is %v µs", at, c.Max)
		case at >= 221 && at < 239 && len(c.OK) != 0:
			t.Errorf("column %d has latencies though all failed", at)
		}
	}
	if len(a.Gaps) != 1 || a.Gaps[0].StartUs != 24e6 || a.Gaps[0].EndUs != 26e6 {
		t.Errorf("gaps: %v", a.Gaps)
	}
	if len(a.Windows) != 3 {
		t.Fatalf("%d windows", len(a.Windows))
	}
	if r := a.Windows[0].RecoveryUs(); r < 500_000 || r > 1_500_000 {
		t.Errorf("recovery from the stop took %d µs", r)
	}
	if w := a.Windows[1]; w.Errors[series.Proxy5xx] != 600 || w.RecoveryUs() > 200_000 {
		t.Errorf("second fault: %v, recovery %d", w.Errors, w.RecoveryUs())
	}
	if w := a.Windows[2]; w.Errors.Total() != 0 || w.RecoveryUs() != 0 {
		t.Errorf("reload: %v %d", w.Errors, w.RecoveryUs())
	}
	var errs, offered uint64
	for i := range a.Segments {
		errs += a.Segments[i].Errors.Total()
		offered += a.Segments[i].Offered
	}
	if load := d.Run.Cells[0].Loads[0]; errs != load.Failed || offered != load.Requests {
		t.Errorf("segments hold %d errors of %d, the load %d of %d", errs, offered, load.Failed, load.Requests)
	}
}

func TestHourStaysSmallAndFast(t *testing.T) {
	dir := t.TempDir()
	if err := fixture.Write("hour", dir); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	d, err := series.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	read := time.Since(start)
	a := series.Analyse(d.Cells[0])
	t.Logf("read %v, all %v, raw %d, overview %d, step %d", read, time.Since(start), len(a.Raw), len(a.Overview), a.StepUs)
	if len(a.Overview) > series.MaxOverview+40 || a.StepUs != 5e6 {
		t.Errorf("%d columns of %d µs", len(a.Overview), a.StepUs)
	}
}

func TestManyEventsStayBounded(t *testing.T) {
	a := series.Analyse(open(t, "200-events").Cells[0])
	if len(a.Raw) > 6500 {
		t.Errorf("%d raw columns", len(a.Raw))
	}
	var n uint64
	for i := range a.Windows {
		n += uint64(len(a.Windows[i].Events))
		if i > 0 && a.Windows[i].BeginUs < a.Windows[i-1].UntilUs {
			t.Fatalf("window %d begins within the one before", i)
		}
	}
	if n != 200 {
		t.Errorf("%d events in windows", n)
	}
}
