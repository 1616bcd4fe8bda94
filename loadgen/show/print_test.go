package show

import (
	"flag"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"bench/internal/hdr"
	"bench/internal/result"
)

var update = flag.Bool("update", false, "write the golden files")

// latencyOf summarises n values between fastest and many times as much.
func latencyOf(t *testing.T, n int, fastest float64) result.Latency {
	t.Helper()
	h := hdr.NewLong()
	for i := range n {
		hdr.Record(h, int64(fastest/math.Sqrt(1-(float64(i)+0.5)/float64(n))))
	}
	var e hdr.Encoder
	l, err := e.Summary(h)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// shortEncoding is a histogram of a slice with n equal values.
func shortEncoding(t *testing.T, n int, us int64) string {
	t.Helper()
	h := hdr.NewShort()
	for range n {
		hdr.Record(h, us)
	}
	var e hdr.Encoder
	s, err := e.Encode(h)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A run of 10 s at 2,000/s whose target stops from 4 s to 6 s.
func stopTimeline(t *testing.T) *Timeline {
	t.Helper()
	var tl Timeline
	for at := range 100 {
		i := &result.Interval{StartUs: int64(at) * 100_000, LengthUs: 100_000, Offered: 200}
		switch {
		case at < 40 || at >= 60:
			i.Response = shortEncoding(t, 200, 230)
		case at < 50:
			i.Errors = map[string]uint64{"timeout": uint64(at), "refused": 100}
		default:
			i.Response = shortEncoding(t, 100, int64(60-at)*100_000)
		}
		if err := tl.Add(i); err != nil {
			t.Fatal(err)
		}
	}
	tl.Fail(&result.Failure{Cause: "timeout", Detail: "waiting for the response"})
	tl.Fail(&result.Failure{Cause: "timeout", Detail: "another one"})
	tl.Fail(&result.Failure{Cause: "5xx-proxy"})
	tl.Fail(&result.Failure{Cause: "5xx-proxy", Request: "buy", Detail: "Table 'shop.\x1b[31m' is\nfull"})
	return &tl
}

func TestPrint(t *testing.T) {
	for name, c := range map[string]struct {
		load     *result.Load
		timeline *Timeline
		ascii    bool
	}{
		"open": {&result.Load{
			Name: "load", Protocol: "http1", Target: "http://127.0.0.1:8080/", Arrival: "constant", Connections: 64, Seed: 7,
			Poller: "epoll", DurationSeconds: 10, RatePerSecond: 1999, CPUSeconds: 0.41, BusyShare: 0.052, Sent: 22_003, SpinUs: 56,
			Tally: result.Tally{
				Requests: 20_000, Completed: 19_990, Failed: 10, Retried: 3, ConnsOpened: 64, BytesIn: 5_540_000, BytesOut: 1_440_000,
				FailuresByCause: map[string]uint64{"timeout": 8, "5xx-proxy": 2}, StatusCounts: map[string]uint64{"200": 19_990, "503": 2},
				Response: latencyOf(t, 19_990, 226), Service: latencyOf(t, 19_990, 77), All: latencyOf(t, 20_000, 226), Lag: latencyOf(t, 20_000, 1),
			},
			Host: &result.LoadHost{DisturbedSeconds: []int{3, 4}, StolenSeconds: 0.02, WaitedSeconds: 0.001, WakeUp: latencyOf(t, 9000, 60), QuietLag: latencyOf(t, 16_000, 1)},
		}, stopTimeline(t), false},
		"classes": {&result.Load{
			Name: "load", Target: "http://web/", Arrival: "trace", Connections: 1, Seed: 1, Poller: "epoll", DurationSeconds: 1, RatePerSecond: 1510,
			Tally: result.Tally{Requests: 2010, Completed: 1510, Failed: 500, FailuresByCause: map[string]uint64{"body": 400, "header": 100}, Response: latencyOf(t, 1510, 500), Service: latencyOf(t, 1510, 500)},
			Classes: []result.LoadClass{
				{Name: "browse", Weight: 3, Tally: result.Tally{Requests: 1500, Completed: 1500, GoodWithin: 1500, Response: latencyOf(t, 1500, 500)}},
				{Name: "buy", Weight: 1, Tally: result.Tally{Requests: 510, Completed: 10, GoodWithin: 10, Failed: 500, FailuresByCause: map[string]uint64{"body": 400, "header": 100}, Response: latencyOf(t, 10, 900)}},
			},
			Trace: &result.LoadTrace{Requests: 2500, Beyond: 490, Skipped: 3},
		}, stopTimeline(t), true},
		"behind": {&result.Load{
			Name: "load", Target: "http://web/", Arrival: "constant", Connections: 1, Seed: 1, Poller: "epoll", DurationSeconds: 3, RatePerSecond: 9.6667,
			NotCarried: "the load offered 50.0/s, but only 9.67/s were carried within the measured time; 121 requests ended after the end",
			Tally:      result.Tally{Requests: 150, Completed: 149, Failed: 1, EndedWithin: 29, GoodWithin: 29, FailuresByCause: map[string]uint64{"reset-after": 1}, Response: latencyOf(t, 149, 100_000)},
			AfterEnd:   result.AfterEnd{Ended: 121, Good: 120},
		}, &Timeline{}, true},
		"closed": {&result.Load{
			Name: "load", Target: "http://web/", Arrival: "closed", Connections: 0, Seed: 1, Poller: "epoll", DurationSeconds: 0.5, RatePerSecond: 100,
			Tally: result.Tally{Requests: 50, Completed: 50, Response: latencyOf(t, 50, 226), Service: latencyOf(t, 50, 77)},
		}, nil, false},
		"nothing": {&result.Load{
			Name: "load", Target: "http://web/", Arrival: "poisson", Connections: 1, Poller: "epoll", DurationSeconds: 1,
			Tally: result.Tally{Requests: 1000, Failed: 1000, FailuresByCause: map[string]uint64{"refused": 1000}, All: latencyOf(t, 1000, 70)},
		}, &Timeline{}, false},
		"late": {&result.Load{
			Name: "load", Target: "http://web/", Arrival: "constant", Connections: 1, Poller: "epoll", DurationSeconds: 1, LateSeconds: []int{0}, BusyShare: 0.9,
			Tally: result.Tally{Requests: 1000, Completed: 1000, Response: latencyOf(t, 1000, 5000), Service: latencyOf(t, 1000, 70), Lag: latencyOf(t, 1000, 900)},
		}, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			if err := Print(&b, c.load, c.timeline, c.ascii); err != nil {
				t.Fatal(err)
			}
			if got := b.String(); c.ascii && strings.ContainsFunc(got, func(r rune) bool { return r > 127 }) {
				t.Errorf("beyond ASCII: %s", got)
			}
			golden(t, filepath.Join("testdata", name+".txt"), b.String())
		})
	}
}

// TestPrintFitsTheScreen holds what is printed to the 80 columns of a terminal.
func TestPrintFitsTheScreen(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.txt"))
	if err != nil || len(files) < 5 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 && !strings.Contains(line, "phase=") {
				t.Errorf("%s: %d columns: %s", f, n, line)
			}
		}
	}
}

