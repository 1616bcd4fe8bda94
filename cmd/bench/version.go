package main

import (
	"cmp"
	"fmt"

	"bench/scenarios/format"
)

// versionCmd says which program this is.
type versionCmd struct{}

func (*versionCmd) Run(std *streams) error {
	t := tool()
	_, err := fmt.Fprintf(std.out, "bench %s (%s), %s\n", t.Version, cmp.Or(t.Commit, "commit unknown"), t.Go)
	return err
}

// schemaCmd prints the schema of scenarios.
type schemaCmd struct{}

// Help says what to do with it.
func (*schemaCmd) Help() string {
	return `Editors that know JSON Schema complete and check scenarios by it:

  bench schema > scenario.schema.json

and, as the first line of a scenario,

  # yaml-language-server: $schema=scenario.schema.json`
}

func (*schemaCmd) Run(std *streams) error {
	_, err := std.out.Write(format.Schema())
	return err
}
