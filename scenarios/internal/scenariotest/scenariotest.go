// Package scenariotest is what tests of scenarios have in common.
package scenariotest

import (
	"encoding/json"
	"flag"
	"os"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bench/scenarios/source"
)

// Typed is a tree as an editor sees it.
func Typed(n *source.Node) any {
	switch n.Kind {
	case source.MapNode:
		m := map[string]any{}
		for _, e := range n.Entries {
			m[e.Key] = Typed(e.Value)
		}
		return m
	case source.SeqNode:
		list := []any{}
		for _, item := range n.Items {
			list = append(list, Typed(item))
		}
		return list
	case source.NullNode:
		return nil
	case source.ScalarNode:
	}
	if n.Plain {
		if v, err := strconv.ParseFloat(n.Text, 64); err == nil {
			return json.Number(strconv.FormatFloat(v, 'f', -1, 64))
		}
		if v, err := strconv.ParseBool(n.Text); err == nil {
			return v
		}
	}
	return n.Text
}

var update = flag.Bool("update", false, "write the golden files anew")

// Golden compares got with a file, or writes the file with -update.
func Golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; run the test with -update", err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-want +got); run the test with -update if that is right:\n%s", file, diff)
	}
}
