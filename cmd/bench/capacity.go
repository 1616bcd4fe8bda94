package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"bench/internal/result"
	"bench/internal/thread"
	"bench/internal/units"
	"bench/reports"
	report "bench/reports/capacity"
	"bench/scenarios"
	"bench/scenarios/capacity"
	"bench/scenarios/document"
	"bench/scenarios/format"
	"bench/scenarios/runner"
	"bench/scenarios/source"
)

// capacityCmd searches the highest rate at which objectives hold.
type capacityCmd struct {
	Scenario  string        `arg:"" help:"Scenario file or name of a built-in scenario."`
	Objective []string      `placeholder:"EXPR" sep:"none" help:"What must hold, such as 'response.p99 < 20ms'; several are joined. Without it, the objectives of the scenario."`
	Load      string        `placeholder:"NAME" help:"Load whose rate is searched, where the scenario has several."`
	From      string        `placeholder:"RATE" help:"Lowest rate to try, and the first: 200/s. Without it the search begins at the rate of the scenario and may go down to 1/s."`
	To        string        `placeholder:"RATE" help:"Highest rate to try; unlimited if not given."`
	Precision string        `default:"3%" placeholder:"SHARE" help:"Width at which the search ends, from 1% to 25%."`
	Within    time.Duration `default:"5m" placeholder:"TIME" help:"Time that one search may take; the bounds known by then are the outcome."`
	Axis      []string      `sep:"none" placeholder:"KEY=V1,V2" help:"Search at each value of a key, as for --set, or of an axis of the matrix: proxy.threads=1,2."`
	Repeat    int           `default:"1" placeholder:"N" help:"Search this many times, in turns with the values of the axis; of one search the median counts. A scalability law needs 3."`
	Need      string        `placeholder:"RATE" help:"Say how many it takes for this rate, with one to spare."`
	Keep      bool          `name:"keep-disturbed" help:"Count trials that did not hold while other programs used the processors: what is found may be too low, but a machine that is never quiet has no others."`
	Set       []string      `placeholder:"KEY=VALUE" sep:"none" help:"Set a variable, an axis of the matrix, or any place in the scenario by its path."`
	Seed      *uint64       `help:"Seed in place of the scenario's."`
	Driver    string        `help:"Proxy driver in place of the scenario's: builtin, haproxy, nginx, exec or external."`
	Output    string        `short:"o" placeholder:"DIR" help:"Result folder; results/NAME-capacity-TIME if not given."`
	JSON      string        `name:"json" placeholder:"FILE" help:"Write the record as JSON, too; - is the standard output."`
	Outside   bool          `name:"allow-outside" help:"As for bench run."`
	CPUs      []int         `name:"cpus" placeholder:"CPU" help:"Use these processors only, for all parts of a trial; those that other programs leave alone."`
	Hub       string        `placeholder:"URL" env:"BENCH_HUB" help:"As for bench run; a load that gives out gets one more of the machines that its role may have, as long as there are any."`
	Plain     bool          `help:"Print lines only; nothing is redrawn."`
	ASCII     bool          `name:"ascii" help:"Print no character beyond ASCII."`
}

// Help explains the search.
func (*capacityCmd) Help() string {
	return `
Finds the highest rate at which the objectives hold, and says what gave way first.
The rate is doubled until an objective is broken, and what lies between is halved
until the bounds are within the precision. Each trial has a proxy, origins and clients
of its own; both bounds are measured four times. Where no objective counts failures,
errors < 1% is added. Events and clients that misbehave are left out: a capacity is what
holds while nothing else happens.

Examples:
  bench capacity scenario.yaml --objective 'response.p99 < 20ms'
  bench capacity scenario.yaml --objective 'response.p99 < 20ms' --driver haproxy --from 500/s
  bench capacity scenario.yaml --axis proxy.threads=1,2,4,8 --repeat 3 --need 50k/s

Exit codes: 0 found; 1 the objectives do not hold at the lowest rate; 2 usage; 4 not found:
the generator gave out first, the machine was too busy, or the time was up; 5 the proxy
or an origin crashed; 6 the infrastructure was lost; 130 interrupted.`
}

