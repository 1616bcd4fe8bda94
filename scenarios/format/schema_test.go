package format

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"strings"
	"testing"

	"github.com/invopop/jsonschema"

	"bench/scenarios/internal/scenariotest"
	"bench/scenarios/source"
)

// schemaFile is what editors read; see CONTRIBUTING for how to point one at it.
const schemaFile = "scenario.schema.json"

// The committed schema is the one the types give: run with -update to write it.
func TestSchemaIsUpToDate(t *testing.T) {
	scenariotest.Golden(t, schemaFile, generateSchema(t))
}

// orReference lets ${name} stand for any value that is not a text anyway.
func orReference(s *jsonschema.Schema) *jsonschema.Schema {
	return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{s, {Type: "string", Pattern: `\$\{.*\}`}}}
}

// quantity is a text, or the number 0, which needs no unit.
func quantity(example string) *jsonschema.Schema {
	return &jsonschema.Schema{
		AnyOf:    []*jsonschema.Schema{{Type: "string"}, {Type: "number"}},
		Examples: []any{example},
	}
}

// scalarSchema describes the types that read their own text.
func scalarSchema(t reflect.Type) *jsonschema.Schema {
	switch t {
	case reflect.TypeFor[Duration]():
		return quantity("500ms")
	case reflect.TypeFor[Size]():
		return quantity("1KiB")
	case reflect.TypeFor[Distribution]():
		return quantity("lognormal(2ms, 0.5)")
	case reflect.TypeFor[Rate]():
		return &jsonschema.Schema{Type: "string", Examples: []any{"0..2000/s"}}
	case reflect.TypeFor[PerSecond]():
		return &jsonschema.Schema{Type: "string", Examples: []any{"100/s"}}
	case reflect.TypeFor[Percent]():
		return &jsonschema.Schema{Type: "string", Examples: []any{"2%"}}
	case reflect.TypeFor[Pairs]():
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{
			{Type: "integer", Minimum: "2", Maximum: "1000"}, {Const: "auto"}, {Type: "string", Pattern: `\$\{.*\}`},
		}}
	case reflect.TypeFor[Pool]():
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{
			{Type: "integer", Minimum: "1"}, {Const: "unlimited"}, {Type: "string", Pattern: `\$\{.*\}`},
		}}
	case reflect.TypeFor[map[string][]string]():
		return &jsonschema.Schema{Type: "object", AdditionalProperties: &jsonschema.Schema{
			Type: "array", MinItems: new(uint64(1)), Items: &jsonschema.Schema{Type: scalarTypes},
		}}
	case reflect.TypeFor[map[string]string]():
		return &jsonschema.Schema{Type: "object", AdditionalProperties: &jsonschema.Schema{Type: scalarTypes}}
	}
	return nil
}

// scalarTypes marks a place where any scalar goes; it is replaced by a list of
// types, which the generator cannot express.
const scalarTypes = "SCALAR"

func generateSchema(t *testing.T) []byte {
	t.Helper()
	r := &jsonschema.Reflector{FieldNameTag: "yaml", Mapper: scalarSchema, Anonymous: true, RequiredFromJSONSchemaTags: true}
	if err := r.AddGoComments("bench/scenarios/format", ".", jsonschema.WithFullComment()); err != nil {
		t.Fatal(err)
	}
	if err := r.AddGoComments("bench/backends/mysqlorigin", "../../backends/mysqlorigin", jsonschema.WithFullComment()); err != nil {
		t.Fatal(err)
	}
	// The library joins the import path with the directory of the files.
	for name, text := range maps.Clone(r.CommentMap) {
		name = strings.Replace(name, "bench/scenarios/format/.", "bench/scenarios/format", 1)
		name = strings.Replace(name, "bench/backends/mysqlorigin/../../backends/mysqlorigin", "bench/backends/mysqlorigin", 1)
		r.CommentMap[name] = strings.Join(strings.Fields(text), " ")
	}
	s := r.Reflect(&Scenario{})
	for _, typ := range mappings(reflect.TypeFor[Scenario]()) {
		refine(s.Definitions[typ.Name()], typ)
	}
	// An objective may be its expression alone.
	object := s.Definitions["Objective"]
	s.Definitions["Objective"] = &jsonschema.Schema{
		Description: object.Description,
		AnyOf:       []*jsonschema.Schema{{Type: "string"}, object},
	}
	// A body may be its size alone.
	object = s.Definitions["Content"]
	s.Definitions["Content"] = &jsonschema.Schema{
		Description: object.Description,
		AnyOf:       []*jsonschema.Schema{{Type: "string"}, {Type: "number"}, object},
	}
	// A measure may be its name alone.
	object = s.Definitions["CompareMeasure"]
	s.Definitions["CompareMeasure"] = &jsonschema.Schema{
		Description: object.Description,
		AnyOf:       []*jsonschema.Schema{{Type: "string"}, object},
	}
	// Integrity may be on or off alone.
	object = s.Definitions["Integrity"]
	s.Definitions["Integrity"] = &jsonschema.Schema{
		Description: object.Description,
		AnyOf:       []*jsonschema.Schema{{Enum: []any{"on", "off"}}, object},
	}
	s.Title = "bench scenario, version 1"
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.ReplaceAll(text, []byte(`"type": "`+scalarTypes+`"`), []byte(`"type": ["string", "number", "boolean"]`))
	return append(text, '\n')
}

// mappings lists a struct of the format and those that its fields lead to, so that
// none can be forgotten.
func mappings(t reflect.Type) []reflect.Type {
	seen := map[reflect.Type]bool{}
	var all []reflect.Type
	var visit func(reflect.Type)
	visit = func(t reflect.Type) {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
			t = t.Elem()
		}
		if seen[t] || !hasKeys(t) {
			return
		}
		seen[t] = true
		all = append(all, t)
		for _, f := range fieldsOf(t) {
			visit(t.Field(f.index).Type)
		}
	}
	visit(t)
	return all
}

// refine adds to a struct's schema what its tags say.
func refine(s *jsonschema.Schema, t reflect.Type) {
	s.Required = nil
	for _, f := range fieldsOf(t) {
		if f.required {
			s.Required = append(s.Required, f.key)
		}
		p, ok := s.Properties.Get(f.key)
		if !ok {
			continue
		}
		description := p.Description
		switch {
		case f.enum != nil:
			var words []any
			for _, word := range f.enum {
				words = append(words, word)
			}
			p = orReference(&jsonschema.Schema{Enum: words})
		case p.Type == "integer" || p.Type == "number" || p.Type == "boolean":
			p.Description = ""
			p = orReference(p)
		}
		p.Description = description
		if f.fallback != "" {
			p.Default = scenariotest.Typed(&source.Node{Kind: source.ScalarNode, Text: f.fallback, Plain: true})
		}
		s.Properties.Set(f.key, p)
	}
}
