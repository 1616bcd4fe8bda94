package reports

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"bench/internal/result"
	"bench/reports/internal/tty"
	"bench/reports/series"
)

// Complete fills in what the reports derive from the tables in dir and the
// final summary shows: the segments of every cell, and the spread of the main figures
// over repetitions.
func Complete(dir string, run *result.Run) error {
	d, err := series.Read(dir, run)
	if err != nil {
		return err
	}
	var cells []*series.Analysis
	for i, c := range d.Cells {
		a := &series.Analysis{Cell: c, Windows: c.Windows(c.Base())}
		a.Segments = c.Segments(a.Windows)
		cells = append(cells, a)
		run.Cells[i].Segments = nil
		for j := range a.Segments {
			run.Cells[i].Segments = append(run.Cells[i].Segments, segmentRecord(&a.Segments[j]))
		}
	}
	run.Spreads = series.Spreads(run, cells)
	return nil
}

// Finish ends a run for its user: it renders the folder and prints the final
// summary on out. What could be done is done and printed even when some of it
// fails.
func Finish(out *os.File, dir string, run *result.Run, ascii bool) error {
	files, err := Render(dir, nil)
	err = errors.Join(err, Complete(dir, run))
	sizes := make(map[string]int64)
	for _, name := range append(files, "run.json") {
		if info, statErr := os.Stat(filepath.Join(dir, name)); statErr == nil {
			sizes[name] = info.Size()
		}
	}
	seen, width := tty.Of(out, ascii)
	o := SummaryOptions{Color: seen.Color, ASCII: seen.ASCII, Width: width, FileSizes: sizes, Dir: dir}
	_, printErr := io.WriteString(out, Summary(run, o))
	return errors.Join(err, printErr)
}

func segmentRecord(s *series.Segment) result.Segment {
	out := result.Segment{
		Name: s.Name, LengthUs: s.LengthUs, Offered: s.Offered, Good: s.Good, Failed: s.Errors.Total(),
		Response: result.Latency{Unit: "us", Count: s.OK.N(), Max: s.OK.Max()},
	}
	for _, c := range s.Errors.Classes() {
		if out.Errors == nil {
			out.Errors = make(map[string]uint64)
		}
		out.Errors[c.Name()] = s.Errors[c]
	}
	for q, v := range map[float64]*float64{0.5: &out.Response.P50, 0.9: &out.Response.P90, 0.99: &out.Response.P99, 0.999: &out.Response.P999} {
		*v, _ = s.Shown(q)
	}
	return out
}
