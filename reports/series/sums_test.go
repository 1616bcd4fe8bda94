package series_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bench/internal/result"
	"bench/reports/series"
)

// The parts of a cell add up to what its loads say of the measured time: a request
// belongs to where it was due, however it ended.
func TestSegmentsAddUpToTheLoads(t *testing.T) {
	for _, name := range []string{"stop", "all-errors", "one-sample", "reloads", "matrix"} {
		for _, c := range open(t, name).Cells {
			var offered, ok, failed, good, requests, completed, failures, within uint64
			for _, s := range c.Segments(c.Windows(c.Base())) {
				offered, ok, failed, good = offered+s.Offered, ok+s.OK.N(), failed+s.Errors.Total(), good+s.Good
			}
			for i := range c.Loads {
				l := &c.Loads[i]
				requests, completed, failures, within = requests+l.Requests, completed+l.Completed, failures+l.Failed, within+l.GoodWithin
			}
			if offered != requests || ok != completed || failed != failures || good != within {
				t.Errorf("%s %s: segments hold %d offered, %d ok, %d failed, %d good; the loads %d, %d, %d, %d",
					name, c.Name, offered, ok, failed, good, requests, completed, failures, within)
			}
		}
	}
}

// While one load warms up, another one may measure: what each does belongs to the
// totals of its own.
func TestALoadThatWarmsUpBesideAnotherIsLeftOut(t *testing.T) {
	dir := t.TempDir()
	phase := func(name string, start, length int64, measured bool) result.Phase {
		return result.Phase{Name: name, StartUs: start, LengthUs: length, Measured: measured}
	}
	run := &result.Run{Version: 1, Cells: []*result.Cell{{
		Name: "run", Phases: []result.Phase{phase("all", 0, 300_000, true), phase("warm-up", 0, 100_000, false), phase("steady", 100_000, 200_000, true)},
	}}}
	var lines []string
	for i, name := range []string{"warm-up", "steady", "steady"} {
		for load, phase := range map[string]string{"late": name, "early": "all"} {
			lines = append(lines, fmt.Sprintf(`{"cell":"run","load":%q,"phase":%q,"startUs":%d,"lengthUs":100000,"offered":10,"completed":10,"good":3,"errors":{"timeout":7}}`, load, phase, i*100_000))
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "timeline.jsonl"), []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := series.Read(dir, run)
	if err != nil {
		t.Fatal(err)
	}
	c := d.Cells[0]
	all := c.Segments(nil)
	if len(all) != 1 || all[0].Offered != 50 || all[0].Good != 15 || all[0].Errors.Total() != 35 || all[0].LengthUs != 300_000 {
		t.Errorf("%+v", all)
	}
	if c.Slots[0].Offered != 20 { // what charts show
		t.Errorf("%+v", c.Slots[0])
	}
}
