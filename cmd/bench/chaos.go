package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"bench/chaos"
	"bench/chaos/conn"
	"bench/chaos/impair"
	"bench/chaos/network"
	"bench/chaos/process"
	"bench/internal/proc"
	"bench/internal/result"
	"bench/internal/units"
)

// chaosCmd makes faults by hand.
type chaosCmd struct {
	Apply chaosApplyCmd `cmd:"" help:"Cause one fault for a while, undo it, and report what it did."`
	Probe chaosProbeCmd `cmd:"" help:"Try every fault for a moment, and report by which means it works here."`
	List  chaosListCmd  `cmd:"" help:"List what runs that were killed have left behind."`
	Clear chaosClearCmd `cmd:"" help:"Undo what runs that were killed have left behind."`
}

type chaosListCmd struct{}

func (*chaosListCmd) Run(std *streams) error {
	left, err := chaos.Leftovers()
	if err != nil {
		return &exitError{exitLost, err}
	}
	for _, l := range left {
		fmt.Fprintf(std.out, "%s of %s\n", l.Journal, l.Since.Format(time.DateTime))
		for i := range l.Undo {
			fmt.Fprintf(std.out, "  %v\n", &l.Undo[i])
		}
	}
	if len(left) == 0 {
		fmt.Fprintln(std.out, "nothing is left behind")
	}
	return nil
}

type chaosClearCmd struct{}

func (*chaosClearCmd) Run(std *streams) error {
	done, err := chaos.Reap()
	for i := range done {
		fmt.Fprintf(std.out, "undone: %v\n", &done[i])
	}
	if err != nil {
		return &exitError{exitLost, err}
	}
	if len(done) == 0 {
		fmt.Fprintln(std.out, "nothing was left behind")
	}
	return nil
}

// chaosApplyCmd is one fault of processes, or of connections and packets on the
// loopback.
type chaosApplyCmd struct {
	Action string        `arg:"" help:"What to do: stop, starve, limit-files or limit-memory processes; loss, partition or reject packets, kill or reset connections on the loopback interface."`
	PID    []int         `name:"pid" help:"Processes, with their descendants."`
	Port   uint16        `help:"Port of the server that packets and connections belong to."`
	For    time.Duration `default:"10s" help:"How long; at most 10m."`
	Rate   float64       `help:"Share of packets lost, or of a processor left to starved processes."`
	Share  float64       `help:"Share of the connections to kill or reset; 0 is all."`
	Count  uint64        `help:"Open files that limit-files leaves."`
	Bytes  string        `help:"Address space that limit-memory leaves: 1GiB."`
	Seed   uint64        `default:"1" help:"Seed of what is chosen by chance."`
}

func (c *chaosApplyCmd) Help() string {
	return `Examples:

  bench chaos apply stop --pid 4711 --for 2s
  bench chaos apply starve --pid 4711 --rate 0.2 --for 30s
  bench chaos apply loss --port 8080 --rate 0.05
  bench chaos apply kill --port 8080 --share 0.5

Interrupting it undoes the fault. What a killed process leaves is undone by its
guard, and by "bench chaos clear" if that was killed, too. Faults of wires need
a network of their own: run a scenario with one.`
}

// longestFault bounds a fault by hand.
const longestFault = 10 * time.Minute

func (c *chaosApplyCmd) Run(std *streams) error {
	if c.For <= 0 || c.For > longestFault {
		return &exitError{exitUsage, fmt.Errorf("--for %v: a fault by hand lasts more than 0 and at most %v", c.For, longestFault)}
	}
	fault, err := c.fault()
	if err != nil {
		return &exitError{exitUsage, err}
	}
	return withJournal(func(ctx context.Context, journal *chaos.Journal, _ *proc.Group) error {
		return c.make(ctx, std, fault, journal)
	})
}

// make lets the fault act.
func (c *chaosApplyCmd) make(ctx context.Context, std *streams, fault chaos.Fault, journal *chaos.Journal) error {
	if err := fault.Begin(ctx, journal); err != nil {
		return &exitError{exitLost, chaos.Explain(c.Action, err)}
	}
	fmt.Fprintf(std.err, "%s for %v; Ctrl-C ends it\n", c.Action, c.For)
	select {
	case <-ctx.Done():
	case <-time.After(c.For):
	}
	cert, err := fault.End()
	if cert != nil {
		printCertificate(std, cert)
	}
	switch {
	case err != nil:
		return &exitError{exitLost, err}
	case cert.Verdict == result.Mismatch:
		return &exitError{code: exitUnclear}
	case cert.Verdict == result.NoEffect:
		return &exitError{exitUnclear, fmt.Errorf("%s had no effect: nothing came within its reach", c.Action)}
	}
	return nil
}

