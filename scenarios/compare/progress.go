package compare

import (
	"time"

	"bench/internal/result"
	"bench/reports"
)

// Progress is told how a comparison goes on. All calls come from one goroutine, those
// of the live view of a run from several.
type Progress interface {
	// Begin reports that a run begins; the live view is for what happens in it.
	Begin(Step) reports.Live
	// End says what became of it.
	End(Step, result.ComparedRun)
	// Again says why a pair is made again.
	Again(Step, string)
	// Standing is the comparison as it stands after a pair.
	Standing(*result.Comparison, Left)
}

// Step is a run within a comparison.
type Step struct {
	Pair  int // from 1
	Side  string
	Cell  string // of the matrix, "" without one
	First bool   // of its pair
	// Confirm reports that the pair repeats what looks worse; Try is the number of the
	// attempt, from 1.
	Confirm  bool
	Try      int
	LengthUs int64 // planned
}

// Left is what is still to come. Nobody knows it but within bounds.
type Left struct {
	// About is an estimate by what is undecided, 0 if there is none; AtMost is the bound.
	About, AtMost         int // pairs
	AboutTime, AtMostTime time.Duration
	// Undecided are the measures that decide and have not been decided.
	Undecided []string
}
