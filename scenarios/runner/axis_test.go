package runner

import (
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"bench/internal/proc"
	"bench/internal/result"
	"bench/loadgen/fleet"
	"bench/loadgen/workload"
)

// What happened by another clock is placed when that is known until then, each once, and what
// is left of it at the end.
func TestLateTimes(t *testing.T) {
	c := &cell{}
	var placed []string
	late := func(what string, until int64) { c.whenKnown(until, func() { placed = append(placed, what) }) }
	late("b", 20)
	late("a", 10)
	late("fault", atTheEnd)
	late("c", 20)
	for _, step := range []struct {
		known int64
		want  []string
	}{{9, nil}, {10, []string{"a"}}, {15, []string{"a"}}, {25, []string{"a", "b", "c"}}, {atTheEnd, []string{"a", "b", "c", "fault"}}, {atTheEnd, []string{"a", "b", "c", "fault"}}} {
		if c.placeUntil(step.known); !slices.Equal(placed, step.want) {
			t.Errorf("known until %d: %q, not %q", step.known, placed, step.want)
		}
	}
}

// faraway is a machine whose clock runs fast by so many parts in a million, as far as that is
// known. Nothing is started there: what a load would say is said by the test.
type faraway struct{ ppm int64 }

func (f *faraway) Launch(*proc.Spec, io.Writer) (proc.Remote, error) { return unheard{}, nil }
func (f *faraway) Clock(at int64) int64                              { return at }

func (f *faraway) Here(at int64) int64 { return at - (at-axisStart)/1_000_000*f.ppm }

// axisStart is when the loads of these tests begin.
const axisStart = int64(1_000_000_000_000)

// unheard is a process that says nothing and takes everything.
type unheard struct{ proc.Remote }

func (unheard) PID() int { return 1 }
func (unheard) Kill()    {}

func (unheard) Done() <-chan struct{} {
	done := make(chan struct{})
	close(done)
	return done
}

func (unheard) End() (state string, code int, output string) { return "exit status 0", 0, "" }

func (unheard) Stdin() io.WriteCloser { return nowhere{} }

type nowhere struct{}

func (nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (nowhere) Close() error                { return nil }

// Slices and failures of a load on another machine are written down when its clock is known,
// where they then are.
func TestLinesAreWrittenWhenTheClockIsKnown(t *testing.T) {
	group, err := proc.NewGroup(proc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = group.Close() })
	out, err := newFolder(t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	fast, right := &faraway{}, &faraway{}
	c := &cell{
		out: out, live: nobody{}, start: axisStart, failures: map[string]map[uint64]bool{}, failed: make(chan error, 1),
		record: &result.Cell{Name: "all", LengthUs: 60_000_000},
	}
	for name, hosts := range map[string][]proc.Host{"alone": {fast}, "together": {fast, right}} {
		a, err := fleet.Start(&workload.Spec{Name: name}, &fleet.Options{Group: group, Self: []string{"x"}, Processes: 1, Hosts: hosts})
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Begin(axisStart); err != nil {
			t.Fatal(err)
		}
		c.agents = append(c.agents, a)
	}
	c.tookInterval(result.Interval{Load: "alone", StartUs: 60_000_000, LengthUs: 100_000})
	c.tookInterval(result.Interval{Load: "together", StartUs: 60_000_000, LengthUs: 100_000})
	c.tookFailure(result.Failure{Load: "together", Member: 0, ID: 7, AtUs: 60_000_000, EndedUs: 60_010_000})
	c.tookFailure(result.Failure{Load: "together", Member: 1, ID: 8, AtUs: 60_000_000, EndedUs: 60_010_000})
	c.placeUntil(axisStart + 59_000_000_000)
	if out.holds(fileTimeline) || out.holds(fileErrors) {
		t.Error("lines are written before the clock is known")
	}
	fast.ppm = 50
	c.placeUntil(atTheEnd)
	if got := []int64{c.intervals[0].StartUs, c.intervals[1].StartUs}; !slices.Equal(got, []int64{59_997_000, 59_998_500}) {
		t.Errorf("slices at %v", got)
	}
	if fast, right := c.apart(fast), c.apart(right); fast != 1500*time.Microsecond || right != fast {
		t.Errorf("apart by %v and %v", fast, right)
	}
	if err := out.close(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{
		fileTimeline: {`"startUs":59997000,"lengthUs":100000,"shiftUs":-3000`, `"startUs":59998500,"lengthUs":100000,"shiftUs":-1500`},
		fileErrors:   {`"id":7,"atUs":59997000,"endedUs":60006999`, `"id":8,"atUs":60000000,"endedUs":60010000`},
	} {
		text, err := os.ReadFile(out.path(name))
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range want {
			if !strings.Contains(string(text), part) {
				t.Errorf("%s has no %s:\n%s", name, part, text)
			}
		}
	}
}
