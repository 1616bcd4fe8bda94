package scenarios

import (
	"regexp"

	"bench/internal/units"
)

// call is the form of a distribution: lognormal(2ms, 0.5).
var call = regexp.MustCompile(`^[a-z]+\(.*\)$`)

// latency checks the text of a distribution.
func (v *validator) latency(path, text string) {
	if !v.given(path) || v.bad[path] || call.MatchString(text) {
		return
	}
	if _, err := units.ParseDuration(text); err != nil {
		v.fail(path, "%s", printable(err.Error()))
	}
}
