package table

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// Keys come out in order, none lost, none twice, whatever their number is to that of a run.
func TestKeysAreOrdered(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 2, sortedTogether - 1, sortedTogether, sortedTogether + 1, 2 * sortedTogether, 3*sortedTogether + 7, 4*sortedTogether + 1, 9 * sortedTogether} {
		list := make([][]byte, n)
		for i := range list {
			list[i] = fmt.Append(nil, random.IntN(2*n))
		}
		want := slices.Clone(list)
		slices.SortFunc(want, bytes.Compare)
		if got := inOrder(list); !slices.EqualFunc(got, want, bytes.Equal) {
			t.Errorf("%d keys are out of order", n)
		}
	}
}
