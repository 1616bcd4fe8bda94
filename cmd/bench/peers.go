package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"bench/scenarios/sidebyside"
)

// peersCmd measures the engine and the generator against other programs.
type peersCmd struct {
	Rounds     int           `default:"3" help:"ABBA rounds for each row."`
	Duration   time.Duration `default:"2s" help:"Length of one measurement."`
	SubjectCPU int           `default:"0" help:"CPU of the program that is measured."`
	LoadCPU    int           `default:"1" help:"CPU of everything else."`
	Row        []string      `sep:"none" help:"Only these rows."`
	Markdown   string        `placeholder:"FILE" help:"Write the tables with their method to this file, too."`
	JSON       string        `name:"json" placeholder:"FILE" help:"Write the samples as JSON."`
}

func (c *peersCmd) Run(std *streams) error {
	ctx, stop := untilSignal()
	defer stop()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	options := sidebyside.Options{
		Self: self, Rounds: c.Rounds, Duration: c.Duration, SubjectCPU: c.SubjectCPU, LoadCPU: c.LoadCPU, Rows: c.Row,
		Progress: func(text string) { fmt.Fprintln(std.err, text) },
	}
	rows, err := sidebyside.Run(ctx, options)
	var tails []sidebyside.TailRow
	if err == nil {
		tails, err = sidebyside.MeasureTail(ctx, options)
	}
	var idle []sidebyside.IdleRow
	if err == nil {
		idle, err = sidebyside.MeasureIdle(ctx, options, sidebyside.IdleCounts())
	}
	if ctx.Err() != nil {
		return &exitError{exitInterrupted, ctx.Err()}
	}
	if err != nil {
		return &exitError{exitLost, err}
	}
	if c.JSON != "" {
		text, err := json.MarshalIndent(map[string]any{"machine": sidebyside.Machine(ctx), "rows": rows, "tails": tails, "idle": idle}, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(c.JSON, append(text, '\n'), 0o644); err != nil {
			return err
		}
	}
	tables := []table{contestTable(rows), tailTable(tails), idleTable(idle)}
	if c.Markdown != "" {
		if err := os.WriteFile(c.Markdown, c.document(sidebyside.Machine(ctx), tables), 0o644); err != nil {
			return err
		}
	}
	for _, t := range tables {
		if err := t.print(std.out); err != nil {
			return err
		}
	}
	return nil
}
