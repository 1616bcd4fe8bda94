package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"bench/internal/hosts/wire"
	"bench/internal/result"
	"bench/internal/thread"
	"bench/netns"
	"bench/reports"
	"bench/scenarios"
	"bench/scenarios/document"
	"bench/scenarios/runner"
	"bench/scenarios/source"
)

// runCmd runs a scenario.
type runCmd struct {
	Scenario string   `arg:"" help:"Scenario file or name of a built-in scenario."`
	Output   string   `short:"o" placeholder:"DIR" help:"Result folder; results/NAME-TIME if not given."`
	Set      []string `placeholder:"KEY=VALUE" sep:"none" help:"Set a variable, an axis of the matrix, or any place in the scenario by its path."`
	Seed     *uint64  `help:"Seed in place of the scenario's."`
	Driver   string   `help:"Proxy driver in place of the scenario's: builtin, haproxy, nginx, exec or external."`
	Repeat   *int     `placeholder:"N" help:"Run every combination this many times, in place of the scenario's repeat; the report shows how much they differ."`
	Label    string   `placeholder:"TEXT" help:"What to call the run in reports and histories: a commit, a version."`
	Shorten  float64  `default:"1" placeholder:"N" help:"Divide the times of phases and events by N: a try, not a measurement."`
	Outside  bool     `name:"allow-outside" help:"Let the proxy take over sockets and pid files, and write to log targets, outside the run's folder, which another proxy on this machine may be using."`
	CPUs     []int    `name:"cpus" placeholder:"CPU" help:"Use these processors only, for all parts of the run; those that other programs leave alone."`
	Hub      string   `placeholder:"URL" env:"BENCH_HUB" help:"Put the parts of the scenario on the machines that it names by hosts and that have joined this hub: what bench hub printed for runs, or @FILE that holds it."`
	Plain    bool     `help:"Print lines instead of a live table."`
	ASCII    bool     `name:"ascii" help:"Print no character beyond ASCII."`
}

// errShortenByZero is what --shorten 0 comes to.
var errShortenByZero = errors.New("--shorten 0: a scenario can be shortened by a number from 1 on")

func (c *runCmd) Run(std *streams) error {
	if c.Shorten == 0 {
		return &exitError{exitUsage, errShortenByZero}
	}
	settings, err := parseSettings(c.Set)
	if err != nil {
		return err
	}
	if c.Driver != "" {
		settings = append(settings, document.Setting{Key: "proxy.driver", Value: c.Driver})
	}
	if c.Repeat != nil {
		settings = append(settings, document.Setting{Key: "repeat", Value: strconv.Itoa(*c.Repeat)})
	}
	doc, err := scenarios.Find(c.Scenario, document.Options{Set: settings, Seed: c.Seed, Shorten: c.Shorten})
	if err != nil {
		return &exitError{exitUsage, errors.New(source.Describe(err))}
	}
	if err := staysInside(doc, c.Outside); err != nil {
		return err
	}
	hub, err := hubOf(c.Hub)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	if err := runner.MissingProgram(doc, hub != nil); err != nil {
		return &exitError{runner.Code(err), err}
	}
	if done, err := elsewhere(doc, hub); done || err != nil {
		return err
	}
	if err := os.Unsetenv(hubVariable); err != nil { // what is started here need not know it
		return err
	}
	if err := thread.Confine(c.CPUs); err != nil {
		return &exitError{exitUsage, err}
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	fresh := c.Output == ""
	if fresh {
		c.Output = filepath.Join("results", doc.Cells[0].Scenario.Name+"-"+time.Now().Format("20060102-150405"))
	}
	ctx, stop := untilSignal()
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	live := reports.NewConsole(std.out, std.in, reports.ConsoleOptions{ASCII: c.ASCII, Plain: c.Plain, Stop: cancel})
	run, err := runner.Run(ctx, runner.Options{
		Document: doc, Out: c.Output, Fresh: fresh, Self: []string{self}, Live: live,
		Command: commandLine(os.Args), Tool: tool(), Label: c.Label, Hub: hub,
	})
	live.Close()
	if run == nil {
		if runner.Code(err) == exitInterrupted {
			err = errors.New("interrupted before anything was measured; everything is undone")
			return &exitError{exitInterrupted, err}
		}
		return &exitError{runner.Code(err), err}
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		say(std.err, err)
	}
	finished := reports.Finish(std.out, run.Dir, run, c.ASCII)
	if finished != nil {
		say(std.err, finished)
	}
	switch {
	case run.ExitCode != exitPass:
		return &exitError{code: run.ExitCode}
	case finished != nil:
		return &exitError{code: exitLost}
	}
	return nil
}

// hubOf reads --hub; nil is none.
func hubOf(text string) (*wire.Address, error) {
	if text == "" {
		return nil, nil
	}
	return wire.ParseAddress(text)
}

// commandLine is the command for the record, which others read, and pass to a shell again:
// without secrets, and with quotes around words in which a shell would
// find more than a word.
func commandLine(args []string) string {
	words := slices.Clone(args)
	for i, word := range words {
		words[i] = withoutSecret(word)
		if !plainWord.MatchString(words[i]) {
			words[i] = "'" + strings.ReplaceAll(words[i], "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}

// withoutSecret is a word without what lets one into a hub, or into a NATS server.
func withoutSecret(word string) string {
	before, at, ok := strings.Cut(word, "://")
	if !ok || !hubScheme.MatchString(before) {
		return word
	}
	at, _, _ = strings.Cut(at, "#")
	if i := strings.LastIndex(at, "@"); i >= 0 {
		at = at[i+1:]
	}
	return before + "://" + at
}

// hubScheme is what the address of a hub begins with, alone or as the value of a flag.
var hubScheme = regexp.MustCompile(`^(--hub=)?(nats|tls|ws|wss)$`)

// plainWord is a word that a shell takes as it is.
var plainWord = regexp.MustCompile(`^[\w@%+=:,./-]+$`)

// staysInside refuses a scenario whose proxy would take away what may be another's,
// unless that is allowed.
func staysInside(doc *document.Document, allowed bool) error {
	found := document.Outside(doc)
	if allowed || len(found) == 0 {
		return nil
	}
	return &exitError{exitUsage, fmt.Errorf("%s: the proxy would take over, or write to, what another proxy on this machine may be using:\n  %s\n"+
		"Write {{.Stats}} for the stats socket and {{.Dir}}/NAME for other files, or allow it by --allow-outside", doc.File, strings.Join(found, "\n  "))}
}

// elsewhere runs the whole command in a user namespace where that lets a scenario
// have its network, which the user may not make here. Of what is on the machines of a hub
// none is made.
func elsewhere(doc *document.Document, hub *wire.Address) (done bool, err error) {
	needed := slices.ContainsFunc(doc.Cells, func(c document.Cell) bool {
		return c.Scenario.Network != nil && (hub == nil || !c.Scenario.Placed())
	})
	if !needed || !netns.CanRerun() || netns.Allowed() == nil {
		return false, netns.Settle()
	}
	code, err := netns.Rerun()
	if err != nil {
		return false, nil // the run says what is not allowed
	}
	if code != exitPass {
		return true, &exitError{code: code}
	}
	return true, nil
}

// tool identifies this binary.
func tool() result.Tool {
	t := result.Tool{Version: "devel", Go: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return t
	}
	if info.Main.Version != "" && info.Main.Version != "(devel)" {
		t.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			t.Commit = s.Value
		}
	}
	return t
}
