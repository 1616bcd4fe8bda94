package words

import (
	"fmt"
	"strings"

	"bench/internal/result"
	"bench/internal/units"
)

// Counts say what clients and origins count differently: requests that no origin
// received although they were answered well, and requests that origins received more
// than once. A run tells this even if no limit asks for it. Of origins that took their
// counters with them only what came twice is known.
func Counts(c *result.Cell) (texts []string) {
	if c.Conservation == nil {
		return nil
	}
	for i := range c.Conservation.Rows {
		r := &c.Conservation.Rows[i]
		var parts []string
		if r.Lost > 0 && !r.Incomplete {
			parts = append(parts, units.Count(r.Lost)+" were answered successfully though no origin received them")
		}
		if r.Repeated > 0 {
			parts = append(parts, units.Count(r.Repeated)+" reached origins more than once")
		}
		if len(parts) > 0 {
			texts = append(texts, fmt.Sprintf("of %s requests of load %s %s", units.Count(r.Completed), r.Class, strings.Join(parts, ", ")))
		}
	}
	return texts
}
