package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bench/internal/result"
	"bench/scenarios/compare"
)

func TestRoughly(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", 1400 * time.Millisecond: "1 s", 119 * time.Second: "119 s", 2 * time.Minute: "2 min", 90*time.Minute + 40*time.Second: "91 min",
		2*time.Hour + 59*time.Minute: "2 h 59 min",
	} {
		if got := roughly(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}

func TestLeftInWords(t *testing.T) {
	for _, tt := range []struct {
		left compare.Left
		want string
	}{
		{compare.Left{}, "nothing is left to do"},
		{compare.Left{TimeUp: true}, "the time is up"},
		{
			compare.Left{From: 4, FromTime: 8 * time.Second, AtMost: 98, AtMostTime: 98 * time.Second},
			"at least 4 more pairs (8 s), at most 98 (98 s)",
		},
		{
			compare.Left{From: 1, To: 1, FromTime: 2 * time.Second, ToTime: 2 * time.Second, AtMost: 21, AtMostTime: 42 * time.Second},
			"1 more pair (2 s), at most 21 (42 s)",
		},
		{
			compare.Left{From: 30, To: 200, AtMost: 5, AtMostTime: 10 * time.Second, Undecided: []string{"failed", "cpu/request"}},
			"undecided: failed, cpu/request; more pairs are wanted than are left, at most 5 (10 s)",
		},
	} {
		if got := leftInWords(tt.left); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}

// Where nothing can be drawn in place, each run and each pair gets a line.
func TestCompareLines(t *testing.T) {
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	v := newCompareView(out, false)
	step := compare.Step{Pair: 3, Side: compare.New, First: true, Try: 2, Cell: "poller=epoll"}
	v.Begin(step)
	v.End(step, result.ComparedRun{Verdict: result.Pass})
	v.End(step, result.ComparedRun{Verdict: result.Invalid})
	v.End(step, result.ComparedRun{Verdict: result.Invalid, Reason: "the load was late"})
	v.Again(step, "other programs used 30 % of the processors")
	v.Standing(&result.Comparison{Pairs: 3, Measures: []result.ComparedMeasure{
		{Name: "response.p99", Cell: "poller=epoll", Gated: true, Known: true, ChangePercent: 1.25, Verdict: result.Undecided},
		{Name: "failed", Unit: "1", Gated: true, Known: true, Base: 0, New: 2, Verdict: result.Undecided},
		{Name: "cpu/request", Gated: true, Verdict: result.Undecided},
		{Name: "memory", Known: true, ChangePercent: 7, Verdict: result.Shown},
	}}, compare.Left{From: 9, To: 40, AtMost: 97, FromTime: 4 * time.Minute, ToTime: 20 * time.Minute, AtMostTime: time.Hour, Undecided: []string{"response.p99"}})
	v.close()
	text, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	want := `pair 3, poller=epoll, attempt 2  new first  PASS  0 s
pair 3, poller=epoll, attempt 2  new first  objectives undecided  0 s
pair 3, poller=epoll, attempt 2  new first  INVALID  0 s  the load was late
pair 3, poller=epoll, attempt 2 is made again: other programs used 30 % of the processors
after 3 pairs: p99 (cell poller=epoll) +1.2 % unclear, failed 0 / 2 unclear, cpu/request - unclear; undecided: response.p99; 9 to 40 more pairs (4 min to 20 min), at most 97 (60 min)
`
	if string(text) != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
}

// On a terminal nothing is wider than it, and what was drawn is taken back.
func TestCompareTable(t *testing.T) {
	if got := cut("grüße an alle", 6); got != "grüße " {
		t.Errorf("%q", got)
	}
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	v := &compareView{out: out, inPlace: true, stop: make(chan struct{})}
	first := compare.Step{Pair: 1, Side: compare.Base, First: true, Confirm: true, LengthUs: 12_000_000}
	second := first
	second.Side, second.First = compare.New, false
	v.Begin(first)
	v.End(first, result.ComparedRun{Verdict: result.Pass})
	v.Begin(second)
	third := compare.Step{Pair: 2, Side: compare.Base, First: true, LengthUs: 12_000_000}
	v.End(second, result.ComparedRun{Verdict: result.Pass})
	v.Begin(third)
	v.close()
	raw, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	if !strings.Contains(text, "pair 1, to confirm   base running, 0:00 of 0:12\n") || !strings.Contains(text, "base done in 0 s, new running, 0:00 of 0:12\n") {
		t.Errorf("%q", text)
	}
	if !strings.Contains(text, "pair 2   base running") {
		t.Errorf("the second pair begins with what the first had done: %q", text)
	}
	if !strings.HasSuffix(text, "\x1b[1A\r\x1b[J") || strings.Count(text, "\x1b[1A\r\x1b[J") != strings.Count(text, "\n") {
		t.Errorf("not all that was drawn is taken back: %q", text)
	}
}

// A noise floor says that its pairs were disturbed, where they count all the same.
func TestFloorOfADisturbedMachine(t *testing.T) {
	for _, disturbed := range []int{0, 20} {
		var b strings.Builder
		printFloor(&b, &result.NoiseFloor{Host: "vm", Pairs: 20, Disturbed: disturbed}, "noise-floor.json")
		if said := strings.Contains(b.String(), "! 20 of these pairs were disturbed and count all the same"); said != (disturbed > 0) {
			t.Errorf("%d pairs were disturbed: %s", disturbed, b.String())
		}
	}
}
