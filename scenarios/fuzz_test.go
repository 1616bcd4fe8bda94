package scenarios

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"bench/scenarios/document"
	"bench/scenarios/source"
)

// FuzzParse looks for panics, for errors without a place, and for scenarios
// whose resolved text means something else.
func FuzzParse(f *testing.F) {
	for _, b := range BuiltIns() {
		f.Add(b.Text)
	}
	f.Add(example(f))
	files, err := filepath.Glob("testdata/broken/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		doc, err := document.Parse("fuzz.yaml", text, document.Options{})
		if err != nil {
			var all source.Errors
			if !errors.As(err, &all) || len(all) == 0 {
				t.Fatalf("error %v is not of the scenario", err)
			}
			for _, e := range all {
				if e.Pos.Line < 1 || e.Pos.Col < 1 || e.Msg == "" {
					t.Fatalf("error without a place or message: %+v", e)
				}
			}
			return
		}
		again, err := document.Parse("fuzz.yaml", doc.Resolved, document.Options{})
		if err != nil {
			t.Fatalf("the resolved text is refused: %v\n%s", err, doc.Resolved)
		}
		if string(again.Resolved) != string(doc.Resolved) {
			t.Fatalf("the resolved text is not stable:\n%s\n---\n%s", doc.Resolved, again.Resolved)
		}
	})
}
