package engine_test

import (
	"strings"
	"testing"

	check "github.com/santhosh-tekuri/jsonschema/v6"

	"bench/internal/testpeer"
)

// What "show info" and "show stat" write as JSON is as "show schema json" says, by a validator,
// in both programs. Of statistics the schema describes a row only, of which the reference
// writes a list.
func TestJSONHasItsSchema(t *testing.T) {
	p := startPair(t, fieldsConfig)
	testpeer.Listening(t, p.ours+"/stats")
	parse := func(text string) any {
		v, err := check.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatalf("%v in %.200q", err, text)
		}
		return v
	}
	theirs, ours := p.both(t, "stats", "show schema json")
	for i, schema := range []string{theirs, ours} {
		c := check.NewCompiler()
		if err := c.AddResource("schema.json", parse(schema)); err != nil {
			t.Fatal(err)
		}
		info, err := c.Compile("schema.json")
		if err != nil {
			t.Fatal(err)
		}
		row, err := c.Compile("schema.json#/oneOf/1")
		if err != nil {
			t.Fatal(err)
		}
		answer := func(command string) any {
			theirs, ours := p.both(t, "stats", command)
			return parse([]string{theirs, ours}[i])
		}
		if err := info.Validate(answer("show info json")); err != nil {
			t.Errorf("program %d, show info json: %v", i, err)
		}
		rows, ok := answer("show stat json").([]any)
		if !ok || len(rows) < 3 {
			t.Fatalf("program %d, show stat json: %d rows", i, len(rows))
		}
		for _, r := range rows {
			if err := row.Validate(r); err != nil {
				t.Errorf("program %d, show stat json: %v", i, err)
				break
			}
		}
		if err := row.Validate([]any{map[string]any{"field": 1}}); err == nil {
			t.Errorf("program %d: the schema takes anything", i)
		}
	}
}
