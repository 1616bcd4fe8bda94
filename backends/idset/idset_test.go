package idset_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"bench/backends/idset"
)

func TestAddHasAll(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var s idset.Set
	want := map[uint64]bool{}
	for range 20000 {
		n := r.Uint64N(1 << 19)
		if r.IntN(100) == 0 {
			n += 1 << 58
		}
		result := s.Add(n)
		if (result == idset.Present) != want[n] {
			t.Fatalf("adding %d: %v", n, result)
		}
		want[n] = true
	}
	if s.Len() != uint64(len(want)) {
		t.Errorf("%d numbers, want %d", s.Len(), len(want))
	}
	all := slices.Collect(s.All())
	if len(all) != len(want) || !slices.IsSorted(all) {
		t.Errorf("iterates over %d numbers", len(all))
	}
	for _, n := range all {
		if !want[n] || !s.Has(n) {
			t.Fatalf("%d is in the set", n)
		}
	}
	if s.Has(1<<40) || new(idset.Set).Has(0) {
		t.Error("has what was not added")
	}
}

func TestMergeMinusText(t *testing.T) {
	var a, b idset.Set
	for n := range uint64(200_000) {
		if n%2 == 0 {
			a.Add(n)
		}
		if n%3 == 0 {
			b.Add(n)
		}
	}
	if n := len(slices.Collect(a.Minus(&b))); n != 100_000-33_334 {
		t.Errorf("difference of %d", n)
	}
	text, err := a.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > 4000 {
		t.Errorf("100,000 regular numbers take %d bytes", len(text))
	}
	var back idset.Set
	if err := back.UnmarshalText(text); err != nil {
		t.Fatal(err)
	}
	if back.Len() != a.Len() || !slices.Equal(slices.Collect(back.All()), slices.Collect(a.All())) {
		t.Error("the text reads as another set")
	}
	common, err := back.Merge(&b)
	if err != nil || common != 33_334 || back.Len() != 100_000+66_667-33_334 {
		t.Errorf("union of %d, %d in common, %v", back.Len(), common, err)
	}
	if a.Len() != 100_000 {
		t.Error("merging changed a source")
	}
	for _, damaged := range []string{string(text[:len(text)/2]), "????", string(text[4:])} {
		if err := new(idset.Set).UnmarshalText([]byte(damaged)); err == nil || !strings.Contains(err.Error(), "id set") {
			t.Errorf("damaged text: %v", err)
		}
	}
}

func TestMemoryIsBounded(t *testing.T) {
	var s idset.Set
	for i := range uint64(idset.MaxPages) {
		if s.Add(i*idset.PageBits) != idset.Added {
			t.Fatalf("page %d refused", i)
		}
	}
	if got := s.Add(idset.MaxPages * idset.PageBits); got != idset.Full {
		t.Errorf("one page more: %v", got)
	}
	if got := s.Add(1); got != idset.Added {
		t.Errorf("a number of a page that is there: %v", got)
	}
}

func BenchmarkAdd(b *testing.B) {
	var s idset.Set
	b.ReportAllocs()
	n := uint64(0)
	for b.Loop() {
		s.Add(n)
		n++
	}
}
