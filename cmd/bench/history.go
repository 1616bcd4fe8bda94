package main

import (
	"encoding/json"
	"errors"
	"os"

	"bench/internal/result"
	"bench/reports/page"
	"bench/reports/trend"
	"bench/scenarios/history"
)

// historyCmd follows measures over many recorded runs.
type historyCmd struct {
	Dirs      []string `arg:"" name:"dir" type:"existingdir" help:"Result folders, or folders with such in them at any depth."`
	Reference string   `placeholder:"KEY=VALUE,..." help:"Divide by this cell of the same run: an axis of the matrix and its value, or proxy.driver=NAME."`
	Measure   []string `sep:"none" placeholder:"NAME" help:"A measure, a pattern with *, or a metric of objectives; may be given several times. Without it, the measures of all loads together."`
	AnyHost   bool     `help:"Take hosts with the same processors for one, as where each job of CI has a host of its own."`
	JSON      string   `name:"json" placeholder:"FILE" help:"Write the history as JSON; - is the standard output."`
	HTML      string   `name:"html" placeholder:"FILE" help:"Write a page with charts."`
	ASCII     bool     `name:"ascii" help:"Print no character beyond ASCII."`
}

// Help gives examples.
func (*historyCmd) Help() string {
	return `
The runs are put in the order of their start, and each measure is searched for changes
of its level: a change is named by the run it began with (its --label, else the commit of
bench, else the folder), with the level before and after, and with what else changed in
that run. It takes ten runs, five on either side, to see one.

Runs that had something else to do, of another driver, host or processor are shown
apart. INVALID and PARTIAL runs do not count.

Absolute values move with the machine and the day. Let the scenario run a proxy that
does not change beside the one that does, and divide by it:

  matrix: {driver: [builtin, haproxy]}      # in the scenario
  proxy: {driver: "${driver}"}

Examples:
  bench run scenario.yaml --label $(git rev-parse --short HEAD) -o results/$(date +%s)
  bench history results
  bench history results --reference driver=haproxy --html history.html
  bench history results --measure response.p99 --measure 'clients.*'
  bench history results --measure 'service.p99.9' --json -

Exit codes: 0 shown; 2 usage, or no run to show; 6 a file could not be written.`
}

func (c *historyCmd) Run(std *streams) error {
	options := history.Options{Measures: c.Measure, AnyHost: c.AnyHost}
	if c.Reference != "" {
		var err error
		if options.Reference, err = history.ParseSettings(c.Reference); err != nil {
			return &exitError{exitUsage, err}
		}
	}
	h, err := history.Read(c.Dirs, options)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	h.Tool, h.Command = tool(), commandLine(os.Args)
	human := std.out
	if c.JSON == "-" {
		human = std.err
	}
	if err := errors.Join(c.write(std, h), trend.Print(human, h, c.ASCII)); err != nil {
		return &exitError{exitLost, err}
	}
	if len(h.Groups) == 0 {
		return &exitError{exitUsage, errors.New("none of the runs counts")}
	}
	return nil
}

// write writes what was asked for as files.
func (c *historyCmd) write(std *streams, h *result.History) error {
	text, err := json.MarshalIndent(h, "", "  ")
	if err != nil {
		return err
	}
	sheet, err := page.History(h)
	if err != nil {
		return err
	}
	return errors.Join(std.put(c.JSON, append(text, '\n')), std.put(c.HTML, sheet))
}
