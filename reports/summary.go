package reports

import "bench/internal/result"

// SummaryOptions choose how the final summary is drawn.
type SummaryOptions struct {
	Color bool // ANSI colours
	ASCII bool // no character beyond ASCII
	// FileSizes gives the sizes of the written files by role; may be nil.
	FileSizes map[string]int64
}

// Summary is the final summary of a run: at most 24 lines of at most 80
// columns, the verdict first, the files last.
func Summary(run *result.Run, o SummaryOptions) string {
	return run.Verdict + "  " + run.Scenario + "\n"
}
