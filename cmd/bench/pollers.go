package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"bench/internal/poller"
	"bench/internal/result"
	"bench/internal/units"
	"bench/reports/page"
	"bench/reports/pollers"
	"bench/scenarios/sidebyside"
)

// pollersCmd compares the pollers.
type pollersCmd struct {
	Idle   []int    `default:"0,100,400,900,1000,5000,8000" help:"Numbers of idle connections beside those at work."`
	Active []int    `default:"1,16,64,256" help:"Numbers of connections at work, without idle ones."`
	Churn  []int    `default:"0,1000" help:"Numbers of idle connections beside clients that open a new connection for each request."`
	Only   []string `enum:"idle,active,churn" default:"idle,active,churn" help:"Kinds of work: ${enum}."`
	Driver string   `default:"both" enum:"builtin,haproxy,both" help:"Whose pollers: ${enum}."`
	Poller []string `default:"epoll,poll,select,io_uring" enum:"epoll,poll,select,io_uring" help:"Pollers to compare: ${enum}."`

	Rounds     int           `default:"3" help:"Rounds; in each every contestant is measured twice, there and back again."`
	Duration   time.Duration `default:"1s" help:"Length of one measurement."`
	Rate       string        `placeholder:"RATE" help:"Requests per second (open loop), the same for all; without it every connection sends as fast as answers come."`
	SubjectCPU int           `default:"0" help:"CPU of the proxy that is measured."`
	LoadCPU    int           `default:"1" help:"CPU of everything else."`

	From  string `placeholder:"FILE" help:"Measure nothing; show what an earlier comparison wrote as JSON."`
	JSON  string `name:"json" placeholder:"FILE" help:"Write all measurements as JSON; - is the standard output."`
	HTML  string `name:"html" placeholder:"FILE" help:"Write a page with tables and charts."`
	SVG   string `name:"svg" placeholder:"FILE" help:"Write the chart of one measure and work as a picture."`
	Work  string `default:"idle" enum:"idle,active,churn" help:"Work that the picture shows: ${enum}."`
	By    string `default:"cpu" enum:"cpu,rate,p50,p99,p99.9,syscalls" help:"Measure that the console and the picture show: ${enum}."`
	ASCII bool   `name:"ascii" help:"Print no character beyond ASCII."`
}

// Help gives examples.
func (*pollersCmd) Help() string {
	return `
Every poller gets the same work, as a proxy process on a processor of its own,
and all take turns. Two descriptors are set aside for each connection, so select,
which knows 1,024, ends near 490 connections: what a poller or the limit of
descriptors (ulimit -n) does not allow is named in the table, not measured.

Examples:
  bench pollers --html pollers.html --json pollers.json
  bench pollers --driver builtin --only idle --idle 0,1000,8000
  bench pollers --only active --active 4,64,512 --by p99
  bench pollers --rate 500/s --duration 20s --only idle --by p99.9   # latency at one rate
  bench pollers --from pollers.json --by syscalls --svg syscalls.svg

Exit codes: 0 measured; 2 usage; 6 something could not be measured; 130
interrupted.`
}

func (c *pollersCmd) Run(std *streams) error {
	r, err := c.outcome(std)
	if err != nil {
		return err
	}
	human := std.out
	if c.JSON == "-" {
		human = std.err
	}
	by, err := pollers.MeasureNamed(c.By)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	if err := errors.Join(c.write(std, r, by), pollers.Print(human, r, by, c.ASCII)); err != nil {
		return &exitError{exitLost, err}
	}
	if r.Interrupted && c.From == "" {
		return &exitError{exitInterrupted, errors.New("interrupted: everything is undone, and what was measured until then is shown and written")}
	}
	return nil
}

// outcome measures, or reads what was measured.
func (c *pollersCmd) outcome(std *streams) (*result.Pollers, error) {
	if c.From != "" {
		text, err := os.ReadFile(c.From)
		r := &result.Pollers{}
		if err == nil {
			err = json.Unmarshal(text, r)
		}
		if err == nil && (r.Version != 1 || len(r.Works) == 0) {
			err = errors.New("not an outcome of bench pollers")
		}
		if err != nil {
			return nil, &exitError{exitUsage, fmt.Errorf("%s: %w", c.From, err)}
		}
		return r, nil
	}
	o, err := c.options(std)
	if err != nil {
		return nil, &exitError{exitUsage, err}
	}
	ctx, stop := untilSignal()
	defer stop()
	started := time.Now()
	r, err := sidebyside.MeasurePollers(ctx, *o)
	if ctx.Err() != nil && (r == nil || len(r.Works) == 0) {
		return nil, &exitError{exitInterrupted, errors.New("interrupted before anything was measured: everything is undone, and nothing was written")}
	}
	if err != nil && ctx.Err() == nil {
		return nil, &exitError{exitLost, err}
	}
	r.Tool, r.Command = tool(), commandLine(os.Args)
	r.StartedAt, r.EndedAt = started.Format(time.RFC3339), time.Now().Format(time.RFC3339)
	if c.Rate != "" {
		if r.RatePerSecond, err = units.ParseRate(c.Rate); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (c *pollersCmd) options(std *streams) (*sidebyside.PollerOptions, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	o := &sidebyside.PollerOptions{
		Self: self, Rounds: c.Rounds, Duration: c.Duration, Rate: c.Rate, SubjectCPU: c.SubjectCPU, LoadCPU: c.LoadCPU,
		Proxies: []string{c.Driver}, Pollers: c.Poller,
		Progress: func(text string) { fmt.Fprintln(std.err, text) },
	}
	if c.Driver == "both" {
		o.Proxies = []string{"builtin", "haproxy"}
	}
	for _, w := range []struct {
		name  string
		given []int
		least int
		into  *[]int
	}{{"idle", c.Idle, 0, &o.Idle}, {"active", c.Active, 1, &o.Active}, {"churn", c.Churn, 0, &o.Churn}} {
		if !slices.Contains(c.Only, w.name) {
			continue
		}
		*w.into = slices.Compact(slices.Sorted(slices.Values(w.given)))
		if len(*w.into) > 0 && ((*w.into)[0] < w.least || (*w.into)[len(*w.into)-1] > 1_000_000) {
			return nil, fmt.Errorf("--%s: numbers of connections are from %d to 1000000", w.name, w.least)
		}
	}
	switch _, err := units.ParseRate(c.Rate); {
	case c.Rate != "" && err != nil:
		return nil, fmt.Errorf("--rate: %w", err)
	case c.Rounds < 1 || c.Rounds > 100:
		return nil, fmt.Errorf("--rounds: from 1 to 100, not %d", c.Rounds)
	case c.Duration < 100*time.Millisecond || c.Duration > time.Hour:
		return nil, fmt.Errorf("--duration: from 100ms to 1h, not %v", c.Duration)
	case !slices.ContainsFunc(poller.Names(), func(n string) bool { return slices.Contains(c.Poller, n) }):
		return nil, errors.New("--poller: none given")
	}
	return o, nil
}

// write writes what was asked for as files.
func (c *pollersCmd) write(std *streams, r *result.Pollers, by *pollers.Measure) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	sheet, err := page.Pollers(r)
	if err != nil {
		return err
	}
	picture := []byte(nil)
	if c.SVG != "" {
		if picture, err = page.PollersPicture(r, c.Work, by); err != nil {
			return err
		}
	}
	return errors.Join(std.put(c.JSON, append(text, '\n')), std.put(c.HTML, sheet), std.put(c.SVG, picture))
}
