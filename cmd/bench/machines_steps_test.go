package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"bench/internal/proc"
	"bench/internal/result"
)

// moment is a step of a run, and how it is known from outside that it goes on.
type moment struct {
	name string
	is   func(c *cluster, j *job) bool
	// then is how much later the middle of it is.
	then time.Duration
}

// says is a moment at which the run has said something.
func says(text string) func(*cluster, *job) bool {
	return func(_ *cluster, j *job) bool { return strings.Contains(j.out.String(), text) }
}

// moments of a run with a phase to warm up and faults.
func moments() []moment {
	always := func(*cluster, *job) bool { return true }
	works := func(c *cluster, _ *job) bool {
		left, _ := filepath.Glob(filepath.Join(c.temp("or1"), "bench-host-*"))
		return len(left) > 0
	}
	return []moment{
		{"connecting", always, 150 * time.Millisecond},
		{"placing", works, 0},
		{"starting", says("waiting for health checks"), 0},
		{"starting loads", says("starting loads"), 0},
		{"lead", says("starting loads"), time.Second},
		{"warm-up", says("starting loads"), 2500 * time.Millisecond},
		{"steady", says("phase="), 20 * time.Millisecond},
		{"in a fault", says("EVENT "), 100 * time.Millisecond},
		{"draining", says("kind=reload"), 50 * time.Millisecond},
		{"collecting", says("reading the last counters"), 0},
		{"writing", says("reading the last counters"), 300 * time.Millisecond},
	}
}

// inPhases is a run whose steps can be told apart.
var inPhases = strings.Replace(overMachines, "    phases:\n", "    phases:\n      - {name: warm, rate: 100/s, for: 700ms, measure: false}\n", 1) + `events:
  - {at: steady+500ms, do: process.stop, args: {name: web.1, for: 500ms}}
  - {at: steady+1500ms, do: proxy.reload}
`

// Whoever is lost in whichever step of a run: nothing stays, and the run says that it has lost
// something, or is right. BENCH_STEPS makes all combinations of step, part and harm, of which
// there are 165; without it three are drawn.
func TestRunLosesMachinesInEachStep(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	type trial struct {
		at     moment
		victim string
		harm   syscall.Signal
	}
	var all []trial
	for _, at := range moments() {
		for _, victim := range []string{"runner", "hub", "gen2", "px", "or1"} {
			for _, harm := range []syscall.Signal{syscall.SIGKILL, syscall.SIGSTOP, cutOff} {
				if harm != cutOff || c.net != nil {
					all = append(all, trial{at, victim, harm})
				}
			}
		}
	}
	rand.Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })
	if n, err := strconv.Atoi(os.Getenv("BENCH_STEPS")); err != nil {
		all = all[:3]
	} else {
		all = all[:min(n, len(all))]
	}
	for _, tr := range all {
		what := fmt.Sprintf("%s gets %s while %s", tr.victim, harmInWords(tr.harm), tr.at.name)
		t.Log(what)
		j := c.begin(inPhases, "--hub", c.run)
		for deadline := time.Now().Add(patient); !tr.at.is(c, j) && j.p.Running() && time.Now().Before(deadline); {
			time.Sleep(2 * time.Millisecond)
		}
		time.Sleep(tr.at.then)
		c.harmed(what, j, tr.victim, tr.harm)
	}
}

// harmed harms somebody in a run, and holds the run and all machines to what must be so then.
func (c *cluster) harmed(what string, j *job, victim string, harm syscall.Signal) {
	t := c.t
	t.Helper()
	p := map[string]*proc.Process{"runner": j.p, "hub": c.hub}[victim]
	if p == nil {
		p = c.hosts[victim]
	}
	joined := func() {}
	switch {
	case !j.p.Running():
	case harm == cutOff:
		joined = c.cutOff(victim)
	case p.Running():
		if err := p.Signal(harm); err != nil {
			t.Log(err) // it ends at this moment
		}
	}
	if victim == "runner" && harm == syscall.SIGSTOP {
		time.Sleep(8 * time.Second) // longer than a lease
		if err := p.Signal(syscall.SIGCONT); err != nil {
			t.Log(err) // it had ended
		}
	}
	code := c.end(j)
	switch {
	case victim == "runner" && code == -1:
	case code == exitLost:
	case victim == "runner" && code != exitPass: // it stood still for longer than its own limits
	case code == exitUsage && strings.Contains(j.p.Output(), "hosts are missing"): // it had not begun
	case code == exitPass || code == exitUnclear:
		run := c.record(j)
		if l := run.Cells[0].Loads[0]; run.Verdict == result.Pass && (l.Completed != l.Requests || run.Cells[0].Conservation.Delta != 0) {
			t.Errorf("%s: a wrong result: %+v", what, l.Tally)
		}
	default:
		t.Errorf("%s: exit code %d\n%s\n%s", what, code, j.out, j.p.Output())
	}
	if harm == cutOff {
		// Nothing may be left while it is cut off; then it comes back by itself.
		c.nothingLeft()
		joined()
	} else if victim != "runner" {
		p.Kill()
		<-p.Done()
		delete(c.hosts, victim)
	}
	c.nothingLeft()
	switch {
	case harm == cutOff, victim == "runner": // the hosts are connected again
	case victim == "hub":
		c.startHub()
	default:
		c.joins(victim)
	}
	until(t, "all hosts are free", func() bool {
		out := &said{}
		p := c.start("runner", out, "hosts", c.run)
		<-p.Done()
		return strings.Count(out.String(), " free") == 6
	})
}
