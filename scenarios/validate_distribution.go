package scenarios

import "bench/internal/dist"

// latency checks the text of a distribution of times.
func (v *validator) latency(path string, d Distribution) {
	if !v.given(path) || v.bad[path] {
		return
	}
	if _, err := dist.ParseDuration(string(d)); err != nil {
		v.fail(path, "%s", printable(err.Error()))
	}
}

// size checks the text of a distribution of sizes.
func (v *validator) size(path string, d Distribution) {
	if !v.given(path) || v.bad[path] {
		return
	}
	if _, err := dist.ParseSize(string(d)); err != nil {
		v.fail(path, "%s", printable(err.Error()))
	}
}
