// Command bench tests proxies: it runs scenarios against them, generates load,
// mocks origins, and holds a proxy engine of its own. Flags and wiring only may
// enter here, one file per command.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/alecthomas/kong"
)

// Exit codes, as scripts and CI read them.
const (
	exitPass        = 0
	exitFail        = 1   // an objective failed
	exitUsage       = 2   // invalid scenario or usage
	exitUnclear     = 4   // inconclusive or invalid measurement
	exitProxy       = 5   // the proxy or an origin crashed
	exitLost        = 6   // an agent or the infrastructure was lost
	exitInterrupted = 130 // everything undone first
)

// cli lists the commands; each is a type of its own file with a Run method.
type cli struct {
	Run      runCmd      `cmd:"" help:"Run a scenario; the exit code is the verdict."`
	Library  libraryCmd  `cmd:"" help:"Run many scenarios with several proxies, and show in one table where each holds."`
	Compare  compareCmd  `cmd:"" help:"Find out whether one proxy, build or configuration is worse than another."`
	Capacity capacityCmd `cmd:"" help:"Find the highest rate at which objectives hold, and what gives way first."`
	Validate validateCmd `cmd:"" help:"Check scenarios without running them."`
	Proxy    proxyCmd    `cmd:"" help:"Run the proxy engine, with HAProxy's command line."`
	Backend  backendCmd  `cmd:"" help:"Run a mock origin alone."`
	List     listCmd     `cmd:"" help:"List the built-in scenarios."`
	Init     initCmd     `cmd:"" help:"Write out a built-in scenario to start from."`
	Import   importCmd   `cmd:"" help:"Make a scenario from your HAProxy configuration."`
	Load     loadCmd     `cmd:"" help:"Generate load and measure how it is served."`
	Abuse    abuseCmd    `cmd:"" help:"Let clients misbehave, and count what the peer does about it."`
	Chaos    chaosCmd    `cmd:"" help:"Cause a fault by hand, or undo what killed runs have left behind."`
	Netns    netnsCmd    `cmd:"" name:"netns" help:"Make a network by hand: hosts and wires between them, in namespaces."`
	Hub      hubCmd      `cmd:"" help:"Be the server in the middle of runs on several machines."`
	Join     joinCmd     `cmd:"" help:"Offer this machine to a hub, until Ctrl-C."`
	Hosts    hostsCmd    `cmd:"" help:"List the machines that have joined a hub."`
	Report   reportCmd   `cmd:"" help:"Render a result folder again."`
	History  historyCmd  `cmd:"" help:"Follow measures over many recorded runs, and show with which of them they changed."`
	Agent    agentCmd    `cmd:"" hidden:"" help:"Parts of a run, started by the runner."`
	Doctor   doctorCmd   `cmd:"" help:"Show what this machine offers, and what each missing piece costs."`
	Guard    guardCmd    `cmd:"" hidden:"" help:"Undo a run whose process was killed."`
	Pollers  pollersCmd  `cmd:"" help:"Compare select, poll, epoll and io_uring on the same work."`
	Peers    peersCmd    `cmd:"" help:"Measure engine and generator against HAProxy and wrk, side by side."`

	Version    versionCmd    `cmd:"" help:"Print the version."`
	Schema     schemaCmd     `cmd:"" help:"Print the JSON Schema of scenarios, for editors."`
	Completion completionCmd `cmd:"" help:"Print a script that makes a shell complete commands, flags and scenarios."`
	Complete   completeCmd   `cmd:"" hidden:"" help:"Complete a command line, for the scripts of completion."`
}

// streams are the standard streams of a command.
type streams struct {
	in       *os.File
	out, err *os.File
}

// put writes text to the file that a flag names: - is standard output, and an absent flag
// wants none.
func (s *streams) put(path string, text []byte) error {
	switch path {
	case "":
		return nil
	case "-":
		_, err := s.out.Write(text)
		return err
	}
	return os.WriteFile(path, text, 0o644)
}

// exitError is an error with the exit code it means.
type exitError struct {
	code int
	err  error // nil: everything has been said
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func main() {
	if words, ok := proxyWords(os.Args); ok {
		os.Exit(runProxy(os.Args, words))
	}
	os.Exit(run(os.Args[1:], &streams{os.Stdin, os.Stdout, os.Stderr}))
}

// run carries out a command line and returns the exit code.
func run(args []string, std *streams) int {
	var c cli
	code := -1
	parser, err := newParser(&c, std.out, std.err, func(n int) { code = n }, kong.Bind(std))
	if err != nil {
		fmt.Fprintln(std.err, "bench:", err)
		return exitUsage
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if code >= 0 {
		return code // --help has been answered
	}
	if err != nil {
		if bad, ok := errors.AsType[*kong.ParseError](err); ok {
			fmt.Fprintln(std.err, usageLine(bad.Context))
		}
		say(std.err, err)
		return exitUsage
	}
	if err := command.Run(parser.Model); err != nil {
		var exit *exitError
		if !errors.As(err, &exit) {
			exit = &exitError{exitLost, err}
		}
		if exit.err != nil {
			say(std.err, exit.err)
		}
		return exit.code
	}
	return exitPass
}

// usageLine says how the command is used that a command line is about, as far as it got.
func usageLine(c *kong.Context) string {
	if command := c.Selected(); command != nil {
		return "Usage: bench " + command.Summary()
	}
	return "Usage: bench" + c.Model.Summary()
}

// newParser makes what reads command lines into c. exit is called where --help has been
// answered.
func newParser(c *cli, out, err io.Writer, exit func(int), more ...kong.Option) (*kong.Kong, error) {
	return kong.New(c, append([]kong.Option{
		kong.Name("bench"),
		kong.Description("A test bed for proxies: load, faults, reloads, and a verdict."),
		kong.Writers(out, err),
		kong.Exit(exit),
	}, more...)...)
}

// say prints an error as the last word of a command.
func say(w io.Writer, err error) {
	fmt.Fprintf(w, "bench: %s\n", strings.TrimRight(err.Error(), "\n"))
}
