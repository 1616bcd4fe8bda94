package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"bench/internal/result"
	"bench/reports"
	"bench/reports/library"
	"bench/scenarios"
	"bench/scenarios/document"
	"bench/scenarios/runner"
	"bench/scenarios/source"
)

// libraryCmd runs many scenarios with several proxies.
type libraryCmd struct {
	Scenarios []string      `arg:"" optional:"" help:"Scenario files or names; all built-in scenarios if none is given."`
	Driver    []string      `default:"builtin,haproxy" help:"Proxies to run each with; a scenario written for another keeps its own."`
	Output    string        `short:"o" placeholder:"DIR" help:"Folder of the result folders; results/library-TIME if not given."`
	Markdown  string        `placeholder:"FILE" help:"Write the table to this file, too."`
	Tries     int           `default:"1" help:"Most runs of a scenario with a proxy: one that cannot be trusted, wholly or in part, is made again."`
	Outside   bool          `name:"allow-outside" help:"Let proxies use sockets, pid files and log targets outside the run's folder."`
	Longest   time.Duration `default:"1m" help:"Leave out scenarios whose load lasts longer, unless they are named."`
}

func (c *libraryCmd) Help() string {
	return `Example: how do the engine and HAProxy fare in every built-in scenario?

  bench library --markdown table.md`
}

func (c *libraryCmd) Run(std *streams) error {
	if c.Output == "" {
		c.Output = filepath.Join("results", "library-"+time.Now().Format("20060102-150405"))
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	plans, err := c.plan()
	if err != nil {
		return &exitError{exitUsage, err}
	}
	ctx, stop := untilSignal()
	defer stop()
	var entries []library.Entry
	for i, p := range plans {
		fmt.Fprintf(std.err, "%d of %d: %s with %s, %s\n", i+1, len(plans), p.name, p.driver, p.length)
		run, err := c.try(ctx, std, self, &p, stop)
		if ctx.Err() != nil {
			return &exitError{exitInterrupted, errors.New("interrupted; everything is undone")}
		}
		entries = append(entries, library.Entry{Question: p.question, Run: run, Err: err})
	}
	text, err := library.Markdown(entries)
	if err != nil {
		return err
	}
	fmt.Fprint(std.out, text)
	if c.Markdown != "" {
		return os.WriteFile(c.Markdown, []byte(libraryHead+text), 0o644)
	}
	return nil
}

// try runs a plan until all of it can be trusted, and returns the run of which most
// can be.
func (c *libraryCmd) try(ctx context.Context, std *streams, self string, p *libraryPlan, stop func()) (best *result.Run, err error) {
	for i := range max(1, c.Tries) {
		out := filepath.Join(c.Output, p.name+"-"+p.driver)
		if i > 0 {
			out += fmt.Sprintf("-%d", i+1)
		}
		live := reports.NewConsole(std.out, std.in, reports.ConsoleOptions{Stop: stop})
		run, failed := runner.Run(ctx, runner.Options{
			Document: p.doc, Out: out, Self: []string{self}, Live: live,
			Command: commandLine(os.Args), Tool: tool(),
		})
		live.Close()
		if run != nil && ctx.Err() == nil {
			if _, err := reports.Render(out, nil); err != nil {
				say(std.err, err)
			}
		}
		if best == nil || run != nil && invalid(run) < invalid(best) {
			best, err = run, failed
		}
		if ctx.Err() != nil || best == nil || invalid(best) == 0 {
			break
		}
	}
	return best, err
}

// invalid is how many cells of a run cannot be trusted.
func invalid(r *result.Run) (n int) {
	for i := range r.Cells {
		if r.Cells[i].Verdict == result.Invalid {
			n++
		}
	}
	return n
}

// libraryHead stands before the table in a file.
const libraryHead = `# Where proxies hold, and where they break

Written by ` + "`make library`" + `: every built-in scenario of at most a minute, run with each
proxy on one machine. A row is one combination of the scenario's matrix. FAIL means
that a limit of the scenario did not hold, which the last column names; INVALID that
a limit could not be decided by what was measured: a run with such rows is made again, and the one with
the fewest of them is shown. Times are of that machine: compare rows of one
scenario, not rows with other figures.

`

// libraryPlan is one run to come.
type libraryPlan struct {
	name, driver, question string
	doc                    *document.Document
	length                 time.Duration // of all cells
}

// plan reads every scenario before the first is run.
func (c *libraryCmd) plan() ([]libraryPlan, error) {
	names := c.Scenarios
	if len(names) == 0 {
		for _, b := range scenarios.BuiltIns() {
			names = append(names, b.Name)
		}
	}
	var plans []libraryPlan
	for _, name := range names {
		doc, err := scenarios.Find(name, document.Options{})
		if err != nil {
			return nil, errors.New(source.Describe(err))
		}
		s := doc.Cells[0].Scenario
		length := s.Length() * time.Duration(len(doc.Cells))
		if len(c.Scenarios) == 0 && s.Length() > c.Longest {
			continue
		}
		drivers := c.Driver
		if !slices.Contains(c.Driver, s.Proxy.Driver) {
			drivers = []string{s.Proxy.Driver}
		}
		for _, driver := range drivers {
			doc, err := scenarios.Find(name, document.Options{Set: []document.Setting{{Key: "proxy.driver", Value: driver}}})
			if err != nil {
				return nil, errors.New(source.Describe(err))
			}
			if err := staysInside(doc, c.Outside); err != nil {
				return nil, err
			}
			plans = append(plans, libraryPlan{s.Name, driver, s.Description, doc, length})
		}
	}
	return plans, nil
}