func TestPrintProgress(t *testing.T) {
	var b strings.Builder
	for _, p := range []*result.Progress{
		{Phase: "main", AtUs: 1_000_400, LengthUs: 1_000_000, Offered: 2000, Good: 1990, Errors: map[string]uint64{"timeout": 4, "refused": 6}, P50Us: 231, P99Us: 1900, MaxUs: 12_345, LagP99Us: 20, InFlight: 3, Conns: 64},
		{Phase: "main", AtUs: 61_000_000, LengthUs: 500_000, Offered: 1000, LagP99Us: 20, InFlight: 1000, Queued: 936, Conns: 64},
		{Phase: "main", AtUs: 62_000_000, LengthUs: 500_000, Offered: 299, Good: 299, P50Us: 231, P99Us: 1900, MaxUs: 12_345},
		{Phase: "main", AtUs: 63_000_000, LengthUs: 500_000, Offered: 1, Good: 1, P50Us: 231, P99Us: 231, MaxUs: 231},
	} {
		if err := PrintProgress(&b, p); err != nil {
			t.Fatal(err)
		}
		b.WriteByte('\n')
	}
	golden(t, filepath.Join("testdata", "progress.txt"), b.String())
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("printed\n%s\nwant (%s; -update writes it anew)\n%s", got, file, want)
	}
}
