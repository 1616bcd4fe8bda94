package series_test

import "testing"

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
