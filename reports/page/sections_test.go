package page

import (
	"slices"
	"testing"
)

func TestSectionsHaveTemplates(t *testing.T) {
	files, err := sectionSources.ReadDir("sections")
	if err != nil {
		t.Fatal(err)
	}
	var have, want []string
	for _, f := range files {
		have = append(have, f.Name())
	}
	for _, s := range sections() {
		want = append(want, s.name+".tmpl")
	}
	slices.Sort(want)
	if !slices.Equal(have, want) {
		t.Errorf("the templates are %q, the sections want %q", have, want)
	}
}
