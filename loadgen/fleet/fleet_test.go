package fleet

import (
	"errors"
	"io"
	"os"
	"testing"

	"bench/internal/proc"
	"bench/internal/result"
)

// machine is one whose clock is ahead, and runs fast.
type machine struct {
	ahead int64 // at 10 s
	rate  int64 // one nanosecond more in so many; 0 is none
}

const atTen = 10_000_000_000

// Launch runs nothing.
func (*machine) Launch(*proc.Spec, io.Writer) (proc.Remote, error) {
	return nil, errors.New("not here")
}

func (m *machine) Clock(at int64) int64 {
	if m.rate == 0 {
		return at + m.ahead
	}
	return at + m.ahead + (at-atTen)/m.rate
}

func (m *machine) Here(at int64) int64 {
	since := at - m.ahead - atTen
	if m.rate == 0 {
		return atTen + since
	}
	return atTen + since - since/(m.rate+1)
}

// elsewhere is a process on a machine that has begun at 10 s.
func elsewhere(t *testing.T, f *Fleet, on ...*machine) {
	t.Helper()
	group, err := proc.NewGroup(proc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := group.Close(); err != nil {
			t.Error(err)
		}
	})
	f.here = atTen
	for _, m := range on {
		p, err := group.Start(proc.Spec{Name: "x", Args: []string{os.Args[0]}, On: &started{m}})
		if err != nil {
			t.Fatal(err)
		}
		f.processes, f.there = append(f.processes, p), append(f.there, m.Clock(atTen))
	}
}

// started is a machine on which everything has been started and has ended already.
type started struct{ *machine }

func (s *started) Launch(*proc.Spec, io.Writer) (proc.Remote, error) { return ended{}, nil }

type ended struct{ proc.Remote }

func (ended) Done() <-chan struct{} {
	done := make(chan struct{})
	close(done)
	return done
}

func (ended) PID() int { return 1 }

func (ended) Kill() {}

func (ended) End() (state string, code int, output string) { return "exit status 0", 0, "" }

// Times that other machines tell are those of the run, however their clocks go on.
func TestTimesOfOtherMachines(t *testing.T) {
	fast := &machine{ahead: 250_000_000, rate: 20_000} // 50 ppm
	slow := &machine{ahead: -3_000_000_000, rate: -20_000}
	right := &machine{ahead: 7}
	near := func(got, want int64) bool { return got >= want-2 && got <= want+2 }
	for _, c := range []struct {
		what   string
		on     []*machine
		middle int64 // of a slice at 600 s
		apart  []int64
	}{
		{"one that is fast", []*machine{fast}, 600_000_000 - 29_998, []int64{0}},
		{"one that is right", []*machine{right}, 600_000_000, []int64{0}},
		{"a fast and a slow one", []*machine{fast, slow}, 600_000_000, []int64{30_000, 30_000}},
		{"two right ones and a fast one", []*machine{right, fast, right}, 600_000_000 - 10_000, []int64{10_000, 20_000, 10_000}},
	} {
		f := &Fleet{}
		elsewhere(t, f, c.on...)
		if !f.Elsewhere() {
			t.Errorf("%s: it is here", c.what)
		}
		s := &result.Interval{StartUs: 600_000_000}
		for range 2 { // placed again it is where it was
			f.Place(s)
			if !near(s.StartUs, c.middle) || s.SlotUs() != 600_000_000 {
				t.Errorf("%s: a slice at %d, not %d, of the slot at %d", c.what, s.StartUs, c.middle, s.SlotUs())
			}
		}
		for i, want := range c.apart {
			if got := f.Apart(f.processes[i].Elsewhere(), 600_000_000); !near(got, want) {
				t.Errorf("%s: host %d is %d apart, not %d", c.what, i, got, want)
			}
		}
		for i, m := range c.on {
			for _, us := range []int64{0, 1_000_000, 600_000_000} {
				local := (m.Clock(f.here+us*1000) - f.there[i]) / 1000
				l := &result.Failure{Member: i, AtUs: local, EndedUs: local + 100}
				f.PlaceFailure(l)
				if !near(l.AtUs, us) || !near(l.EndedUs, us+100) {
					t.Errorf("%s: %d µs of the run are taken for %d, and 100 later for %d", c.what, us, l.AtUs, l.EndedUs)
				}
			}
		}
	}
	if f := (&Fleet{}); f.Elsewhere() {
		t.Error("nothing is elsewhere")
	}
}
