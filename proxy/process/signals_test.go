package process_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"bench/internal/testpeer"
)

var (
	pairSeed  = flag.Uint64("pairs.seed", 1, "seed of the selection of TestPairsOfSignals")
	pairCount = flag.Int("pairs.count", 12, "pairs of signals that TestPairsOfSignals tries in each mode")
)

// TestPairsOfSignals sends two signals at most 50 ms apart, to a process alone and
// to a master, and so while a worker is starting or an image is being replaced.
// Whatever meets what: a stop stops everything, and without one the service goes
// on. The reference agrees, but for a few races of its own: a stop that comes
// together with a reload may be forgotten there, and SIGTTIN keeps a process from
// ending that had been told to.
func TestPairsOfSignals(t *testing.T) {
	rng := rand.New(rand.NewPCG(*pairSeed, 0))
	signals := []syscall.Signal{
		syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGTERM, syscall.SIGINT, syscall.SIGTTOU, syscall.SIGTTIN,
	}
	names := map[syscall.Signal]string{
		syscall.SIGHUP: "HUP", syscall.SIGUSR1: "USR1", syscall.SIGUSR2: "USR2", syscall.SIGTERM: "TERM",
		syscall.SIGINT: "INT", syscall.SIGTTOU: "TTOU", syscall.SIGTTIN: "TTIN",
	}
	for _, mode := range []string{"-db", "-W"} {
		type attempt struct {
			pair  [2]syscall.Signal
			delay time.Duration
		}
		// A reload that meets another, or a signal that stops what cannot handle it
		// yet, at some moments of it.
		var attempts []attempt
		for _, ms := range []time.Duration{5, 12, 20, 30} {
			attempts = append(
				attempts, attempt{[2]syscall.Signal{syscall.SIGUSR2, syscall.SIGHUP}, ms * time.Millisecond},
				attempt{[2]syscall.Signal{syscall.SIGHUP, syscall.SIGTTIN}, ms * time.Millisecond},
			)
		}
		// A stop that meets a reload.
		for _, reload := range []syscall.Signal{syscall.SIGHUP, syscall.SIGUSR2} {
			for _, stop := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGUSR1} {
				attempts = append(attempts, attempt{[2]syscall.Signal{reload, stop}, 0})
			}
		}
		for range *pairCount {
			attempts = append(attempts, attempt{
				[2]syscall.Signal{signals[rng.IntN(len(signals))], signals[rng.IntN(len(signals))]},
				time.Duration(rng.IntN(51)) * time.Millisecond,
			})
		}
		for i, a := range attempts {
			pair, delay := a.pair, a.delay
			t.Run(fmt.Sprintf("%s%d-%s-%s-%v", mode, i, names[pair[0]], names[pair[1]], delay), func(t *testing.T) {
				t.Parallel()
				pairOfSignals(t, mode, pair, delay)
			})
		}
	}
}

func pairOfSignals(t *testing.T, mode string, pair [2]syscall.Signal, delay time.Duration) {
	s := newSite(t)
	cmd := s.foreground(t, mode, "-S", s.masterAddr)
	if mode == "-W" {
		// From here on the master has written what it writes at its start.
		waitFor(t, "the master", func() bool { pid, err := s.pid(); return err == nil && pid == cmd.Process.Pid })
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	_ = cmd.Process.Signal(pair[0])
	time.Sleep(delay)
	_ = cmd.Process.Signal(pair[1])
	stops := slices.ContainsFunc(pair[:], func(s syscall.Signal) bool {
		return s == syscall.SIGTERM || s == syscall.SIGINT || s == syscall.SIGUSR1
	})
	if !stops {
		time.Sleep(200 * time.Millisecond) // a reload goes on
		select {
		case <-ended:
			t.Fatalf("it ended: %v", cmd.ProcessState)
		default:
		}
		_ = cmd.Process.Signal(syscall.SIGTTIN)
		doors{"tcp": s.httpAddr}.check(t, "after both")
		if mode == "-W" {
			waitFor(t, "one worker", func() bool { return len(s.workers("# workers")) == 1 && len(s.workers("# old workers")) == 0 })
		}
		_ = cmd.Process.Signal(syscall.SIGTERM)
	}
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("it does not end")
		_ = cmd.Process.Kill()
		<-ended
	}
	s.started = nil
	s.nothingLeft(t)
}

// TestStopAtStart: a stop ends a proxy that does not serve yet, at whatever moment
// it comes: alone, or a master that has just become one or whose worker starts.
func TestStopAtStart(t *testing.T) {
	for _, mode := range []string{"-db", "-W"} {
		for _, ms := range []time.Duration{1, 4, 8, 12, 16, 20, 25, 30} {
			for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
				t.Run(fmt.Sprintf("%s %v %v", mode, sig, ms*time.Millisecond), func(t *testing.T) {
					t.Parallel()
					stopAtStart(t, mode, sig, func(*site) { time.Sleep(ms * time.Millisecond) })
				})
			}
		}
	}
	// Before that the runtime swallows SIGUSR1.
	forked := func(s *site) {
		waitFor(t, "the worker", func() bool {
			out, err := os.ReadFile(s.output)
			return err == nil && strings.Contains(string(out), "New worker")
		})
	}
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGUSR1} {
		t.Run(fmt.Sprintf("worker %v", sig), func(t *testing.T) {
			t.Parallel()
			stopAtStart(t, "-W", sig, forked)
		})
	}
}

func stopAtStart(t *testing.T, mode string, sig syscall.Signal, wait func(*site)) {
	s := newSite(t)
	cmd := s.command(t, mode)
	if err := testpeer.Launch(cmd); err != nil {
		t.Fatal(err)
	}
	s.started = append(s.started, cmd)
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	wait(s)
	_ = cmd.Process.Signal(sig)
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("it does not end")
		_ = cmd.Process.Kill()
		<-ended
	}
	s.started = nil
	s.nothingLeft(t)
}
