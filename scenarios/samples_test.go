package scenarios

import (
	"bytes"
	"os"
	"testing"

	check "github.com/santhosh-tekuri/jsonschema/v6"

	"bench/scenarios/format"
	"bench/scenarios/internal/scenariotest"
	"bench/scenarios/source"
)

func schema(t *testing.T) *check.Schema {
	t.Helper()
	doc, err := check.UnmarshalJSON(bytes.NewReader(format.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := check.NewCompiler()
	if err := c.AddResource("scenario.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("scenario.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSamplesMatchSchema(t *testing.T) {
	s := schema(t)
	texts := map[string][]byte{"example": example(t)}
	for _, b := range BuiltIns() {
		texts[b.Name] = b.Text
		texts[b.Name+" resolved"] = parse(t, b.Text).Resolved
	}
	for name, text := range texts {
		root := source.ParseTree(text, source.NewFaults(name, text))
		if err := s.Validate(scenariotest.Typed(root)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The schema finds what an editor should mark while one types.
func TestSchemaRefuses(t *testing.T) {
	s := schema(t)
	for _, name := range []string{
		"unknown-top-key", "unknown-nested-keys", "missing-version", "wrong-driver", "bad-arrival", "scalar-for-list",
		"list-for-mapping", "pool-zero", "not-a-mapping", "null-value", "matrix-empty", "wire-without-name",
	} {
		text, err := os.ReadFile("testdata/broken/" + name + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		if s.Validate(scenariotest.Typed(source.ParseTree(text, source.NewFaults(name, text)))) == nil {
			t.Errorf("%s is valid by the schema", name)
		}
	}
}