func (c *capacityCmd) Run(std *streams) error {
	o, err := c.options()
	if err != nil {
		return usageError(err)
	}
	if err := c.prepare(o); err != nil {
		return usageError(err)
	}
	for _, doc := range o.Documents {
		if err := staysInside(doc, c.Outside); err != nil {
			return err
		}
		if err := runner.MissingProgram(doc, o.Hub != nil); err != nil {
			return &exitError{runner.Code(err), err}
		}
		if done, err := elsewhere(doc, o.Hub); done || err != nil {
			return err
		}
	}
	if err := os.Unsetenv(hubVariable); err != nil { // what is started here need not know it
		return err
	}
	if err := thread.Confine(c.CPUs); err != nil {
		return usageError(err)
	}
	file, err := outputFile(c.JSON, std)
	if err != nil {
		return usageError(err)
	}
	fresh := c.Output == ""
	if fresh {
		c.Output = filepath.Join("results", o.Documents[0].Cells[0].Scenario.Name+"-capacity-"+time.Now().Format("20060102-150405"))
	}
	if o.Out, err = runner.NewOut(c.Output, fresh); err != nil {
		return usageError(err)
	}
	human := std.out
	if c.JSON == "-" {
		human = std.err
	}
	console := &report.Console{Out: human, InPlace: !c.Plain && newProgressLine(human, false).inPlace, ASCII: c.ASCII, Axis: o.Axis}
	o.Live = &capacityLive{console: console, title: c.title(o)}
	ctx, stop := untilSignal()
	defer stop()
	r, err := runner.Capacity(ctx, *o)
	console.End()
	if r == nil {
		_ = os.Remove(o.Out) // it is empty, or holds what somebody else has put there
		code := max(runner.Code(err), exitFail)
		if code == exitInterrupted {
			err = errors.New("interrupted before a trial had ended; everything is undone")
		}
		return &exitError{code, err}
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		say(std.err, err)
	}
	if err := c.write(file, human, o.Out, r); err != nil {
		return &exitError{exitLost, err}
	}
	if r.ExitCode != exitPass {
		return &exitError{code: r.ExitCode}
	}
	return nil
}

func usageError(err error) error { return &exitError{exitUsage, errors.New(source.Describe(err))} }

// title is what the first line of a search says.
func (c *capacityCmd) title(o *runner.CapacityOptions) string {
	s := o.Documents[0].Cells[0].Scenario
	return fmt.Sprintf("bench capacity %s  driver %s  load %s", s.Name, s.Proxy.Driver, o.Load)
}

// write writes the files and prints the summary.
// What can be written is, even when some of it cannot: the search took its time.
func (c *capacityCmd) write(file io.WriteCloser, human *os.File, dir string, r *result.Capacity) error {
	names, err := reports.WriteCapacity(dir, r)
	where := fmt.Sprintf("%s in %s; what each trial measured is below it", strings.Join(names, ", "), dir)
	return errors.Join(err, writeJSON(file, r), report.Print(human, r, where, c.ASCII))
}

// options reads the flags that need no scenario.
func (c *capacityCmd) options() (*runner.CapacityOptions, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	o := &runner.CapacityOptions{
		Objectives: c.Objective, Repeat: c.Repeat, KeepDisturbed: c.Keep, Self: []string{self}, Command: commandLine(os.Args), Tool: tool(),
	}
	if o.Hub, err = hubOf(c.Hub); err != nil {
		return nil, err
	}
	for _, f := range []struct {
		flag, text string
		into       *float64
	}{{"from", c.From, &o.Search.From}, {"to", c.To, &o.Search.To}, {"need", c.Need, &o.Need}} {
		if f.text == "" {
			continue
		}
		if *f.into, err = units.ParseRate(f.text); err != nil {
			return nil, fmt.Errorf("--%s: %w", f.flag, err)
		}
		if *f.into <= 0 {
			return nil, fmt.Errorf("--%s: want a rate above 0, not %s", f.flag, f.text)
		}
	}
	number, ok := strings.CutSuffix(c.Precision, "%")
	percent, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	switch {
	case !ok || err != nil || !(percent >= 1 && percent <= 25): // NaN is not either
		return nil, fmt.Errorf("--precision: from 1%% to 25%%, not %q", c.Precision)
	case o.Search.From > 0 && o.Search.To > 0 && o.Search.From >= o.Search.To:
		return nil, fmt.Errorf("--from %s is not below --to %s", c.From, c.To)
	case c.Within < 10*time.Second:
		return nil, fmt.Errorf("--within: at least 10s, not %v", c.Within)
	case c.Repeat < 1 || c.Repeat > 20:
		return nil, fmt.Errorf("--repeat: from 1 to 20, not %d", c.Repeat)
	}
	o.Search.Precision, o.Search.Within = percent/100, c.Within.Seconds()
	return o, nil
}

