package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"bench/internal/result"
	"bench/internal/thread"
	report "bench/reports/compare"
	"bench/scenarios/compare"
	"bench/scenarios/document"
	"bench/scenarios/format"
	"bench/scenarios/runner"
	"bench/scenarios/source"
)

// compareCmd finds out whether one thing is worse than another.
type compareCmd struct {
	Scenario []string `arg:"" name:"scenario" help:"Scenario file or name of a built-in scenario; or the folders of recorded results, the base's and the new one's."`

	Base []string `placeholder:"KEY=VALUE,..." sep:"none" help:"Settings of the base's side, as --set has them."`
	New  []string `placeholder:"KEY=VALUE,..." sep:"none" help:"Settings of the new side."`
	Set  []string `placeholder:"KEY=VALUE" sep:"none" help:"A setting of both sides."`

	Pairs     string        `placeholder:"auto|N" help:"Pairs of runs: auto goes on until everything is decided. As the scenario says if not given, or else auto."`
	MostPairs int           `default:"100" placeholder:"N" help:"Most pairs of --pairs auto, and of a confirmation."`
	Within    time.Duration `placeholder:"TIME" help:"Begin no pair that would end later than this after the start; the first is made in any case."`
	MinEffect string        `placeholder:"2%" help:"Least change that matters, in place of the scenario's; 2% if neither says."`
	Alpha     *float64      `placeholder:"0.01" help:"Chance of a false alarm over all that decides, in place of the scenario's; 0.01 if neither says."`
	Confirm   *bool         `negatable:"" help:"Repeat what looks worse with fresh pairs before it is called worse; the default with CI=true and with --bisect."`
	OnlyWorse *bool         `negatable:"" help:"End as soon as nothing is worse, without the pairs that it takes to call something better; the default with --bisect."`
	Keep      bool          `name:"keep-disturbed" help:"Count pairs and recorded runs that other programs disturbed: it takes more of them, but a machine that is never quiet has no others."`
	Force     bool          `help:"Compare even where the sides do not do the same work."`

	Baseline  string `placeholder:"DIR" help:"Folder that is kept from one comparison to the next: recorded results of the base, and the noise floor."`
	Calibrate bool   `help:"Make 20 pairs of the base against itself, and keep in the baseline how much they differ."`
	Bisect    bool   `help:"Exit codes for git bisect run: 125 where it remains unclear, 128 for what is wrong with the command itself."`

	Output  string  `short:"o" placeholder:"DIR" help:"Folder of the comparison and of its runs; results/compare-NAME-TIME if not given."`
	JSON    string  `name:"json" placeholder:"FILE" help:"Write the record there, too; - is the standard output."`
	Seed    *uint64 `help:"Seed of the coin and of the runs in place of the scenario's."`
	Shorten float64 `default:"1" placeholder:"N" help:"Divide the times of phases and events by N: a try, not a measurement."`
	Hub     string  `placeholder:"URL" env:"BENCH_HUB" help:"As for bench run. Combinations of the matrix that are on other machines altogether are compared side by side where there are hosts for several."`
	CPUs    []int   `name:"cpus" placeholder:"CPU" help:"Use these processors only, for all parts of the runs."`
	Outside bool    `name:"allow-outside" help:"Let the proxies use sockets, pid files and log targets outside the folders of the runs."`
	Plain   bool    `help:"Print lines instead of a table in place."`
	ASCII   bool    `name:"ascii" help:"Print no character beyond ASCII."`
}

// Help says what for.
func (*compareCmd) Help() string {
	return `Each pair of runs starts fresh processes from fresh copies of the programs, and a coin
says which side goes first. Examples:

  Is my build slower than the released one?
    bench compare proxy-overhead --base proxy.binary=./bench-1.0 --new proxy.binary=./bench-new
  The engine, or HAProxy?
    bench compare proxy-overhead --base proxy.driver=haproxy --new proxy.driver=builtin
  Two configurations:
    bench compare mine.yaml --base proxy.configFile=old.cfg --new proxy.configFile=new.cfg
  Which commit made it slower?
    git bisect run sh -c 'make build || exit 125; bench compare mine.yaml --bisect --min-effect 10% --base proxy.binary=/opt/bench-good --new proxy.binary=bin/bench'
  Results of earlier runs:
    bench compare results/before results/after
    bench compare results/today --baseline results/main

Exit codes: 0 nothing is worse, 3 something is, 4 unclear or not comparable, 2 usage,
5 an origin failed, 6 the test bed lost something (a full disk, a missing program),
130 interrupted. Nothing unclear passes.`
}

