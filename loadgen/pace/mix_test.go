package pace

import (
	"fmt"
	"testing"

	"bench/loadgen/codec"
)

func TestMixFollowsTheWeights(t *testing.T) {
	m := NewMix([]codec.Class{{Weight: 7}, {Weight: 2}, {Weight: 1}}, 1)
	var counts [3]int
	for seq := range uint64(100_000) {
		counts[m.Pick(seq)]++
	}
	for i, want := range []int{70_000, 20_000, 10_000} {
		if d := counts[i] - want; d > 600 || d < -600 {
			t.Errorf("counts %v", counts)
		}
	}
	if other := NewMix([]codec.Class{{Weight: 7}, {Weight: 2}, {Weight: 1}}, 2); fmt.Sprint(picks(&m)) == fmt.Sprint(picks(&other)) {
		t.Error("another seed gave the same order")
	}
}

func picks(m *Mix) (all []int) {
	for seq := range uint64(50) {
		all = append(all, m.Pick(seq))
	}
	return all
}
