package registry

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// The list is a slice of what was added and not removed, by name, whatever the order;
// a snapshot stays as it was when it was taken.
func TestListIsItsHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l List[int]
		type snapshot struct{ is, was []int }
		var kept []snapshot
		var names []string
		var values []int
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				name := fmt.Sprint(rapid.IntRange(0, 9).Draw(t, "name"))
				taken := slices.Contains(names, name)
				if l.Add(name, len(kept)) == taken {
					t.Fatalf("adding %s, taken: %v", name, taken)
				}
				if !taken {
					names, values = append(names, name), append(values, len(kept))
				}
			},
			"remove": func(t *rapid.T) {
				name := fmt.Sprint(rapid.IntRange(0, 9).Draw(t, "name"))
				i := slices.Index(names, name)
				if l.Remove(name) != (i >= 0) {
					t.Fatalf("removing %s, which is at %d", name, i)
				}
				if i >= 0 {
					names, values = slices.Delete(names, i, i+1), slices.Delete(values, i, i+1)
				}
			},
			"": func(t *rapid.T) {
				if !slices.Equal(l.All(), values) {
					t.Fatalf("have %v, want %v", l.All(), values)
				}
				for i, name := range names {
					if v, ok := l.Get(name); !ok || v != values[i] {
						t.Fatalf("%s is %d, want %d", name, v, values[i])
					}
				}
				if _, ok := l.Get("none"); ok {
					t.Fatal("a name that was never added")
				}
				kept = append(kept, snapshot{l.All(), slices.Clone(values)})
				for _, s := range kept {
					if !slices.Equal(s.is, s.was) {
						t.Fatalf("a snapshot of %v has become %v", s.was, s.is)
					}
				}
			},
		})
	})
}

// Threads read snapshots while others change the list.
func TestListIsReadWhileItChanges(t *testing.T) {
	var l List[*int]
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for {
				for _, p := range l.All() {
					if *p < 0 {
						t.Error("an element that was not ready")
					}
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for i := range 2000 {
		v := i
		l.Add(fmt.Sprint(i), &v)
		if i >= 5 {
			l.Remove(fmt.Sprint(i - 5))
		}
	}
	close(done)
	readers.Wait()
	if n := len(l.All()); n != 5 {
		t.Errorf("%d left, want 5", n)
	}
}

// A slot belongs to one thing at a time, and their number is that of the most there
// have been at once.
func TestSlotsAreUsedAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s Slots
		used, most := []int{}, 0
		for range rapid.IntRange(1, 100).Draw(t, "steps") {
			if len(used) > 0 && rapid.Bool().Draw(t, "give") {
				i := rapid.IntRange(0, len(used)-1).Draw(t, "which")
				s.Give(used[i])
				used = slices.Delete(used, i, i+1)
				continue
			}
			slot := s.Take()
			if slices.Contains(used, slot) {
				t.Fatalf("slot %d is in use", slot)
			}
			used = append(used, slot)
			most = max(most, len(used))
			if slot >= most {
				t.Fatalf("slot %d, and there were never more than %d things", slot, most)
			}
		}
	})
}

func TestTable(t *testing.T) {
	var table Table[string]
	if table.At(3) != nil {
		t.Error("something in an empty table")
	}
	v := "v"
	table.Put(3, &v)
	if table.At(3) != &v || table.At(2) != nil || table.At(4) != nil {
		t.Errorf("table %v", table)
	}
	table.Put(3, nil)
	if table.At(3) != nil {
		t.Error("still there")
	}
}
