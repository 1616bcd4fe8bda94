package abuse

import (
	"fmt"

	"bench/internal/result"
	"bench/internal/units"
)

// Certify says why an outcome is not to be trusted; empty if it is.
func Certify(a *result.Abuse) []string {
	if a.Local == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%s could not open %s connections: out of ports or descriptors here", a.Name, units.Count(a.Local))}
}
