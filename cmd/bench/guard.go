package main

import (
	"bench/chaos"
	"bench/internal/proc"
)

// guardCmd is the process that outlives a killed run to undo it.
type guardCmd struct{}

func (*guardCmd) Run(std *streams) error {
	return proc.Guard(std.in, func(journal string) error {
		_, err := chaos.Recover(journal)
		return err
	})
}
