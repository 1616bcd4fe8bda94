package measures_test

import (
	"math"
	"strings"
	"testing"

	"bench/internal/result"
	"bench/internal/units"
	"bench/scenarios/measures"
	"bench/scenarios/measures/testfolder"
)

// read writes a run and takes its measures.
func read(t *testing.T, r *testfolder.Run, asked ...measures.Asked) *measures.Run {
	t.Helper()
	dir := t.TempDir()
	testfolder.Write(t, dir, r)
	got, err := measures.Read(dir, asked)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func hundred() (us []uint32) {
	for i := range uint32(100) {
		us = append(us, 100+i)
	}
	return us
}

// wants holds a measure to a value within one in a thousand, the accuracy of histograms.
func wants(t *testing.T, r *measures.Run, name string, value float64) {
	t.Helper()
	m := r.Lookup(name)
	switch {
	case m == nil:
		t.Errorf("there is no %s", name)
	case !m.Known:
		t.Errorf("%s is not known: %s", name, m.Why)
	case math.Abs(m.Value-value) > math.Abs(value)/1000:
		t.Errorf("%s = %v, want %v", name, m.Value, value)
	}
}

func unknown(t *testing.T, r *measures.Run, name, why string) {
	t.Helper()
	if m := r.Lookup(name); m == nil || m.Known || !strings.Contains(m.Why, why) {
		t.Errorf("%s is %+v, want it not known because of %q", name, m, why)
	}
}

func TestMeasuresOfOneLoad(t *testing.T) {
	r := read(t, &testfolder.Run{
		Loads: []testfolder.Load{{Name: "clients", Us: hundred(), Times: 20, Failed: 3, Retried: 5}}, Seconds: 10, CPU: 0.4, System: 0.3,
	})
	wants(t, r, result.MeasureP50, 149)
	wants(t, r, result.MeasureP99, 198)
	unknown(t, r, result.MeasureP999, units.Count(2000)+" responses; it takes "+units.Count(10_000))
	wants(t, r, result.MeasureFailed, 3)
	wants(t, r, result.MeasureRetried, 5)
	wants(t, r, result.MeasureThroughput, 200)
	// 0.4 s a second for 200 requests; what the warm-up used does not count, nor do origins.
	wants(t, r, result.MeasureCPU, 2000)
	wants(t, r, result.MeasureCPUUser, 500)
	wants(t, r, result.MeasureCPUSystem, 1500)
	wants(t, r, result.MeasureMemory, 40<<20)
	for _, m := range r.Measures {
		if m.Load != "" || m.Cell != "" {
			t.Errorf("%+v: a single load of a single cell needs no name", m)
		}
	}
	gated := 0
	for i := range r.Measures {
		if r.Measures[i].Gated() {
			gated++
		}
	}
	if gated != len(result.GatedMeasures()) {
		t.Errorf("%d measures decide, want %d", gated, len(result.GatedMeasures()))
	}
}

// What goes past the proxy says nothing about it.
func TestLoadsPastTheProxy(t *testing.T) {
	r := read(t, &testfolder.Run{
		Loads: []testfolder.Load{
			{Name: "proxied", Us: []uint32{1000}, Times: 2000, Failed: 1},
			{Name: "direct", Target: "origin/web", Us: []uint32{100}, Times: 8000, Failed: 7},
		}, Seconds: 10, CPU: 0.4,
	})
	wants(t, r, result.MeasureP50, 1000)
	wants(t, r, "proxied.response.p50", 1000)
	wants(t, r, "direct.response.p50", 100)
	wants(t, r, result.MeasureFailed, 1)
	wants(t, r, "direct.failed", 7)
	wants(t, r, result.MeasureThroughput, 200)
	wants(t, r, result.MeasureCPU, 2000)
	unknown(t, r, result.MeasureCPUUser, "not known separately")
	if m := r.Lookup("direct.failed"); m.Load != "direct" || m.Gated() || m.Kind != measures.Count || m.Of != 8007 {
		t.Errorf("%+v", m)
	}
}

func TestClasses(t *testing.T) {
	class := func(name string, us uint32) result.LoadClass {
		c := result.LoadClass{Name: name}
		c.Requests, c.Completed, c.GoodWithin = 1500, 1500, 1500
		c.Response.HDR = testfolder.Encode(t, []uint32{us}, 1500)
		return c
	}
	r := read(t, &testfolder.Run{
		Loads: []testfolder.Load{{
			Name: "shop", Us: []uint32{500}, Times: 3000, Classes: []result.LoadClass{class("home", 200), class("cart", 900)},
		}}, Seconds: 10,
	})
	wants(t, r, "shop/home.response.p50", 200)
	wants(t, r, "shop/cart.response.p99", 900)
	wants(t, r, "shop/cart.throughput", 150)
	if m := r.Lookup("shop/cart.response.p99"); m != nil && (m.Load != "shop" || m.Class != "cart" || m.Gated()) {
		t.Errorf("%+v", m)
	}
}

func TestRecovery(t *testing.T) {
	event := func(kind, target string, at, end int64) result.Event {
		return result.Event{Kind: kind, Target: target, Class: "fault", PlannedUs: at, BeginUs: at, EndUs: end, Applied: true}
	}
	seen := result.Event{Kind: "seen.server-down", Target: "web/s1", Class: "seen", PlannedUs: 4_100_000, BeginUs: 4_100_000, EndUs: 4_100_000, Applied: true}
	run := &testfolder.Run{
		// Nothing is answered in the seconds 4 to 6 of the run.
		Loads: []testfolder.Load{{Name: "clients", Us: []uint32{100}, Times: 20_000}}, Seconds: 19, Down: []int{3, 4},
	}
	run.Record.Cells = []*result.Cell{{
		Name: "run", Events: []result.Event{event("backend.stall", "web.1", 4_000_000, 5_000_000), seen, event("proxy.reload", "", 12_000_000, 12_000_000)},
	}}
	r := read(t, run)
	wants(t, r, "recovery 1 backend.stall web.1", 1_000_000)
	wants(t, r, "recovery 2 proxy.reload", 0)

	// To the end of the run.
	run.Down = []int{3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18}
	run.Record.Cells[0].Loads = nil
	run.Record.Cells[0].Events = run.Record.Cells[0].Events[:1]
	r = read(t, run)
	wants(t, r, "recovery 1 backend.stall web.1", 15_000_000)
	if m := r.Lookup("recovery 1 backend.stall web.1"); m != nil && !m.AtLeast {
		t.Error("it took at least so long: the end was not seen")
	}

	// What is done often is one measure, the longest.
	run.Down, run.Record.Cells[0].Loads, run.Record.Cells[0].Events = []int{9}, nil, nil
	for at := int64(3_000_000); at < 19_000_000; at += 3_500_000 {
		run.Record.Cells[0].Events = append(run.Record.Cells[0].Events, event("proxy.reload", "", at, at))
	}
	r = read(t, run)
	wants(t, r, "recovery proxy.reload, longest of 5", 1_000_000)
}

func TestAskedMeasures(t *testing.T) {
	run := &testfolder.Run{Loads: []testfolder.Load{{Name: "clients", Us: hundred(), Times: 20, Failed: 10}}, Seconds: 10}
	r := read(t, run, measures.Asked{Text: "response.p90"}, measures.Asked{Text: "errors"}, measures.Asked{Text: "rate"}, measures.Asked{Text: "recovery"}, measures.Asked{Text: "completed"})
	wants(t, r, "completed", 2000)
	wants(t, r, "response.p90", 189)
	wants(t, r, "errors", 10.0/2010)
	wants(t, r, "rate", 200)
	unknown(t, r, "recovery", "there was no fault")
	for name, want := range map[string]measures.Measure{
		"response.p90": {Kind: measures.Ratio, Unit: "us"}, "errors": {Kind: measures.Count, Unit: "%", Of: 2010},
		"completed": {Kind: measures.Ratio, MoreIsBetter: true},
		"rate":      {Kind: measures.Ratio, Unit: "/s", MoreIsBetter: true}, "recovery": {Kind: measures.Ratio, Unit: "us"},
	} {
		if m := r.Lookup(name); m == nil || m.Kind != want.Kind || m.Unit != want.Unit || m.MoreIsBetter != want.MoreIsBetter || want.Of != 0 && m.Of != want.Of {
			t.Errorf("%s is %+v, want %+v", name, m, want)
		}
	}
	dir := t.TempDir()
	testfolder.Write(t, dir, &testfolder.Run{Loads: run.Loads, Seconds: 10})
	if _, err := measures.Read(dir, []measures.Asked{{Text: "nonsense"}}); err == nil || !strings.Contains(err.Error(), `unknown metric "nonsense"`) {
		t.Errorf("error %v", err)
	}
}

// What cannot be known says why.
func TestUnknown(t *testing.T) {
	r := read(t, &testfolder.Run{Loads: []testfolder.Load{{Name: "clients", Us: []uint32{100}, Times: 19}}, Seconds: 2})
	unknown(t, r, result.MeasureP50, "19 responses; it takes 20")
	unknown(t, r, result.MeasureP99, "19 responses; it takes "+units.Count(1000))
	unknown(t, r, result.MeasureCPU, "no request ended well")
	if _, err := measures.Read(t.TempDir(), nil); err == nil {
		t.Error("a folder without a run is read")
	}
}
