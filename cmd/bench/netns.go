package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"

	"bench/netns"
	"bench/scenarios"
	"bench/scenarios/document"
	"bench/scenarios/format"
	"bench/scenarios/source"
)

// netnsCmd makes networks by hand.
type netnsCmd struct {
	Up   netnsUpCmd   `cmd:"" help:"Set up a network, which a process keeps until it is taken down."`
	Exec netnsExecCmd `cmd:"" help:"Run a command on a node of a network, or where a wire is."`
	List netnsListCmd `cmd:"" help:"List the networks that are kept."`
	Down netnsDownCmd `cmd:"" help:"Take a network down, and end what runs in it."`
}

type netnsUpCmd struct {
	Scenario string `arg:"" optional:"" help:"Scenario whose network is set up: a file or the name of a built-in one. Without it, client, proxy and origin in a row."`
	Name     string `default:"default" help:"Name to know the network by: letters, digits, - and _."`
}

func (*netnsUpCmd) Help() string {
	return `Examples:

  bench netns up
  bench netns exec origin bench backend http --listen 10.78.2.2:8000 &
  bench netns exec client curl http://10.78.2.2:8000/
  bench netns exec back tcpdump -i port0      # on the wire itself
  bench netns down

A network is nodes joined by wires, each in a network namespace without a name.
It is gone when the process that keeps it is, whatever ended that. Networks made by
hand need root; scenarios make do with a user namespace.`
}

func (c *netnsUpCmd) Run(std *streams) error {
	if !regexp.MustCompile(`^[A-Za-z0-9_-]{1,40}$`).MatchString(c.Name) {
		return &exitError{exitUsage, fmt.Errorf("--name %q: want 1 to 40 letters, digits, - and _", c.Name)}
	}
	if err := netns.Allowed(); err != nil {
		return &exitError{exitUsage, fmt.Errorf("%w: networks made by hand need root", err)}
	}
	if _, err := netns.Find(c.Name); err == nil {
		return &exitError{exitUsage, fmt.Errorf("there is a network %q already: bench netns down %s", c.Name, c.Name)}
	}
	network := &format.Network{}
	if c.Scenario != "" {
		doc, err := scenarios.Find(c.Scenario, document.Options{})
		if err != nil {
			fmt.Fprintln(std.err, source.Describe(err))
			return &exitError{code: exitUsage}
		}
		if network = doc.Cells[0].Scenario.Network; network == nil {
			return &exitError{exitUsage, fmt.Errorf("scenario %s has no network", c.Scenario)}
		}
	}
	h, err := keep(c.Name, network.Topology())
	if err != nil {
		return &exitError{exitLost, err}
	}
	printNetwork(std, h)
	return nil
}

// keep starts the process that keeps a network, and waits until it lies.
func keep(name string, t netns.Topology) (*netns.Held, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	c := exec.Command(self, "agent", "network", name)
	c.Stdin = strings.NewReader(string(text))
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // it outlives this command and its terminal
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.Start(); err != nil {
		return nil, err
	}
	var answer keeperAnswer
	if err := json.NewDecoder(out).Decode(&answer); err != nil {
		return nil, errors.Join(fmt.Errorf("the process that was to keep network %q has ended", name), c.Wait())
	}
	if answer.Error != "" {
		_ = c.Wait() // it has said why
		return nil, errors.New(answer.Error)
	}
	return answer.Network, c.Process.Release()
}

// keeperAnswer is what the keeper says at its start.
type keeperAnswer struct {
	Error   string      `json:"error,omitempty"`
	Network *netns.Held `json:"network,omitempty"`
}

// agentNetworkCmd keeps a network.
type agentNetworkCmd struct {
	Name string `arg:"" help:"Name of the network."`
}

func (c *agentNetworkCmd) Run(std *streams) error {
	ctx, stop := untilSignal()
	defer stop()
	out := json.NewEncoder(std.out)
	var t netns.Topology
	if err := json.NewDecoder(std.in).Decode(&t); err != nil {
		return out.Encode(keeperAnswer{Error: err.Error()})
	}
	ready := false
	err := netns.Hold(ctx, c.Name, t, func(h *netns.Held) {
		ready = true
		_ = out.Encode(keeperAnswer{Network: h}) // who has asked may be gone; the network is not
	})
	if err != nil && !ready {
		return out.Encode(keeperAnswer{Error: err.Error()})
	}
	return err
}

type netnsListCmd struct{}

func (*netnsListCmd) Run(std *streams) error {
	all, err := netns.All()
	if err != nil {
		return &exitError{exitLost, err}
	}
	for _, h := range all {
		printNetwork(std, h)
	}
	if len(all) == 0 {
		fmt.Fprintln(std.out, "no network is kept")
	}
	return nil
}

// printNetwork shows where the nodes are and how they are reached.
func printNetwork(std *streams, h *netns.Held) {
	fmt.Fprintf(std.out, "network %s, kept by process %d\n", h.Name, h.PID)
	w := tabwriter.NewWriter(std.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "  wire\tnode\tinterface\taddress")
	for i, wire := range h.Topology.Wires {
		for _, node := range wire.Nodes {
			fmt.Fprintf(w, "  %s\t%s\t%s\t%s\n", wire.Name, node, netns.InterfaceName(i), h.Topology.Addr(node, wire.Name))
		}
	}
	_ = w.Flush() // the standard output takes it or is closed
}

type netnsExecCmd struct {
	Name    string   `default:"default" help:"Name of the network."`
	Node    string   `arg:"" help:"Node or wire."`
	Command []string `arg:"" passthrough:"" help:"Command with its arguments."`
}

// Run becomes the command.
func (c *netnsExecCmd) Run() error {
	h, err := netns.Find(c.Name)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	path, ok := h.Namespaces[c.Node]
	if !ok {
		var known []string
		for name := range h.Namespaces {
			known = append(known, name)
		}
		slices.Sort(known)
		return &exitError{exitUsage, fmt.Errorf("there is no node or wire %q in network %s: it has %s", c.Node, c.Name, strings.Join(known, ", "))}
	}
	if c.Command[0] == "--" && len(c.Command) > 1 { // as people write it before a command of their own
		c.Command = c.Command[1:]
	}
	program, err := exec.LookPath(c.Command[0])
	if err != nil {
		return &exitError{exitUsage, err}
	}
	runtime.LockOSThread() // the thread that enters is the one that goes on
	if err := netns.Join(path); err != nil {
		return &exitError{exitLost, err}
	}
	return &exitError{exitLost, syscall.Exec(program, c.Command, os.Environ())}
}

type netnsDownCmd struct {
	Name string `arg:"" optional:"" default:"default" help:"Name of the network."`
}

func (c *netnsDownCmd) Run(std *streams) error {
	h, err := netns.Find(c.Name)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	if err := h.Down(); err != nil {
		return &exitError{exitLost, err}
	}
	fmt.Fprintf(std.out, "network %s is gone\n", c.Name)
	return nil
}
