package runner

import (
	"slices"
	"testing"
)

// What happened by another clock is placed when that is known until then, each once, and what
// is left of it at the end.
func TestLateTimes(t *testing.T) {
	c := &cell{}
	var placed []string
	late := func(what string, until int64) { c.whenKnown(until, func() { placed = append(placed, what) }) }
	late("b", 20)
	late("a", 10)
	late("fault", atTheEnd)
	late("c", 20)
	for _, step := range []struct {
		known int64
		want  []string
	}{{9, nil}, {10, []string{"a"}}, {15, []string{"a"}}, {25, []string{"a", "b", "c"}}, {atTheEnd, []string{"a", "b", "c", "fault"}}, {atTheEnd, []string{"a", "b", "c", "fault"}}} {
		if c.placeUntil(step.known); !slices.Equal(placed, step.want) {
			t.Errorf("known until %d: %q, not %q", step.known, placed, step.want)
		}
	}
}
