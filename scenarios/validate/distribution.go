package validate

import (
	"bench/internal/dist"
	"bench/scenarios/format"
	"bench/scenarios/source"
)

// latency checks the text of a distribution of times.
func (v *validator) latency(path string, d format.Distribution) {
	if !v.given(path) || v.Bad[path] {
		return
	}
	if _, err := dist.ParseDuration(string(d)); err != nil {
		v.fail(path, "%s", source.Printable(err.Error()))
	}
}

// size checks the text of a distribution of sizes.
func (v *validator) size(path string, d format.Distribution) {
	if !v.given(path) || v.Bad[path] {
		return
	}
	if _, err := dist.ParseSize(string(d)); err != nil {
		v.fail(path, "%s", source.Printable(err.Error()))
	}
}
