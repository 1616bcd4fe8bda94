package main

import (
	"fmt"
	"path/filepath"

	"bench/reports"
)

// reportCmd renders a result folder again.
type reportCmd struct {
	Dir    string   `arg:"" type:"existingdir" help:"Result folder of a run."`
	Format []string `sep:"," placeholder:"FORMAT,..." enum:"html,md,json,junit,hlog,csv" help:"Formats to write: html, md, json, junit, hlog, csv; all but json if not given."`
}

func (c *reportCmd) Run(std *streams) error {
	files, err := reports.Render(c.Dir, c.Format)
	for _, f := range files {
		fmt.Fprintln(std.out, filepath.Join(c.Dir, f))
	}
	if err != nil {
		return &exitError{exitUsage, err}
	}
	return nil
}
