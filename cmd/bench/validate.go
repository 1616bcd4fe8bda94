package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"bench/scenarios"
	"bench/scenarios/document"
	"bench/scenarios/runner"
	"bench/scenarios/source"
)

// validateCmd checks scenarios without running them.
type validateCmd struct {
	Files []string `arg:"" name:"scenario" help:"Scenario files or names of built-in scenarios."`
	Set   []string `placeholder:"KEY=VALUE" sep:"none" help:"Set a variable, an axis of the matrix, or any place in the scenario by its path."`
}

func (c *validateCmd) Run(std *streams) error {
	settings, err := parseSettings(c.Set)
	if err != nil {
		return err
	}
	ctx, stop := untilSignal()
	defer stop()
	bad := 0
	for _, file := range c.Files {
		doc, err := scenarios.Find(file, document.Options{Set: settings})
		if err != nil {
			fmt.Fprintln(std.err, source.Describe(err))
			bad++
			continue
		}
		notes, err := check(ctx, doc)
		if err != nil {
			fmt.Fprintln(std.err, source.Describe(err))
			bad++
			continue
		}
		for _, w := range append(doc.Warnings, notes...) {
			fmt.Fprintf(std.err, "%s: warning: %s\n", file, w)
		}
		for _, w := range document.Outside(doc) {
			fmt.Fprintf(std.err, "%s: warning: %s is outside the run's folder, and another proxy may be using it: bench run refuses it without --allow-outside\n", file, w)
		}
		noun := "cells"
		if len(doc.Cells) == 1 {
			noun = "cell"
		}
		fmt.Fprintf(std.out, "%s: valid, %d %s of %v\n", file, len(doc.Cells), noun, doc.Cells[0].Scenario.Length())
	}
	if bad > 0 {
		return &exitError{code: exitUsage}
	}
	return nil
}

// check lets the proxies of a scenario check their configurations.
func check(ctx context.Context, doc *document.Document) (notes []string, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return runner.Check(ctx, doc, []string{self})
}

// parseSettings reads the --set flags.
func parseSettings(texts []string) ([]document.Setting, error) {
	var all []document.Setting
	var failed error
	for _, text := range texts {
		s, err := document.ParseSetting(text)
		failed = errors.Join(failed, err)
		all = append(all, s)
	}
	if failed != nil {
		return nil, &exitError{exitUsage, failed}
	}
	return all, nil
}
