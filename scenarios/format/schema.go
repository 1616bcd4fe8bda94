package format

import _ "embed"

//go:embed scenario.schema.json
var schemaText []byte

// Schema is the JSON Schema of scenario files. A test holds it to the types.
func Schema() []byte { return schemaText }
