package scenarios

import "bench/internal/units"

// latency checks the text of a distribution.
func (v *validator) latency(path, text string) {
	if !v.given(path) || v.bad[path] {
		return
	}
	if _, err := units.ParseDuration(text); err != nil {
		v.fail(path, "%s", printable(err.Error()))
	}
}
