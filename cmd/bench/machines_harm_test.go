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
		select {
		case <-j.p.Done():
		case <-time.After(after):
		}
		c.harmed(what, j, victim, signal)
	}
}
