package objective

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"bench/internal/result"
)

func TestSyntaxErrors(t *testing.T) {
	loads := []string{"a", "a-b"}
	for text, want := range map[string]struct {
		col int
		msg string
	}{
		"":                                 {1, "expected a metric or a value"},
		"failed":                           {7, "expected a comparison: == != < <= > or >="},
		"failed = 0":                       {8, "a comparison for equality is =="},
		"failed == ":                       {11, "expected a metric or a value"},
		"failed == 0 0":                    {13, `unexpected "0" after the comparison`},
		"errors < 1 %":                     {12, "a unit follows its number without a space: write 1%"},
		"response.p99 < 2.5 ms":            {20, "a unit follows its number without a space: write 2.5ms"},
		"faild == 0":                       {1, `unknown metric "faild"; did you mean "failed"?`},
		"response.p100 < 1s":               {1, `unknown metric "response.p100"; known are`},
		"response.p99 < 50":                {16, "response.p99 is a time: write 50ms, or use another unit: us, s, m or h"},
		"1 > response.max":                 {1, "response.max is a time: write 1ms"},
		"a.response.p50 - 5 < 1ms":         {18, "a.response.p50 is a time: write 5ms"},
		"errors < 5":                       {10, "errors is a share: write 5%"},
		"errors <= 1":                      {11, "errors is a share: write 1%"},
		"errors < 0.05":                    {10, "errors is a share: write 0.05%, or 5% for 0.05 of all"},
		"0.07 > a.errors":                  {1, "a.errors is a share: write 0.07%, or 7% for 0.07 of all"},
		"errors < 2 * 3":                   {8, "cannot compare a share with a number"},
		"errors < 500%":                    {10, "errors is a share, which is at most 100%"},
		"response.p99 < 0ms":               {16, "the comparison never holds: response.p99 is at least 0"},
		"0 > failed":                       {1, "the comparison never holds: failed is at least 0"},
		"failed >= 0":                      {11, "the comparison always holds: failed is at least 0"},
		"100% >= errors":                   {1, "the comparison always holds: errors is at most 100%"},
		"errors > 100%":                    {10, "the comparison never holds: errors is at most 100%"},
		"errors == 0ms":                    {8, "cannot compare a share with a time"},
		"errors < failed":                  {8, "cannot compare a share with a count"},
		"failed <= 5%":                     {11, "failed is a count: write 5 without %, or use errors, the share of requests that failed"},
		"failed == 0%":                     {11, "failed is a count: write 0 without %"},
		"a.failed.timeout < 1%":            {20, "a.failed.timeout is a count: write 1 without %"},
		"conservation.delta < 1%":          {22, "conservation.delta is a count: write 1 without %"},
		"failed < 5ms":                     {8, "cannot compare a count with a time"},
		"rate > 1900":                      {8, "rate is a rate: write 1900/s"},
		"requests > 10/s":                  {10, "cannot compare a count with a rate"},
		"response.p99 < 5parsec":           {17, `unknown unit "parsec"; known are us, ms, s, m, h, % and /s`},
		"response.p99 + failed < 5ms":      {14, "cannot add or subtract a time and a count"},
		"response.p99 * rate < 5ms":        {14, "cannot multiply or divide a time by a rate"},
		"(failed < 1":                      {1, "the parenthesis is not closed"},
		"1 < 2":                            {1, "the comparison has no metric"},
		"a.recovery < 1s":                  {1, "recovery is of the whole run, not of one load"},
		"a.respons.p99 < 1s":               {1, `unknown metric "respons.p99"; did you mean "response.p99"?`},
		"failed == #":                      {11, `expected a metric or a value, not "#"`},
		"failed == 1..2":                   {11, `"1..2" is not a number`},
		strings.Repeat("(", 60) + "failed": {51, "parentheses are nested deeper than 50"},
	} {
		_, err := Parse(text, Names{Loads: loads})
		var fault *SyntaxError
		if !errors.As(err, &fault) || fault.Col != want.col || !strings.HasPrefix(fault.Msg, want.msg) {
			t.Errorf("%q: %+v, want column %d %q", text, err, want.col, want.msg)
		}
	}
}