// prepare reads the scenario, at each value of the axis.
func (c *capacityCmd) prepare(o *runner.CapacityOptions) error {
	settings, err := parseSettings(c.Set)
	if err != nil {
		return err
	}
	if c.Driver != "" {
		settings = append(settings, document.Setting{Key: "proxy.driver", Value: c.Driver})
	}
	find := func(more ...document.Setting) (*document.Document, error) {
		return scenarios.Find(c.Scenario, document.Options{Set: append(slices.Clone(settings), more...), Seed: c.Seed})
	}
	doc, err := find()
	if err != nil {
		return err
	}
	var once []document.Setting
	if doc.Cells[0].Scenario.Repeat > 1 {
		once = append(once, document.Setting{Key: "repeat", Value: "1"}) // trials are repeated anyway
		if doc, err = find(once...); err != nil {
			return err
		}
	}
	var points [][]document.Setting
	if o.Axis, o.Values, points, err = c.axis(doc); err != nil {
		return err
	}
	for _, point := range points {
		if doc, err = find(append(slices.Clone(once), point...)...); err != nil {
			return err
		}
		if len(doc.Cells) > 1 {
			var names []string
			for _, a := range doc.Axes {
				names = append(names, a.Name)
			}
			return fmt.Errorf("%s: the scenario has %d combinations of %s: set one value of each, as in --set %s=%s, or search all of one by --axis %s",
				doc.File, len(doc.Cells), strings.Join(names, ", "), names[0], doc.Axes[0].Values[0], names[0])
		}
		if why := doc.Cells[0].Obstacle; why != "" {
			return fmt.Errorf("%s: %s: %s", doc.File, doc.Cells[0].Name, why)
		}
		o.Documents = append(o.Documents, doc)
	}
	s := o.Documents[0].Cells[0].Scenario
	if o.Load, err = c.load(s); err != nil {
		return err
	}
	if len(o.Objectives) == 0 {
		o.Objectives = objectivesOf(s)
	}
	if len(o.Objectives) == 0 {
		return errors.New("what must hold? Give it by --objective 'response.p99 < 20ms'; the scenario has no objective without a window or an event")
	}
	return nil
}

// axis reads --axis: a key with its values, or an axis of the matrix, which has values
// of its own.
func (c *capacityCmd) axis(doc *document.Document) (name string, values []string, points [][]document.Setting, err error) {
	switch len(c.Axis) {
	case 0:
		return "", nil, [][]document.Setting{nil}, nil
	case 1:
	default:
		return "", nil, nil, fmt.Errorf("--axis: one is possible, not %s", strings.Join(c.Axis, " and "))
	}
	name, list, given := strings.Cut(c.Axis[0], "=")
	i := slices.IndexFunc(doc.Axes, func(a result.Axis) bool { return a.Name == name })
	switch {
	case given:
		if name == "" {
			return "", nil, nil, fmt.Errorf("--axis %s: write it as KEY=VALUE,VALUE", c.Axis[0])
		}
		for v := range strings.SplitSeq(list, ",") {
			if v = strings.TrimSpace(v); v == "" || slices.Contains(values, v) {
				return "", nil, nil, fmt.Errorf("--axis %s: a value is empty, or given twice", c.Axis[0])
			}
			values = append(values, v)
		}
	case i >= 0:
		values = doc.Axes[i].Values
	default:
		return "", nil, nil, fmt.Errorf("--axis %s: write it as KEY=VALUE,VALUE, or name an axis of the scenario's matrix", c.Axis[0])
	}
	for _, v := range values {
		set := document.Setting{Key: name, Value: v}
		if i >= 0 {
			set.Value = strconv.Quote(v) // as it is, whatever YAML would make of it
		}
		points = append(points, []document.Setting{set})
	}
	return name, values, points, nil
}

// load is the load whose rate is searched.
func (c *capacityCmd) load(s *format.Scenario) (string, error) {
	var names []string
	for i := range s.Load {
		l := &s.Load[i]
		names = append(names, l.Name)
		if l.Name == c.Load || c.Load == "" && len(s.Load) == 1 {
			if l.Arrival == "trace" {
				return "", fmt.Errorf("load %s replays a trace, whose times are its own: there is no rate to search", l.Name)
			}
			return l.Name, nil
		}
	}
	if c.Load == "" {
		return "", fmt.Errorf("the scenario has the loads %s: say whose rate is searched by --load NAME", strings.Join(names, ", "))
	}
	return "", fmt.Errorf("--load %s: the scenario has no such load, it has %s", c.Load, strings.Join(names, ", "))
}

// objectivesOf are those of a scenario that speak of a time in which nothing happens.
func objectivesOf(s *format.Scenario) []string {
	var all []string
	for _, obj := range s.Objectives {
		if e, w, err := s.ParseObjective(obj); err == nil && w == nil && s.Undecidable(e) == "" {
			all = append(all, obj.Expr)
		}
	}
	return all
}

// capacityLive shows a search on the console.
type capacityLive struct {
	console *report.Console
	title   string
	trials  int
}

// Search implements runner.CapacityLive.
func (l *capacityLive) Search(value string, objectives, notes []string) {
	l.trials = 0
	l.console.Begin(value, l.title, objectives, notes)
}

// Trial implements runner.CapacityLive.
func (l *capacityLive) Trial(rate, seconds float64) {
	l.trials++
	l.console.Trial(l.trials, rate, seconds)
}

// Tried implements runner.CapacityLive.
func (l *capacityLive) Tried(p *capacity.Progress) { l.console.Tried(p.Trial, p.Low, p.High, p.Left) }
