package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"text/tabwriter"

	"bench/scenarios"
	"bench/scenarios/document"
)

// listCmd lists the built-in scenarios.
type listCmd struct{}

func (*listCmd) Run(std *streams) error {
	w := tabwriter.NewWriter(std.out, 0, 0, 2, ' ', 0)
	for _, b := range scenarios.BuiltIns() {
		doc, err := document.Parse(b.Name+".yaml", b.Text, document.Options{})
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%s\t%s\n", b.Name, doc.Cells[0].Scenario.Description)
	}
	return w.Flush()
}

// initCmd writes out a built-in scenario.
type initCmd struct {
	Name   string `arg:"" help:"Name of the scenario; see bench list."`
	Output string `short:"o" placeholder:"FILE" help:"File to write; NAME.yaml if not given. It must not exist."`
}

func (c *initCmd) Run(std *streams) error {
	b, err := scenarios.BuiltIn(c.Name)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	if c.Output == "" {
		c.Output = c.Name + ".yaml"
	}
	f, err := os.OpenFile(c.Output, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return &exitError{exitUsage, fmt.Errorf("%s exists already; choose another file with -o", c.Output)}
	}
	if err != nil {
		return &exitError{exitUsage, err}
	}
	_, err = f.Write(b.Text)
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(c.Output))
	}
	fmt.Fprintf(std.out, "wrote %s; run it with: bench run %s\n", c.Output, c.Output)
	return nil
}