// exitWorse is that of a comparison in which something is worse.
const exitWorse = 3

// Exit codes that mean something to git bisect run.
const (
	bisectSkip  = 125
	bisectAbort = 128
)

func (c *compareCmd) Run(std *streams) error {
	err := c.compare(std)
	if !c.Bisect || err == nil {
		return err
	}
	return forBisect(err)
}

// forBisect makes of the end of a comparison what git bisect run understands.
func forBisect(err error) error {
	exit, ok := errors.AsType[*exitError](err)
	if !ok {
		exit = &exitError{exitLost, err}
	}
	switch exit.code {
	case exitWorse, exitInterrupted, bisectAbort:
	case exitUsage:
		exit.code = bisectAbort
	default:
		exit.code = bisectSkip
	}
	return exit
}

func (c *compareCmd) compare(std *streams) error {
	file, err := outputFile(c.JSON, std)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	human := std.out
	if c.JSON == "-" {
		human = std.err
	}
	record, err := c.record(human)
	if record == nil {
		return err
	}
	if err != nil {
		say(std.err, err)
	}
	if finished := errors.Join(report.Finish(human, c.Output, record, c.ASCII), writeJSON(file, record)); finished != nil {
		say(std.err, finished)
		err = errors.Join(err, finished)
	}
	switch {
	case record.ExitCode != exitPass:
		return &exitError{code: record.ExitCode}
	case err != nil:
		return &exitError{code: exitLost}
	}
	return nil
}

// record compares what the arguments name. Without a record the error is the whole
// answer.
func (c *compareCmd) record(human *os.File) (*result.Comparison, error) {
	minEffect, err := c.minEffect()
	if err != nil {
		return nil, &exitError{exitUsage, err}
	}
	if a := c.Alpha; a != nil && !(*a > 0 && *a < 0.5) { // NaN is not either
		return nil, &exitError{exitUsage, fmt.Errorf("--alpha %v: it must be more than 0 and less than 0.5", *a)}
	}
	if err := c.limits(); err != nil {
		return nil, &exitError{exitUsage, err}
	}
	sides := len(c.Base)+len(c.New) > 0 || c.Calibrate
	switch {
	case len(c.Scenario) == 2 && !sides:
		return c.recorded(c.Scenario[0], c.Scenario[1], minEffect)
	case len(c.Scenario) == 1 && c.Baseline != "" && !sides:
		return c.recorded(c.Baseline, c.Scenario[0], minEffect)
	case len(c.Scenario) != 1:
		return nil, &exitError{exitUsage, errors.New("name one scenario, with --base and --new, or two folders of results")}
	case !sides:
		return nil, &exitError{exitUsage, errors.New("what is compared with what? Give each side its settings, as in --base proxy.driver=haproxy --new proxy.driver=builtin; a side without any is the scenario as it stands")}
	}
	return c.live(human, minEffect)
}

// limits checks the numbers among the options.
func (c *compareCmd) limits() error {
	switch {
	case c.Shorten == 0:
		return errShortenByZero
	case c.MostPairs < 1 || c.MostPairs > format.MostPairs:
		return fmt.Errorf("--most-pairs %d: it must be from 1 to %d", c.MostPairs, format.MostPairs)
	case c.Within < 0:
		return fmt.Errorf("--within %v: it must be more than 0", c.Within)
	}
	return nil
}

