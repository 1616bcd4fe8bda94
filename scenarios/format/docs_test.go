package format

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"bench/loadgen/abuse"
	"bench/scenarios/objective"
)

// The page on scenarios names every action with its arguments and every metric.
func TestDocumentation(t *testing.T) {
	text, err := os.ReadFile("../../docs/SCENARIOS.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	if row := regexp.MustCompile(`\|\n\n\|.*\n\|[^-\n]*\w`).FindString(page); row != "" {
		t.Errorf("a table without a head: %q", row)
	}
	for _, a := range Actions() {
		var args []string
		for _, arg := range append(a.Needs, a.Allows...) {
			if a.OnWire() && slices.Contains(wireArgs, arg) {
				continue // said once for all of them
			}
			args = append(args, "`"+arg+"`")
		}
		if row := strings.TrimSuffix("| `"+a.Name+"` | "+strings.Join(args, ", "), " ") + " |"; !strings.Contains(page, row) {
			t.Errorf("no row %q", row)
		}
	}
	if common := "`" + strings.Join(wireArgs, "`, `") + "`"; !strings.Contains(page, common) {
		t.Errorf("nothing about %s", common)
	}
	for _, name := range abuse.Kinds() {
		_, options := abuse.Doc(name)
		row := "| `" + name + "` | "
		if len(options) > 0 {
			row += "`" + strings.Join(options, "`, `") + "` "
		}
		if row += "|"; !strings.Contains(page, row) {
			t.Errorf("no row %q", row)
		}
	}
	for _, m := range objective.AbuseMetrics() {
		m = strings.NewReplacer("pN", "p99", "CODE", "408").Replace(m)
		if !strings.Contains(page, "`"+m+"`") {
			t.Errorf("nothing is said of %s", m)
		}
	}
	for _, m := range objective.Metrics() {
		m = strings.TrimSuffix(strings.Replace(m, "pN", "p99", 1), ".max")
		if !strings.Contains(page, "`"+m) {
			t.Errorf("nothing is said of %s", m)
		}
	}
}

// The kinds of abuse a scenario may have are those there are.
func TestAbuseKinds(t *testing.T) {
	f, _ := reflect.TypeFor[Abuse]().FieldByName("Kind")
	if got, want := f.Tag.Get("enum"), strings.Join(abuse.Kinds(), ","); got != want {
		t.Errorf("kinds %s, want %s", got, want)
	}
}
