// Package reports shows what a run found: the live console and its final
// summary, and the files rendered from a result folder (HTML, Markdown, JUnit
// XML, HDR interval log). It reads package result only; it measures nothing,
// judges no objective and never talks to the parts of a run.
package reports

import "bench/internal/result"

// Live is what the runner tells while a run goes on. Implementations are safe
// for use from several goroutines and never block the caller on the terminal.
type Live interface {
	// Begin starts a cell. All later calls up to End belong to it.
	Begin(Plan)
	// Phase reports that a phase of the cell has begun.
	Phase(result.Phase)
	// Progress takes a reading of one load: what happens now.
	Progress(result.Progress)
	// Interval takes one 100 ms slice of one load. A slice comes when the last
	// of its requests has ended, in any order between loads: what is true for
	// good. Both are wanted; without Progress the view lags behind stalls.
	Interval(result.Interval)
	// Event reports that an event has begun (ended false; EndUs is then what is
	// planned) and, if it lasts, again when it has ended. An event with
	// Applied false could not be carried out.
	Event(e result.Event, ended bool)
	// Sample takes one reading of processes and proxy counters.
	Sample(result.Sample)
	// Message shows one line of prose: what is being set up, waited for, undone.
	Message(string)
	// End ends the cell.
	End(*result.Cell)
	// Close restores the terminal. No call may follow.
	Close()
}

// Plan is what is known of a cell before it starts.
type Plan struct {
	Scenario string
	Cell     string // name of the matrix cell; "" or "run" without a matrix
	Proxy    string // driver and version: "haproxy 2.6.12"
	Seed     uint64
	Load     string // in words: "open loop 300/s"
	LengthUs int64  // planned, all phases
	Phases   []result.Phase
	// Events as planned: PlannedUs set, BeginUs and EndUs as expected.
	Events []result.Event
	// Objectives with Expr, Metric, Op, Wanted and Unit set.
	Objectives []result.Objective
	// CellIndex (from 0) and CellCount place the cell in its matrix.
	CellIndex, CellCount int
}