// withJournal lets f make faults until the user interrupts it. A guard undoes what is
// in the journal if this process is killed.
func withJournal(f func(context.Context, *chaos.Journal, *proc.Group) error) (err error) {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	ctx, stop := untilSignal()
	defer stop()
	journal, err := chaos.OpenJournal()
	if err != nil {
		return &exitError{exitLost, err}
	}
	group, err := proc.NewGroup(proc.Options{Guard: []string{self, "guard"}, Journal: journal.Path()})
	if err != nil {
		return &exitError{exitLost, errors.Join(err, journal.Close())}
	}
	defer func() { err = errors.Join(err, journal.Close(), group.Close()) }()
	return f(ctx, journal, group)
}

// actions by hand, and the option each cannot do without.
func handActions() map[string]string {
	return map[string]string{
		"stop": "pid", "starve": "pid", "limit-files": "pid", "limit-memory": "pid",
		"loss": "port", "partition": "port", "reject": "port", "kill": "port", "reset": "port",
	}
}

// fault reads the order.
func (c *chaosApplyCmd) fault() (chaos.Fault, error) {
	needs, known := handActions()[c.Action]
	switch {
	case !known:
		var names []string
		for name := range handActions() {
			names = append(names, name)
		}
		slices.Sort(names)
		return nil, fmt.Errorf("there is no action %q; known are %s", c.Action, strings.Join(names, ", "))
	case needs == "pid" && len(c.PID) == 0:
		return nil, fmt.Errorf("%s needs --pid", c.Action)
	case needs == "port" && c.Port == 0:
		return nil, fmt.Errorf("%s needs --port", c.Action)
	}
	switch c.Action {
	case "stop":
		return &process.Stop{PIDs: c.PID}, nil
	case "starve":
		if c.Rate <= 0 || c.Rate >= 1 {
			return nil, fmt.Errorf("starve needs --rate, a share of a processor above 0 and below 1")
		}
		return &process.Starve{PIDs: c.PID, Share: c.Rate}, nil
	case "limit-files":
		if c.Count == 0 {
			return nil, errors.New("limit-files needs --count")
		}
		return &process.Limit{PIDs: c.PID, Resource: process.Files, Value: c.Count}, nil
	case "limit-memory":
		n, err := units.ParseSize(c.Bytes)
		if err != nil || n <= 0 {
			return nil, fmt.Errorf("limit-memory needs --bytes, a size such as 1GiB, not %q", c.Bytes)
		}
		return &process.Limit{PIDs: c.PID, Resource: process.Memory, Value: uint64(n)}, nil
	case "kill":
		k := &conn.Kill{Port: c.Port, End: conn.BothEnds, Share: c.Share, Seed: c.Seed}
		return &conn.Fault{Order: k}, k.Check()
	case "reset":
		r := &conn.Reset{Port: c.Port, Share: c.Share, Seed: c.Seed, For: c.For}
		return &conn.Fault{Order: r}, r.Check()
	}
	order := network.Order{Spec: impair.Spec{ID: "by-hand", Seed: c.Seed, Match: impair.Match{Port: c.Port}}}
	switch c.Action {
	case "loss":
		order.Loss = c.Rate
	case "partition":
		order.Drop = true
	case "reject":
		order.Reject = impair.WithReset
	}
	place := network.Place{Device: "lo"}
	return &network.Fault{Net: network.New(nil, nil), Order: order, Place: place}, network.Check(&order, &place)
}

// printCertificate prints what became of a fault.
func printCertificate(std *streams, c *result.Certificate) {
	gone := "gone"
	if !c.Gone {
		gone = "NOT gone"
	}
	fmt.Fprintf(std.out, "%s by %s, %s\n", c.Verdict, c.Mechanism, gone)
	for _, f := range c.Findings {
		fmt.Fprintf(std.out, "  %-12s %s: %s, asked %s", f.Verdict, f.What, f.Achieved, f.Asked)
		if f.Note != "" {
			fmt.Fprintf(std.out, " (%s)", f.Note)
		}
		fmt.Fprintln(std.out)
	}
}
