package show

import (
	"fmt"
	"strings"

	"bench/internal/result"
	"bench/internal/units"
)

// printIntegrity writes what the check came to; nothing where it was off.
func printIntegrity(w *strings.Builder, i *result.Integrity) {
	if i == nil {
		return
	}
	fmt.Fprintf(w, "\nintegrity  %s checked, %s unchecked, %s requests and %s answers altered\n",
		units.Count(i.Checked), units.Count(i.Unchecked), units.Count(i.Requests), units.Count(i.Answers))
	for n := range i.Differences {
		d := &i.Differences[n]
		at := ""
		if d.Offset >= 0 {
			at = fmt.Sprintf(", at byte %d", d.Offset)
		}
		fmt.Fprintf(w, "           %s %d: %s%s\n", d.Direction, d.ID, d.Part, at)
		if d.Expected != "" {
			fmt.Fprintf(w, "             expected %s\n", d.Expected)
		}
		if d.Got != "" {
			fmt.Fprintf(w, "             got      %s\n", d.Got)
		}
	}
}
