package simulation

import (
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"bench/internal/poison"
	"bench/internal/sock"
	"bench/internal/virtual"
)

var (
	forFlag   = flag.Duration("for", 0, "run seeds for so long, from one that the clock gives")
	seedFlag  = flag.Uint64("seed", 0, "with -for or -seeds, the first seed; else the only one")
	seedsFlag = flag.Int("seeds", 0, "run so many seeds, from one that the clock gives")
	planFlag  = flag.String("plan", "", "run the plan in this file")
	shrinkFor = flag.Duration("shrink", time.Minute, "how long a plan that breaks a rule is made smaller")
	traceFlag = flag.Bool("steps", false, "print all that happens in the only run")
)

func TestMain(m *testing.M) {
	poison.Enable()
	debug.SetGCPercent(400) // runs are short, and leave all they had
	code := m.Run()
	if id, err := identity(); err == nil {
		os.RemoveAll(filepath.Dir(id.file))
	}
	os.Exit(code)
}

// ordinarily is how many seeds an ordinary test runs, and how long at most.
const (
	ordinarily = 200
	atMost     = 5 * time.Second
)

// TestSimulation runs the engine under seeds: always the same ones, or as many as there
// is time for.
func TestSimulation(t *testing.T) {
	if p := only(t); p != nil {
		if o := Run(p, tracer()); len(o.Broken) > 0 {
			report(t, p, &o)
		} else {
			t.Logf("%d events, %v of virtual time, digest %08x", o.Events, o.Elapsed.Round(time.Millisecond), o.Digest)
		}
		return
	}
	first, limit, seeds := uint64(1), atMost, ordinarily
	if *forFlag > 0 || *seedsFlag > 0 {
		first, limit, seeds = uint64(time.Now().UnixNano()), math.MaxInt64, -1
		if *forFlag > 0 {
			limit = *forFlag
		}
		if *seedsFlag > 0 {
			seeds = *seedsFlag
		}
		if *seedFlag != 0 {
			first = *seedFlag
		}
		t.Logf("seeds from %d on", first)
	}
	begun := time.Now()
	events, passed, n, hits, falls := uint64(0), time.Duration(0), 0, 0, 0
	for ; n != seeds && time.Since(begun) < limit && !t.Failed(); n++ {
		p := New(first + uint64(n))
		o := Run(p, nil)
		events, passed, hits, falls = events+o.Events, passed+o.Elapsed, hits+o.Hits, falls+o.Falls
		if len(o.Broken) > 0 {
			report(t, p, &o)
		}
	}
	t.Logf("%d seeds, %d events, %.0f a second, %v of virtual time, %d answers from caches, %d servers taken down by checks", n, events, float64(events)/time.Since(begun).Seconds(), passed.Round(time.Second), hits, falls)
	if n > 50 && hits == 0 {
		t.Error("caches have never answered")
	}
	if n > 50 && falls == 0 {
		t.Error("checks have never taken a server down")
	}
}

// only is the plan that the flags ask for, nil if they ask for none.
func only(t *testing.T) *Plan {
	switch {
	case *planFlag != "":
		text, err := os.ReadFile(*planFlag)
		if err != nil {
			t.Fatal(err)
		}
		p := &Plan{}
		if err := json.Unmarshal(text, p); err != nil {
			t.Fatal(err)
		}
		return p
	case *seedFlag != 0 && *forFlag == 0 && *seedsFlag == 0:
		return New(*seedFlag)
	}
	return nil
}

func tracer() Trace {
	if !*traceFlag {
		return nil
	}
	return func(at time.Duration, what string) { fmt.Println(at, what) }
}

