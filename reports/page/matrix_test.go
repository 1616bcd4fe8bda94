package page

import (
	"testing"

	"bench/internal/result"
)

// A combination that could not be run keeps its place, with the reason.
func TestMatrixLeftOut(t *testing.T) {
	run := &result.Run{
		Axes:    []result.Axis{{Name: "poller", Values: []string{"io_uring"}}},
		LeftOut: []result.LeftOut{{Name: "poller=io_uring", Vars: map[string]string{"poller": "io_uring"}, Reason: "this kernel has none"}},
	}
	m := newMatrix(run, nil, nil)
	if len(m.Rows) != 1 || m.Rows[0].Name != "poller io_uring" || m.Rows[0].Cells[0].Missing != "left out: this kernel has none" {
		t.Errorf("%+v", m.Rows)
	}
}
