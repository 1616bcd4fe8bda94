package list

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

type item struct {
	at    Node[item]
	value int
}

// all reads a list from its beginning, and checks that it is the same from its end.
func all(t *rapid.T, l *List[item]) (values []int) {
	for x := l.First(); x != nil; x = x.at.Next() {
		values = append(values, x.value)
	}
	var back []int
	for n := l.tail; n != nil; n = n.prev {
		back = append(back, n.element.value)
	}
	slices.Reverse(back)
	if !slices.Equal(values, back) {
		t.Fatalf("%v from the beginning, %v from the end", values, back)
	}
	return values
}

// A list holds what a slice would.
func TestListIsASequence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l List[item]
		var model []*item
		t.Repeat(map[string]func(*rapid.T){
			"push back": func(t *rapid.T) {
				x := &item{value: rapid.IntRange(0, 99).Draw(t, "value")}
				l.PushBack(&x.at, x)
				model = append(model, x)
			},
			"push front": func(t *rapid.T) {
				x := &item{value: rapid.IntRange(0, 99).Draw(t, "value")}
				l.PushFront(&x.at, x)
				model = slices.Insert(model, 0, x)
			},
			"insert": func(t *rapid.T) {
				if len(model) == 0 {
					t.Skip()
				}
				i := rapid.IntRange(0, len(model)-1).Draw(t, "place")
				x := &item{value: rapid.IntRange(0, 99).Draw(t, "value")}
				l.InsertAfter(&x.at, x, &model[i].at)
				if x.at.Prev() != model[i] {
					t.Fatal("not behind the other one")
				}
				model = slices.Insert(model, i+1, x)
			},
			"remove": func(t *rapid.T) {
				if len(model) == 0 {
					t.Skip()
				}
				i := rapid.IntRange(0, len(model)-1).Draw(t, "place")
				x := model[i]
				l.Remove(&x.at)
				model = slices.Delete(model, i, i+1)
				if x.at.Linked() {
					t.Fatal("linked after it was removed")
				}
			},
			"": func(t *rapid.T) {
				var want []int
				for _, x := range model {
					want = append(want, x.value)
					if !x.at.Linked() {
						t.Fatal("not linked in its list")
					}
				}
				if got := all(t, &l); !slices.Equal(got, want) || l.Len() != len(want) {
					t.Fatalf("%v (%d), want %v", got, l.Len(), want)
				}
				if len(model) > 0 && (l.First() != model[0] || l.Last() != model[len(model)-1]) {
					t.Fatal("another first or last element")
				}
				if len(model) == 0 && (l.First() != nil || l.Last() != nil) {
					t.Fatal("an empty list has an element")
				}
			},
		})
	})
}

// plain is the same list written for one type by hand, to compare with.
type plain struct {
	prev, next *plain
}

type plainList struct{ head, tail *plain }

func (l *plainList) push(x *plain) {
	x.prev, x.next = l.tail, nil
	if l.tail != nil {
		l.tail.next = x
	} else {
		l.head = x
	}
	l.tail = x
}

func (l *plainList) remove(x *plain) {
	if x.prev != nil {
		x.prev.next = x.next
	} else {
		l.head = x.next
	}
	if x.next != nil {
		x.next.prev = x.prev
	} else {
		l.tail = x.prev
	}
	x.prev, x.next = nil, nil
}

const benchItems = 64

func BenchmarkByHand(b *testing.B) {
	var l plainList
	items := make([]plain, benchItems)
	b.ReportAllocs()
	for b.Loop() {
		for i := range items {
			l.push(&items[i])
		}
		for l.head != nil {
			l.remove(l.head)
		}
	}
}

func BenchmarkList(b *testing.B) {
	var l List[item]
	items := make([]item, benchItems)
	b.ReportAllocs()
	for b.Loop() {
		for i := range items {
			l.PushBack(&items[i].at, &items[i])
		}
		for x := l.First(); x != nil; x = l.First() {
			l.Remove(&x.at)
		}
	}
}
