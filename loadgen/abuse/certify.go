package abuse

import (
	"fmt"

	"bench/internal/result"
	"bench/internal/units"
)

// Certify says what of an outcome is not vouched for; nothing if all is.
func Certify(a *result.Abuse) []result.Doubt {
	if a.Local == 0 {
		return nil
	}
	return []result.Doubt{{
		Concerns: result.ConcernsRun,
		Text:     fmt.Sprintf("%s could not open %s connections: out of ports or descriptors here", a.Name, units.Count(a.Local)),
	}}
}
