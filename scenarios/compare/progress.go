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
	// From and To bound the pairs that are still wanted, by what is undecided; To is 0
	// where so few pairs tell it that there is no upper bound. AtMost is how many are
	// allowed, and fit into the time.
	From, To, AtMost             int
	FromTime, ToTime, AtMostTime time.Duration
	// Undecided are the measures that decide and have not been decided.
	Undecided []string
	// TimeUp reports that no pair is begun any more because it would end too late.
	TimeUp bool
}