// histogram holds n values from 1 ms on, step microseconds apart.
func histogram(t *testing.T, n int, step int64) string {
	t.Helper()
	h := hdrhistogram.New(1, 3_600_000_000, 3)
	for i := range n {
		if err := h.RecordValue(1000 + int64(i)*step); err != nil {
			t.Fatal(err)
		}
	}
	text, err := h.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// data is a run of 10 s: 1 s of warm-up, then two loads of 100 requests in each
// 100 ms slice; load a has 5 failures at 4.0 s, and the answers of that slice
// took long.
func data(t *testing.T) *Data {
	fast, slow := histogram(t, 100, 10), histogram(t, 100, 10_000)
	d := &Data{
		Phases: []result.Phase{{Name: "warmup", LengthUs: 1e6}, {Name: "steady", StartUs: 1e6, LengthUs: 9e6, Measured: true}},
		Events: []result.Event{{ID: 1, Kind: "backend.stall", Class: "fault", Applied: true, BeginUs: 3_950_000, EndUs: 4_050_000}},
	}
	for at := int64(0); at < 10e6; at += 100_000 {
		for _, load := range []string{"a", "b"} {
			i := result.Interval{Load: load, Phase: "steady", StartUs: at, LengthUs: 100_000, Offered: 100, Completed: 100, Good: 100, Response: fast, Service: fast}
			if at < 1e6 {
				i.Phase = "warmup"
			}
			if load == "a" && at == 4e6 {
				i.Good, i.Errors, i.Response = 95, map[string]uint64{"timeout": 3, "refused": 2}, slow
			}
			d.Intervals = append(d.Intervals, i)
		}
	}
	whole := histogram(t, 9000, 1)
	for _, load := range []string{"a", "b"} {
		l := result.Load{Name: load, DurationSeconds: 9}
		l.Requests, l.Completed, l.GoodWithin, l.Retried = 9000, 9000, 9000, 1
		if load == "a" {
			l.GoodWithin = 8995
			l.Completed, l.Failed, l.FailuresByCause = 8995, 5, map[string]uint64{"timeout": 3, "refused": 2}
		}
		l.Response.HDR, l.Service.HDR, l.Lag.HDR = whole, whole, histogram(t, 9000, 0)
		d.Loads = append(d.Loads, l)
	}
	return d
}

func TestEvaluate(t *testing.T) {
	exact := &result.Conservation{Exact: true, Delta: 2, Rows: []result.ConservationRow{{Lost: 1}, {Repeated: 3}}}
	for _, c := range []struct {
		expr, window string
		verdict      string
		got          float64
		worst        int64
		event        int
	}{
		{"failed == 0", "", result.Fail, 5, 4e6, 1},
		{"b.failed == 0", "", result.Pass, 0, -1, 0},
		{"failed.timeout <= 3", "", result.Pass, 3, 4e6, 1},
		{"failed.reset-after == 0", "", result.Pass, 0, -1, 0},
		{"a.errors < 0.1%", "", result.Pass, 5.0 / 9000, 4e6, 1},
		{"requests >= 18000", "", result.Pass, 18000, -1, 0},
		{"retried != 2", "", result.Fail, 2, -1, 0},
		{"rate > 1900/s", "", result.Pass, 17995.0 / 9, -1, 0},
		{"completed / requests > 99%", "", result.Pass, 17995.0 / 18000, -1, 0},
		{"completed / requests > 0.99", "", result.Pass, 17995.0 / 18000, -1, 0},
		{"failed < requests * 1%", "", result.Pass, 5, 4e6, 1},
		{"errors * 2 < 1%", "", result.Pass, 10.0 / 18000, 4e6, 1},
		{"errors <= 99%", "", result.Pass, 5.0 / 18000, 4e6, 1},
		{"a.errors == 0", "", result.Fail, 5.0 / 9000, 4e6, 1},
		{"a.errors / b.errors < 2", "", result.Unclear, 0, -1, 0},
		{"response.p99 < 20ms", "", result.Pass, 9911, 4e6, 1},
		{"response.p99.9 < 20ms", "", result.Pass, 9991, 4e6, 1},
		{"response.p99.99 < 20ms", "", result.Unclear, 0, -1, 0},
		{"response.max <= 10ms", "", result.Pass, 9999, 4e6, 1},
		{"generator.lag.p99 < 1ms", "", result.Invalid, 1000, -1, 0},
		{"generator.lag.p99 < 2ms", "", result.Pass, 1000, -1, 0},
		{"a.response.p50 - b.response.p50 < 2ms", "", result.Pass, 0, 4e6, 1},
		{"a.response.p50 - b.response.p50 < 1ms", "", result.Invalid, 0, 4e6, 1},
		{"a.response.p50 < b.response.p50 * 2 + 1ms", "", result.Pass, 5500, 4e6, 1},
		{"conservation.delta == 0", "", result.Fail, 2, -1, 0},
		{"conservation.lost == 1", "", result.Pass, 1, -1, 0},
		{"conservation.repeated == 3", "", result.Pass, 3, -1, 0},
		// Whole slices count: those from 3.9 s to 4.1 s for the event itself.
		{"failed == 0", "backend.stall", result.Fail, 5, 4e6, 1},
		{"failed == 0", "backend.stall +1s..+2s", result.Pass, 0, -1, 0},
		{"a.errors < 1%", "backend.stall", result.Fail, 5.0 / 200, 4e6, 1},
		{"response.p99 < 2ms", "backend.stall -3s..+3s", result.Pass, 1991, 4e6, 1},
		{"b.response.p99 < 2ms", "steady", result.Pass, 1981, 1e6, 0},
		{"b.requests == 9000", "steady", result.Pass, 9000, -1, 0},
		{"response.p99 < 2ms", "backend.stall", result.Unclear, 0, -1, 0},
		{"rate > 0/s", "steady", result.Pass, 17995.0 / 9, -1, 0},
	} {
		d := data(t)
		d.Conservation = exact
		e, err := Parse(c.expr, Names{Loads: []string{"a", "b"}})
		if err != nil {
			t.Fatalf("%s: %v", c.expr, err)
		}
		var w *Window
		if c.window != "" {
			if w, err = ParseWindow(c.window, []string{"warmup", "steady"}, []string{"backend.stall"}); err != nil {
				t.Fatalf("%s: %v", c.window, err)
			}
		}
		o := Evaluate(e, w, d)
		// Histograms are exact to three digits.
		if o.Verdict != c.verdict || o.Got < c.got*0.998 || o.Got > c.got*1.002 || o.WorstUs != c.worst || o.Event != c.event {
			t.Errorf("%s [%s]: %s got %v worst %d event %d (%s), want %s %v %d %d",
				c.expr, c.window, o.Verdict, o.Got, o.WorstUs, o.Event, o.Reason, c.verdict, c.got, c.worst, c.event)
		}
		if o.Known != (o.Verdict != result.Unclear) || (o.Reason == "") != (o.Verdict == result.Pass || o.Verdict == result.Fail) {
			t.Errorf("%s: known %v, reason %q", c.expr, o.Known, o.Reason)
		}
	}
}

// What cannot be known is UNCLEAR, not passed.
func TestUnclear(t *testing.T) {
	lost := &result.Conservation{Detail: "generation 2 was lost"}
	for expr, c := range map[string]struct {
		d    *Data
		want string
	}{
		"conservation.delta == 0":  {&Data{Conservation: lost}, "conservation is not exact: generation 2 was lost"},
		"conservation.lost == 0":   {&Data{}, "conservation could not be checked"},
		"recovery < 1s":            {&Data{}, "there was no fault to recover from"},
		"errors == 0":              {&Data{}, "no request has ended"},
		"response.p99 < 1s":        {&Data{}, "response.p99 of 0 samples; 1000 are needed"},
		"completed / requests < 1": {&Data{}, "a division by zero"},
		"failed / requests < 1":    {&Data{}, "no request was due in this time"},
		"failed == 0":              {&Data{}, "no request was due in this time"},
		"failed.timeout == 0":      {&Data{}, "no request was due in this time"},
		"retried == 0":             {&Data{}, "no request was due in this time"},
		"rate > 1/s":               {&Data{}, "no time was measured"},
		"1ms > response.max":       {&Data{}, "response.max of 0 samples; 1 are needed"},
		"response.p50 < 1s + 1ms":  {&Data{Loads: []result.Load{{Tally: result.Tally{Response: result.Latency{HDR: "rubbish"}}}}}, "a histogram cannot be read: "},
	} {
		e, err := Parse(expr, Names{})
		if err != nil {
			t.Fatalf("%s: %v", expr, err)
		}
		if o := Evaluate(e, nil, c.d); o.Verdict != result.Unclear || !strings.HasPrefix(o.Reason, c.want) {
			t.Errorf("%s: %s %q, want UNCLEAR %q", expr, o.Verdict, o.Reason, c.want)
		}
	}
}

func TestWindowNeverOpened(t *testing.T) {
	e, err := Parse("failed == 0", Names{})
	if err != nil {
		t.Fatal(err)
	}
	d := data(t)
	outside := &Window{Kind: "backend.stall", From: time.Hour, To: 2 * time.Hour}
	if o := Evaluate(e, outside, d); o.Verdict != result.Unclear || o.Reason != "the window never opened: it lies outside the run for every backend.stall" {
		t.Errorf("%+v", o)
	}
	d.Events[0].Applied = false
	if o := Evaluate(e, &Window{Kind: "backend.stall"}, d); o.Verdict != result.Unclear || o.Reason != "the window never opened: no backend.stall was carried out" {
		t.Errorf("%+v", o)
	}
}

// That nothing failed holds nothing where nothing was due: neither in the window of one
// event among others nor for one load among others.
func TestNothingWasDue(t *testing.T) {
	d := data(t)
	d.Loads = append(d.Loads, result.Load{Name: "idle"})
	for i := range d.Intervals {
		if s := &d.Intervals[i]; s.StartUs >= 4_500_000 && s.StartUs < 4_800_000 {
			s.Offered, s.Completed, s.Good, s.Errors, s.Response, s.All = 0, 0, 0, nil, "", ""
		}
	}
	for _, text := range []string{"failed <= 1000", "errors <= 99%"} {
		e, err := Parse(text, Names{Loads: []string{"idle"}})
		if err != nil {
			t.Fatal(err)
		}
		if o := EvaluateOver(e, Span{4_500_000, 4_800_000}, "w", d); o.Verdict != result.Unclear {
			t.Errorf("%s: %+v", text, o)
		}
		if o := EvaluateOver(e, Span{4_500_000, 4_900_000}, "w", d); o.Verdict != result.Pass {
			t.Errorf("%s with a slice that has requests: %+v", text, o)
		}
		if e, err = Parse("idle."+text, Names{Loads: []string{"idle"}}); err != nil {
			t.Fatal(err)
		}
		if o := Evaluate(e, nil, d); o.Verdict != result.Unclear {
			t.Errorf("idle.%s: %+v", text, o)
		}
	}
}

func TestRecovery(t *testing.T) {
	e, err := Parse("recovery < 500ms", Names{})
	if err != nil {
		t.Fatal(err)
	}
	// The failures end with the slice of 4.0 s; the fault itself at 4.05 s. The
	// slice is left behind when it no longer touches the window.
	if o := Evaluate(e, nil, data(t)); o.Verdict != result.Pass || o.Got != 100_000 {
		t.Errorf("%+v", o)
	}
	d := data(t)
	d.Intervals = append(d.Intervals, result.Interval{Load: "a", Phase: "steady", StartUs: 9e6, LengthUs: 100_000, Errors: map[string]uint64{"timeout": 1}})
	// One failure at 9 s: no three quiet seconds end before 6 s, and then there are.
	if o := Evaluate(e, nil, d); o.Verdict != result.Pass {
		t.Errorf("%+v", o)
	}
	d.Intervals = append(d.Intervals, result.Interval{Load: "a", Phase: "steady", StartUs: 6_500_000, LengthUs: 100_000, Errors: map[string]uint64{"timeout": 1}})
	if o := Evaluate(e, nil, d); o.Verdict != result.Fail || o.Got < 2_000_000 {
		t.Errorf("%+v", o)
	}
	d.Events[0].EndUs = 9_500_000
	if o := Evaluate(e, nil, d); o.Verdict != result.Unclear {
		t.Errorf("%+v", o)
	}
}

func TestWindowErrors(t *testing.T) {
	phases, kinds := []string{"steady"}, []string{"proxy.reload"}
	for text, want := range map[string]string{
		"sleepy":              `the window "sleepy" is neither a phase nor an event of this scenario; known are steady, proxy.reload`,
		"steady -1s..+1s":     "the window of a phase has no offsets: write steady",
		"proxy.reload 1s":     "offsets are written -1s..+2s",
		"proxy.reload 1..2s":  `"1" has no unit`,
		"proxy.reload 1s..2":  `"2" has no unit`,
		"proxy.reload 2s..1s": "the window ends before it begins",
	} {
		if _, err := ParseWindow(text, phases, kinds); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestP99Limit(t *testing.T) {
	for expr, want := range map[string]float64{"response.p99 < 50ms": 50_000, "response.p99 <= 1s": 1e6, "response.p50 < 1s": 0, "response.p99 > 1s": 0} {
		e, err := Parse(expr, Names{})
		if err != nil {
			t.Fatal(err)
		}
		if us, ok := e.P99Limit(); us != want || ok != (want > 0) {
			t.Errorf("%s: %v %v", expr, us, ok)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"failed == 0", "a.response.p99.9 - b.response.p50 < 5ms * 2", "(errors) <= 1%", "rate>10/s", "((((", "1e9 < 2", "a-b.failed.5xx-proxy==0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := Parse(text, Names{Loads: []string{"a", "b", "a-b"}})
		if err != nil {
			var fault *SyntaxError
			if !errors.As(err, &fault) || fault.Col < 1 || fault.Col > len([]rune(text))+1 {
				t.Fatalf("%q: %+v", text, err)
			}
			return
		}
		Evaluate(e, nil, &Data{})
	})
}

func TestWhatASearchNeedsToKnow(t *testing.T) {
	for _, c := range []struct {
		text     string
		limit    float64 // µs; 0 is none
		samples  uint64
		failures bool
	}{
		{"response.p99 < 20ms", 20_000, 1000, false},
		{"p99 <= 1ms + 1ms", 2000, 1000, false},
		{"clients.all.p99.9 < 1s", 1e6, 10_000, true},
		{"response.max < 20ms", 20_000, 1, false},
		{"20ms > response.p99", 0, 1000, false},
		{"response.p99 > 20ms", 0, 1000, false},
		{"response.p99 - response.p50 < 5ms", 0, 1000, false},
		{"service.p99 < 1ms - 0ms", 1000, 1000, false},
		{"generator.lag.p99 < 1ms", 0, 1000, false},
		{"errors < 1%", 0, 0, true},
		{"failed.5xx-proxy == 0", 0, 0, true},
		{"completed == requests", 0, 0, true},
		{"rate > 100/s", 0, 0, false},
	} {
		e, err := Parse(c.text, Names{Loads: []string{"clients"}})
		if err != nil {
			t.Fatal(err)
		}
		us, ok := e.TimeLimit()
		if want := c.limit > 0 && !strings.HasPrefix(c.text, "service"); e.OnlyLater() != want {
			t.Errorf("%s: only later %v", c.text, e.OnlyLater())
		}
		if us != c.limit || ok != (c.limit > 0) || e.Samples() != c.samples || e.CountsFailures() != c.failures {
			t.Errorf("%s: limit %v %v, %d samples, failures %v", c.text, us, ok, e.Samples(), e.CountsFailures())
		}
	}
}

// What a higher load makes hold has no highest load.
func TestEasierWithLoad(t *testing.T) {
	for text, want := range map[string]bool{
		"response.p99 > 20ms":    true,
		"service.max >= 20ms":    true,
		"rate > 100/s":           true,
		"clients.rate >= 1000/s": true,
		"response.p99 < 20ms":    false,
		"rate < 100/s":           false,
		"failed > 3":             false,
		"rate > a.rate":          false,
	} {
		e, err := Parse(text, Names{Loads: []string{"clients", "a"}})
		if err != nil {
			t.Fatal(text, err)
		}
		if got := e.EasierWithLoad(); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}
