package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"bench/internal/doctor"
)

// doctorCmd shows what this machine offers.
type doctorCmd struct {
	JSON  bool `name:"json" help:"Print JSON."`
	Probe bool `hidden:"" help:"Try netem here; run in a namespace of its own."`
}

func (c *doctorCmd) Run(std *streams) error {
	if c.Probe {
		return doctor.ProbeNetem()
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	all := doctor.Examine(context.Background(), []string{self, "doctor", "--probe"})
	if c.JSON {
		e := json.NewEncoder(std.out)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		return e.Encode(all)
	}
	for _, f := range all {
		fmt.Fprintf(std.out, "%-8s %-16s %s\n", f.Grade, f.Name, f.Found)
		if f.Cost != "" {
			fmt.Fprintf(std.out, "%-8s %-16s costs: %s\n%-8s %-16s remedy: %s\n", "", "", f.Cost, "", "", f.Remedy)
		}
	}
	return nil
}
