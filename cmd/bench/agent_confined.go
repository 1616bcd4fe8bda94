package main

import "bench/internal/confine"

// agentConfinedCmd becomes a program that may write in one directory only, and start no other
// programs than those that are named.
type agentConfinedCmd struct {
	May     []string `placeholder:"PATH" sep:"none" help:"A program that it may start."`
	Dir     string   `arg:"" help:"Directory that it may write in."`
	Command []string `arg:"" passthrough:"" help:"Program with its arguments."`
}

// Run returns on errors only.
func (c *agentConfinedCmd) Run() error {
	return confine.Exec(c.Dir, c.May, c.Command)
}
