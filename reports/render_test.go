package reports

import (
	"os"
	"testing"

	"bench/reports/internal/fixture"
)

func TestTmp(t *testing.T) {
	for _, n := range []string{"stop", "matrix", "reloads", "hostile", "hour", "partial", "empty", "one-sample", "all-errors", "200-events", "invalid"} {
		dir := "/tmp/fx/" + n
		if _, err := os.Stat(dir+"/run.json"); err != nil {
			if err := fixture.Write(n, dir); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := Render(dir, []string{"html"}); err != nil {
			t.Fatal(err)
		}
	}
}
