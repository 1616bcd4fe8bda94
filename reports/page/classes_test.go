package page

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"bench/reports/series"
)

// The page's script knows the classes of errors by the same names.
func TestScriptKnowsAllClasses(t *testing.T) {
	text, err := os.ReadFile("script.js")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for c := range len(series.Errors{}) {
		names = append(names, strconv.Quote(series.Class(c).Name()))
	}
	if want := "const CLASSES = [" + strings.Join(names, ", ") + "];"; !strings.Contains(string(text), want) {
		t.Errorf("script.js does not hold %s", want)
	}
}
