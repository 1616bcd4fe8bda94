package stats

import (
	_ "embed"
	"slices"
)

//go:embed schema.json
var schema []byte

// Schema describes the JSON that "show info" and "show stat" write, as a JSON schema.
func Schema() []byte { return slices.Clone(schema) }