// report says what went wrong, and what the smallest plan is in which it does.
func report(t *testing.T, p *Plan, o *Outcome) {
	t.Helper()
	t.Errorf("seed %d breaks it (again: -seed %d -steps), digest %08x:", p.Seed, p.Seed, o.Digest)
	for _, c := range o.Broken[:min(len(o.Broken), 5)] {
		t.Error(c.Text)
	}
	until := time.Now().Add(*shrinkFor)
	small := Shrink(p, func(p *Plan) bool { return time.Now().Before(until) && o.Breaks(p) })
	file := filepath.Join(os.TempDir(), fmt.Sprintf("plan-%d.json", p.Seed))
	if err := os.WriteFile(file, small.JSON(), 0o600); err != nil {
		t.Error(err)
	}
	for _, c := range Run(small, nil).Broken[:1] {
		t.Errorf("in the smallest plan (again: -plan %s -steps): %s", file, c.Text)
	}
	t.Logf("%s\n%s", small.text("FILE"), small.JSON())
}

// The same plan is the same run, to the byte.
func TestReplay(t *testing.T) {
	for seed := uint64(1); seed <= 10; seed++ {
		a, b := Run(New(seed), nil), Run(New(seed).Copy(), nil)
		if a.Digest != b.Digest || a.Events != b.Events || a.Elapsed != b.Elapsed {
			t.Errorf("seed %d: %d events with digest %08x, then %d with %08x", seed, a.Events, a.Digest, b.Events, b.Digest)
		}
	}
}

// faulty is a machine that fails the engine in what it sends, once in a while.
type faulty struct {
	*virtual.Machine
	sends int
	spoil func(m *virtual.Machine, fd int, p []byte) (int, syscall.Errno)
}

func (f *faulty) Send(fd int, p []byte) (int, syscall.Errno) {
	if f.sends++; f.sends%7 == 0 && len(p) > 20 {
		return f.spoil(f.Machine, fd, p)
	}
	return f.Machine.Send(fd, p)
}

// What an engine could do wrong does not go unnoticed.
func TestFaultsAreNoticed(t *testing.T) {
	for name, spoil := range map[string]func(m *virtual.Machine, fd int, p []byte) (int, syscall.Errno){
		"a byte is another one": func(m *virtual.Machine, fd int, p []byte) (int, syscall.Errno) {
			p = append([]byte(nil), p...)
			p[len(p)-1] ^= 1
			return m.Send(fd, p)
		},
		"a byte is lost": func(m *virtual.Machine, fd int, p []byte) (int, syscall.Errno) {
			n, errno := m.Send(fd, p[1:])
			return n + 1, errno
		},
		"a byte comes twice": func(m *virtual.Machine, fd int, p []byte) (int, syscall.Errno) {
			n, errno := m.Send(fd, p[:len(p)-1])
			return max(n-1, 0), errno
		},
		"something is not sent": func(_ *virtual.Machine, _ int, p []byte) (int, syscall.Errno) {
			return len(p), 0
		},
	} {
		noticed := 0
		for seed := uint64(1); seed <= 6; seed++ {
			o := runOn(New(seed), nil, func(m *virtual.Machine) sock.Kernel { return &faulty{Machine: m, spoil: spoil} })
			if len(o.Broken) > 0 {
				noticed++
			}
		}
		if noticed < 3 {
			t.Errorf("%s: noticed with %d of 6 seeds", name, noticed)
		}
	}
}

// A plan is made as small as what is wrong with it allows.
func TestShrink(t *testing.T) {
	p := New(3)
	p.Clients[0].Requests[0].Body = 1000
	runs := 0
	small := Shrink(p, func(p *Plan) bool {
		runs++
		return len(p.Clients) > 0 && p.Clients[0].Requests[0].Body > 100
	})
	lines := slices.ContainsFunc(small.Proxy, func(line string) bool { return !strings.HasPrefix(line, "timeout ") })
	if len(small.Clients) != 1 || len(small.Clients[0].Requests) != 1 || small.Clients[0].Requests[0].Body > 200 || lines || len(small.Servers) != 1 {
		t.Errorf("after %d runs:\n%s", runs, small.JSON())
	}
}
