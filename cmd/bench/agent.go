package main

import (
	"context"
	"errors"
	"os"

	"bench/chaos/link"
	"bench/chaos/port"
	"bench/loadgen"
	"bench/scenarios/sidebyside"
)

// agentCmd gathers the parts of a run that the runner starts as processes.
type agentCmd struct {
	Load  agentLoadCmd  `cmd:"" help:"Run the load given as JSON on the standard input."`
	Abuse agentAbuseCmd `cmd:"" help:"Run the clients given as JSON on the standard input."`
	Hold  agentHoldCmd  `cmd:"" help:"Hold idle connections until the standard input ends."`
	Port  agentPortCmd  `cmd:"" help:"Carry out a fault of a port, as ordered on the standard input."`
	Link  agentLinkCmd  `cmd:"" help:"Carry frames between two interfaces, as ordered on the standard input."`

	Network  agentNetworkCmd  `cmd:"" help:"Keep the network given as JSON on the standard input."`
	Confined agentConfinedCmd `cmd:"" help:"Become a program that may write in one directory only."`
}

type agentHoldCmd struct {
	Addr  string `arg:"" help:"Address to connect to."`
	Count int    `arg:"" help:"Number of connections."`
}

func (c *agentHoldCmd) Run(std *streams) error {
	ctx, stop := untilSignal()
	defer stop()
	return sidebyside.Hold(ctx, c.Addr, c.Count, std.in, std.out)
}

type agentLinkCmd struct{}

func (*agentLinkCmd) Run(std *streams) error { return link.Serve(std.in, std.out) }

type agentPortCmd struct{}

func (*agentPortCmd) Run(std *streams) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return port.Serve(std.in, std.out, []string{self, "agent", "link"})
}

type agentLoadCmd struct{}

func (*agentLoadCmd) Run(std *streams) error {
	ctx, stop := untilSignal()
	defer stop()
	loadgen.TuneProcess()
	err := loadgen.Agent(ctx, std.in, std.out)
	if errors.Is(err, context.Canceled) {
		return &exitError{code: exitInterrupted}
	}
	return err
}