// unused are the options given that mean nothing to what is asked for, as words.
func (c *compareCmd) unused(calibrate bool) string {
	var all []string
	for _, o := range []struct {
		flag                string
		given               bool
		recorded, calibrate bool // it means something to that
	}{
		{"--new", len(c.New) > 0, false, false},
		{"--set", len(c.Set) > 0, false, true},
		{"--pairs", c.Pairs != "", false, false},
		{"--most-pairs", c.MostPairs != defaultMostPairs, false, false},
		{"--within", c.Within != 0, false, true},
		{"--min-effect", c.MinEffect != "", true, true},
		{"--confirm", c.Confirm != nil && *c.Confirm, false, false},
		{"--only-worse", c.OnlyWorse != nil && *c.OnlyWorse, false, false},
		{"--keep-disturbed", c.Keep, true, true},
		{"--force", c.Force, true, false},
		{"--bisect", c.Bisect, true, false},
		{"--json", c.JSON != "", true, false},
		{"--seed", c.Seed != nil, false, true},
		{"--shorten", c.Shorten != 1, false, true},
		{"--cpus", len(c.CPUs) > 0, false, true},
		{"--allow-outside", c.Outside, false, true},
	} {
		if o.given && (calibrate && !o.calibrate || !calibrate && !o.recorded) {
			all = append(all, o.flag)
		}
	}
	return strings.Join(all, ", ")
}

// defaultMostPairs is that of --most-pairs.
const defaultMostPairs = 100

func (c *compareCmd) minEffect() (*float64, error) {
	if c.MinEffect == "" {
		return nil, nil
	}
	p, err := format.ParsePercent(c.MinEffect)
	if err == nil && (p <= 0 || p >= 1) {
		err = errors.New("it must be more than 0% and less than 100%")
	}
	if err != nil {
		return nil, fmt.Errorf("--min-effect %s: %w", c.MinEffect, err)
	}
	return &p, nil
}

// recorded compares runs that were made earlier.
func (c *compareCmd) recorded(base, other string, minEffect *float64) (*result.Comparison, error) {
	if flags := c.unused(false); flags != "" {
		return nil, &exitError{exitUsage, fmt.Errorf("%s: for runs that are still to be made, not for recorded ones", flags)}
	}
	if c.Output != "" && holdsOther(c.Output) {
		return nil, &exitError{exitUsage, fmt.Errorf("folder of the comparison: %s is not empty; choose another with -o", c.Output)}
	}
	record, err := compare.Recorded(compare.RecordedOptions{
		Base: base, New: other, MinEffect: minEffect, Alpha: c.Alpha, Force: c.Force, KeepDisturbed: c.Keep,
		Command: commandLine(os.Args), Tool: tool(), Now: time.Now,
	})
	if err != nil {
		return nil, &exitError{exitUsage, err}
	}
	if err := c.place(record.Scenario); err != nil {
		return nil, &exitError{exitLost, err}
	}
	return record, nil
}

// holdsOther reports whether a folder holds something else than a comparison of recorded
// runs, which may be made again: among the runs of a baseline, say, the record of a
// comparison would make them all unusable.
func holdsOther(dir string) bool {
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) == 0 {
		return false
	}
	return !report.Is(dir) || slices.ContainsFunc(entries, os.DirEntry.IsDir)
}

// place makes the folder of a comparison where the user has not chosen one: one that did
// not exist, because another comparison may begin in the same second.
func (c *compareCmd) place(name string) error {
	if c.Output != "" {
		return nil
	}
	var err error
	c.Output, err = runner.NewOut(filepath.Join("results", "compare-"+fileName(name)+"-"+time.Now().Format("20060102-150405")), true)
	if err != nil {
		err = fmt.Errorf("folder of the comparison: %w", err)
	}
	return err
}

// fileName makes part of the name of a file of a text that may come from a record.
func fileName(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("._-", r) {
			return r
		}
		return '_'
	}, text)
}

