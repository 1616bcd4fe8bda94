package main

import (
	"fmt"
	"path/filepath"

	"bench/reports"
	"bench/reports/compare"
)

// reportCmd renders a result folder again.
type reportCmd struct {
	Dir    string   `arg:"" type:"existingdir" help:"Result folder of a run, of a comparison, or of a search for a capacity."`
	Format []string `sep:"," placeholder:"FORMAT,..." enum:"html,md,json,junit,hlog,csv,openmetrics,benchstat,badge,svg" help:"Formats to write: html, md, json, junit, hlog, csv, openmetrics, benchstat, badge; of a comparison html, md, svg, junit, openmetrics, benchstat; of a search for a capacity html, md, svg. All but json if not given."`
}

// Help is the rest of the help text.
func (*reportCmd) Help() string {
	return `The folder of a run that was killed is rendered as far as it goes, to a second
before its end, and called PARTIAL.`
}

func (c *reportCmd) Run(std *streams) error {
	render := reports.Render
	switch {
	case compare.Is(c.Dir):
		render = compare.Render
	case reports.IsCapacity(c.Dir):
		render = reports.RenderCapacity
	}
	files, err := render(c.Dir, c.Format)
	for _, f := range files {
		fmt.Fprintln(std.out, filepath.Join(c.Dir, f))
	}
	if err != nil {
		return &exitError{exitUsage, err}
	}
	return nil
}
