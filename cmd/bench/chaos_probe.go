package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"bench/chaos"
	"bench/chaos/probe"
	"bench/internal/proc"
	"bench/netns"
)

// chaosProbeCmd says what faults this machine can make.
type chaosProbeCmd struct {
	JSON bool `name:"json" help:"Print JSON."`
}

func (*chaosProbeCmd) Help() string {
	return `Each fault acts for a tenth of a second on a network, a connection and a process
made for it; nothing else is touched, and nothing is left. What is seen of a
fault in so short a time may be inconclusive: that it works is what counts.

Exit codes: 0 tried; 6 a fault could not be undone; 130 interrupted.`
}

func (c *chaosProbeCmd) Run(std *streams) error {
	if netns.Allowed() != nil && netns.CanRerun() {
		if code, err := netns.Rerun(); err == nil {
			if code != exitPass {
				return &exitError{code: code}
			}
			return nil
		}
	}
	if err := netns.Settle(); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return withJournal(func(ctx context.Context, j *chaos.Journal, g *proc.Group) error {
		all, err := probe.Try(ctx, probe.Options{Journal: j, Group: g, Link: []string{self, "agent", "link"}})
		if ctx.Err() != nil {
			return &exitError{code: exitInterrupted}
		}
		if err != nil {
			return &exitError{exitLost, err}
		}
		return c.print(std, all)
	})
}

func (c *chaosProbeCmd) print(std *streams, all []probe.Finding) error {
	if c.JSON {
		e := json.NewEncoder(std.out)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		return e.Encode(all)
	}
	for _, f := range all {
		if f.Works {
			fmt.Fprintf(std.out, "%-8s %-22s by %s, %s\n", "ok", f.Fault, f.Mechanism, f.Seen)
			continue
		}
		fmt.Fprintf(std.out, "%-8s %-22s %s\n", "missing", f.Fault, f.Why)
		if f.Remedy != "" {
			fmt.Fprintf(std.out, "%-8s %-22s remedy: %s\n", "", "", f.Remedy)
		}
	}
	return nil
}
