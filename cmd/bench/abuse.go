package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"bench/internal/result"
	"bench/internal/thread"
	"bench/internal/units"
	"bench/loadgen/abuse"
	"bench/loadgen/workload"
	"bench/reports"
)

// abuseCmd lets clients misbehave without a scenario.
type abuseCmd struct {
	Kind string `arg:"" help:"What the clients do; see below."`
	URL  string `arg:"" name:"url" help:"http://HOST[:PORT][/PATH]"`

	Connections int    `short:"c" group:"Clients" default:"100" help:"Maximum number of open connections."`
	Rate        string `short:"r" group:"Clients" default:"100/s" help:"Connections opened per second, as long as there is room."`
	Duration    string `short:"D" group:"Clients" default:"10s" help:"How long it goes on."`
	Timeout     string `group:"Clients" default:"10s" help:"How long a client waits for the peer to do anything."`
	Source      string `group:"Clients" placeholder:"IP" help:"Address the connections come from, like 127.0.0.9."`
	UnixSocket  string `group:"Clients" placeholder:"PATH" help:"Connect to this socket (a path or abns@NAME) instead of the URL's host."`

	Hold     string   `group:"Kinds" placeholder:"TIME" help:"Time after which the client ends a connection; of pipeline, for which it reads nothing."`
	Every    string   `group:"Kinds" placeholder:"TIME" help:"Time between two pieces sent or read."`
	Bytes    string   `group:"Kinds" placeholder:"SIZE" help:"Size of a piece, or of what is read before the client goes away."`
	Size     string   `group:"Kinds" placeholder:"SIZE" help:"Size of a body, or of what is too large."`
	Window   string   `group:"Kinds" placeholder:"SIZE" help:"Receive buffer of a slow reader."`
	Requests int      `group:"Kinds" placeholder:"N" help:"Requests sent at once on a connection."`
	Reset    bool     `group:"Kinds" help:"End connections with a RST instead of a FIN."`
	Only     []string `group:"Kinds" placeholder:"VARIANT" help:"Try only these variants."`

	Seed   uint64 `group:"Generator" default:"1" help:"Seed of random bytes."`
	CPU    []int  `group:"Generator" placeholder:"CPU" help:"Processors to run on."`
	Poller string `group:"Generator" placeholder:"NAME" help:"epoll, poll, select or io_uring; the best if not given."`

	JSON  string `group:"Output" name:"json" placeholder:"FILE" help:"Write the outcome as JSON; - is the standard output."`
	Quiet bool   `short:"q" group:"Output" help:"No progress lines."`
	ASCII bool   `group:"Output" name:"ascii" help:"Print no character beyond ASCII."`
}

// Help lists the kinds and gives examples.
func (*abuseCmd) Help() string {
	var list strings.Builder
	for _, name := range abuse.Kinds() {
		doc, options := abuse.Doc(name)
		if len(options) > 0 {
			doc += " (" + strings.Join(options, ", ") + ")"
		}
		fmt.Fprintf(&list, "  %-15s %s\n", name, doc)
	}
	return `
Clients that misbehave, and what the peer does about it: each connection is
counted by how it ended (closed or reset by the peer, timed out, left by the
client, open to the end), its answers by status. Kinds, and their
options:

` + list.String() + `
Only addresses of this host, of private networks and of 198.18.0.0/15 are
abused.

Examples:
  bench abuse slowloris http://127.0.0.1:8080/ -c 2000 -r 1000/s --every 1s -D 30s
  bench abuse idle http://127.0.0.1:8080/ -c 9000 -r 5000/s
  bench abuse churn http://127.0.0.1:8080/ -r 5000/s --reset
  bench abuse slow-read http://127.0.0.1:8080/bytes/10000000 --bytes 512 --every 50ms
  bench abuse malformed http://127.0.0.1:8080/ --json - | jq '.variants[] | {name, statuses}'
  bench abuse oversized http://127.0.0.1:8080/ --only long-target,many-fields --size 1MiB

Exit codes: 0 done; 1 no connection could be opened; 2 usage; 4 ports or
descriptors ran out here, so the counts are not to be trusted; 130 interrupted.`
}

func (c *abuseCmd) Run(std *streams) error {
	ctx, stop := untilSignal()
	defer stop()
	spec, err := c.spec(ctx)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	runner, err := abuse.New(spec)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	file, err := outputFile(c.JSON, std)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	human := std.out
	if c.JSON == "-" {
		human = std.err
	}
	out, err := runner.Run(ctx, 0, func(a *result.Abuse) {
		if !c.Quiet {
			_ = reports.PrintAbuseProgress(std.err, a) // a lost line is no fault of the run
		}
	})
	if out == nil {
		return err
	}
	if e := errors.Join(reports.PrintAbuse(human, out, abuse.Certify(out), c.ASCII), writeJSON(file, out)); e != nil {
		return e
	}
	switch {
	case errors.Is(err, context.Canceled):
		return &exitError{exitInterrupted, errors.New("interrupted")}
	case err != nil:
		return err
	case len(abuse.Certify(out)) > 0:
		return &exitError{code: exitUnclear} // the first line of the outcome says why
	case out.Opened == 0:
		return &exitError{exitFail, errors.New("no connection could be opened")}
	}
	return nil
}

// spec turns the flags into a set of clients.
func (c *abuseCmd) spec(ctx context.Context) (*abuse.Spec, error) {
	var errs flagErrors
	s := &abuse.Spec{
		Name: "abuse", Kind: c.Kind, Connections: c.Connections, Source: c.Source,
		LengthUs: errs.us("duration", c.Duration), TimeoutUs: errs.us("timeout", c.Timeout),
		Seed: c.Seed, CPUs: c.CPU, Poller: c.Poller,
	}
	errs.add("cpu", thread.CheckCPUs(c.CPU))
	var err error
	s.Rate, err = units.ParseRate(c.Rate)
	errs.add("rate", err)
	time := func(flag, text string, to **int64) {
		if text != "" {
			us := errs.us(flag, text)
			*to = &us
		}
	}
	time("hold", c.Hold, &s.HoldUs)
	time("every", c.Every, &s.EveryUs)
	if c.Size != "" {
		s.Size = new(errs.size("size", c.Size))
	}
	if c.Bytes != "" {
		s.Bytes = new(int(errs.size("bytes", c.Bytes)))
	}
	if c.Window != "" {
		s.Window = new(int(errs.size("window", c.Window)))
	}
	if c.Requests != 0 {
		s.Requests = &c.Requests
	}
	if c.Reset {
		s.Reset = &c.Reset
	}
	s.Only = c.Only
	var load workload.Spec
	if err := load.SetURL(ctx, c.URL, c.UnixSocket); err != nil {
		errs = append(errs, err)
	} else if load.Protocol != "http1" || load.TLS != nil {
		errs = append(errs, fmt.Errorf("URL %q: clients that misbehave speak http, in clear", c.URL))
	} else {
		s.Targets, s.OneName, s.Title, s.Host, s.Path = load.Targets, load.OneName, load.Title, load.HTTP.Host, load.HTTP.Requests[0].Path
	}
	return s, errors.Join(errs...)
}

// agentAbuseCmd is one set of clients as a part of a run.
type agentAbuseCmd struct{}

func (*agentAbuseCmd) Run(std *streams) error {
	ctx, stop := untilSignal()
	defer stop()
	err := abuse.Agent(ctx, std.in, std.out)
	if errors.Is(err, context.Canceled) {
		return &exitError{code: exitInterrupted}
	}
	return err
}