// live compares by runs.
func (c *compareCmd) live(human *os.File, minEffect *float64) (*result.Comparison, error) {
	if flags := c.unused(true); c.Calibrate && flags != "" {
		return nil, &exitError{exitUsage, fmt.Errorf("%s: --calibrate runs the base against itself, in a fixed number of pairs", flags)}
	}
	o, err := c.options(minEffect)
	if err != nil {
		return nil, &exitError{exitUsage, err}
	}
	plan, err := compare.Prepare(*o)
	if side, ok := errors.AsType[*compare.SideError](err); ok {
		return nil, &exitError{exitUsage, fmt.Errorf("side %s: %s", side.Side, source.Describe(side.Err))}
	}
	if err != nil {
		return nil, &exitError{exitUsage, errors.New(source.Describe(err))}
	}
	for _, doc := range plan.Documents() {
		if err := staysInside(doc, c.Outside); err != nil {
			return nil, err
		}
	}
	for i, doc := range plan.Documents() {
		if err := runner.MissingProgram(doc, o.Hub != nil); err != nil {
			code := runner.Code(err)
			if c.Bisect && i == 0 {
				code = bisectAbort // no other commit would bring the base's program
			}
			return nil, &exitError{code, fmt.Errorf("side %s: %w", []string{compare.Base, compare.New}[i], err)}
		}
	}
	for _, doc := range plan.Documents() {
		if done, err := elsewhere(doc, o.Hub); done || err != nil {
			return nil, err
		}
	}
	if err := os.Unsetenv(hubVariable); err != nil { // what is started here need not know it
		return nil, err
	}
	if err := thread.Confine(c.CPUs); err != nil {
		return nil, &exitError{exitUsage, err}
	}
	if c.Baseline != "" && !c.Calibrate {
		floor, why, err := plan.ReadFloor(c.Baseline)
		if err != nil {
			return nil, &exitError{exitUsage, err}
		}
		plan.UseFloor(floor)
		if why != "" {
			plan.Warn(why)
		}
	}
	if err := c.place(strings.TrimSuffix(filepath.Base(c.Scenario[0]), ".yaml")); err != nil {
		return nil, &exitError{exitLost, err}
	}
	plan.Into(c.Output)
	ctx, stop := untilSignal()
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	view := newCompareView(human, c.Plain)
	plan.Show(view)
	if c.Calibrate {
		return nil, c.calibrate(ctx, human, plan, view)
	}
	record, err := plan.Run(ctx)
	view.close()
	if record == nil {
		return nil, &exitError{exitUsage, err}
	}
	if errors.Is(err, context.Canceled) {
		err = nil // the record says it
	}
	return record, err
}

// calibrate measures the noise floor.
func (c *compareCmd) calibrate(ctx context.Context, human *os.File, plan *compare.Plan, view *compareView) error {
	floor, refused, err := plan.Calibrate(ctx)
	view.close()
	switch {
	case ctx.Err() != nil:
		return &exitError{exitInterrupted, errors.New("interrupted; everything is undone, and no noise floor is kept")}
	case err != nil:
		return &exitError{compare.Code(err), err}
	case floor == nil:
		return &exitError{exitUnclear, fmt.Errorf("no noise floor: %s", refused)}
	}
	dir := c.Baseline
	if dir == "" {
		dir = c.Output
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	path := filepath.Join(dir, compare.FloorFile)
	if err := compare.Save(path, floor); err != nil {
		return err
	}
	printFloor(human, floor, path)
	if refused != "" {
		return &exitError{exitUnclear, fmt.Errorf("this noise floor cannot be relied on: %s", refused)}
	}
	return nil
}

// options are those of a live comparison.
func (c *compareCmd) options(minEffect *float64) (*compare.Options, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	o := &compare.Options{
		Scenario: c.Scenario[0], Seed: c.Seed, Shorten: c.Shorten, MinEffect: minEffect, Alpha: c.Alpha,
		MostPairs: c.MostPairs, Within: c.Within, KeepDisturbed: c.Keep, Force: c.Force,
		Confirm:  orElse(c.Confirm, c.Bisect || os.Getenv("CI") == "true"),
		OneSided: orElse(c.OnlyWorse, c.Bisect),
		Self:     []string{self}, Command: commandLine(os.Args), Tool: tool(),
	}
	if o.Hub, err = hubOf(c.Hub); err != nil {
		return nil, err
	}
	if o.Set, err = parseSettings(c.Set); err != nil {
		return nil, err
	}
	if o.Base, err = sideSettings("--base", c.Base); err != nil {
		return nil, err
	}
	if o.New, err = sideSettings("--new", c.New); err != nil {
		return nil, err
	}
	if c.Pairs != "" {
		n, err := format.ParsePairs(c.Pairs)
		if err != nil {
			return nil, fmt.Errorf("--pairs: %w", err)
		}
		o.Pairs = &n
	}
	return o, nil
}

func orElse(v *bool, otherwise bool) bool {
	if v == nil {
		return otherwise
	}
	return *v
}

// sideSettings reads the settings of a side.
func sideSettings(flag string, texts []string) ([]document.Setting, error) {
	var all []document.Setting
	for _, text := range texts {
		some, err := compare.ParseSide(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", flag, err)
		}
		all = slices.Concat(all, some)
	}
	return all, nil
}
