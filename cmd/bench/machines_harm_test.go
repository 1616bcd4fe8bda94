package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/nftables"

	"bench/chaos/filter"
	"bench/chaos/impair"
	"bench/internal/proc"
	"bench/internal/result"
)

// filters are the tables of nftables, and the interfaces, that a run has left on a node.
func (c *cluster) filters(node string) (left string) {
	c.t.Helper()
	if c.net == nil {
		return ""
	}
	conn, err := nftables.New(nftables.WithNetNSFd(c.net.Node(node).FD()))
	if err != nil {
		c.t.Fatal(err)
	}
	tables, err := conn.ListTables()
	if err != nil {
		c.t.Fatal(err)
	}
	for _, table := range tables {
		if table.Name != harmTable {
			left += node + ": table " + table.Name + "\n"
		}
	}
	err = c.net.Node(node).Do(func() error {
		all, err := net.Interfaces()
		for i := range all {
			if strings.HasPrefix(all[i].Name, "bench-") {
				left += node + ": interface " + all[i].Name + "\n"
			}
		}
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return left
}

// harmTable is the table by which a node is cut off.
const harmTable = "bench-harm"

// faultsUnderHarm are at work when something is lost.
const faultsUnderHarm = `events:
  - {at: steady+300ms, do: process.stop, args: {name: web.1, for: 500ms}}
  - {at: steady+900ms, do: process.starve, args: {name: proxy, for: 700ms, rate: 0.5}}
`

// partitionUnderHarm is one more, where networks can be made.
const partitionUnderHarm = `  - {at: steady+400ms, do: network.delay, args: {only: proxy/web, delay: 5ms, for: 1200ms}}
  - {at: steady+1100ms, do: network.partition, args: {only: origin/web.2, for: 900ms}}
`

// cutOff stands for a node whose packets are lost, among the signals that harm it.
const cutOff = syscall.Signal(0)

func harmInWords(signal syscall.Signal) string {
	if signal == cutOff {
		return "no packets"
	}
	return signal.String()
}

// cutOff has everything lost that arrives at a node, until joined is called.
func (c *cluster) cutOff(node string) (joined func()) {
	c.t.Helper()
	b := &filter.Block{Name: harmTable, Namespace: c.net.Node(node).Path(), Action: filter.Lose, Match: impair.Match{Direction: impair.BothWays}}
	if err := b.Open(); err != nil {
		c.t.Fatal(err)
	}
	return func() {
		if err := errors.Join(b.Close(), b.Gone()); err != nil {
			c.t.Error(err)
		}
	}
}

// harms is how many times something is harmed; a long trial has more.
func harms() int {
	if n, err := strconv.Atoi(os.Getenv("BENCH_HARMS")); err == nil {
		return n
	}
	return 2
}

// Whoever is killed or stopped at whatever moment: no process, no directory and no busy
// host is left behind, and the run says that it lost something, or is right.
func TestRunLosesMachines(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	scenario := overMachines + faultsUnderHarm
	if c.net != nil {
		scenario += partitionUnderHarm
	}
	draw := rand.New(rand.NewPCG(rand.Uint64(), 0))
	first := draw.IntN(30)
	for n := first; n < first+harms(); n++ {
		victim := []string{"runner", "gen2", "hub", "px", "or1"}[n%5]
		kinds := []syscall.Signal{syscall.SIGKILL, syscall.SIGSTOP, cutOff}
		if c.net == nil {
			kinds = kinds[:2]
		}
		signal := kinds[(n%5+n/5)%len(kinds)] // each with each
		after := time.Duration(draw.Int64N(int64(4500 * time.Millisecond)))
		what := fmt.Sprintf("%s gets %s after %v", victim, harmInWords(signal), after.Round(time.Millisecond))
		t.Log(what)
		j := c.begin(scenario, "--hub", c.run)
		p := map[string]*proc.Process{"runner": j.p, "hub": c.hub}[victim]
		if p == nil {
			p = c.hosts[victim]
		}
		joined := func() {}
		select {
		case <-j.p.Done():
		case <-time.After(after):
			switch {
			case signal == cutOff:
				joined = c.cutOff(victim)
			case p.Running():
				if err := p.Signal(signal); err != nil {
					t.Fatal(err)
				}
			}
		}
		if victim == "runner" && signal == syscall.SIGSTOP {
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
		if signal == cutOff {
			// Nothing may be left while it is cut off; then it comes back by itself.
			c.nothingLeft()
			joined()
		} else if victim != "runner" {
			p.Kill()
			<-p.Done()
			delete(c.hosts, victim)
		}
		c.nothingLeft()
		if signal == cutOff {
			// The hosts are connected again.
		} else if victim == "hub" {
			c.startHub()
		} else if victim != "runner" {
			c.joins(victim)
		}
		until(t, "all hosts are free", func() bool {
			out := &said{}
			p := c.start("runner", out, "hosts", c.run)
			<-p.Done()
			return strings.Count(out.String(), " free") == 6
		})
	}
}
