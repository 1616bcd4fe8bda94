package scenarios

import (
	"os"
	"strings"
	"testing"

	"bench/scenarios/objective"
)

// The page on scenarios names every action with its arguments and every metric.
func TestDocumentation(t *testing.T) {
	text, err := os.ReadFile("../docs/SCENARIOS.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	for _, a := range Actions() {
		var args []string
		for _, arg := range append(a.Needs, a.Allows...) {
			args = append(args, "`"+arg+"`")
		}
		if row := strings.TrimSuffix("| `"+a.Name+"` | "+strings.Join(args, ", "), " ") + " |"; !strings.Contains(page, row) {
			t.Errorf("no row %q", row)
		}
	}
	for _, m := range objective.Metrics() {
		m = strings.TrimSuffix(strings.Replace(m, "pN", "p99", 1), ".max")
		if !strings.Contains(page, "`"+m) {
			t.Errorf("nothing is said of %s", m)
		}
	}
}
