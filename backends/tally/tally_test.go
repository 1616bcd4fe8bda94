package tally_test

import (
	"fmt"
	"testing"

	"bench/backends/control"
	"bench/backends/tally"
)

func counters(t *testing.T, sheets ...*tally.Sheet) control.ReplicaCounters {
	t.Helper()
	var snap tally.Snapshot
	for _, s := range sheets {
		if err := s.AddTo(&snap); err != nil {
			t.Fatal(err)
		}
	}
	return snap.Counters("web", "addr")
}

func TestMark(t *testing.T) {
	s := tally.NewSheet()
	for id, want := range map[string]string{
		"": "-", "a.1": "a", "a.b.000000000002": "a.b", "A-_9.3": "A-_9",
		".1": "bad", "a.": "bad", "a": "bad", "a.x": "bad", "a.-1": "bad", "a b.1": "bad", "a.1234567890123456789": "bad",
	} {
		before := counters(t, s)
		m := s.Mark([]byte(id))
		m.Received()
		m.Answered(200)
		after := counters(t, s)
		bad := after.BadIDs - before.BadIDs
		if (bad == 1) != (want == "bad") {
			t.Errorf("%q: %d bad ids", id, bad)
		}
		class := want
		if want == "bad" {
			class = "-"
		}
		if got := find(after, class).Received - find(before, class).Received; got != 1 {
			t.Errorf("%q is not counted in class %s", id, class)
		}
	}
}

func find(c control.ReplicaCounters, name string) control.ClassCounters {
	for _, k := range c.Classes {
		if k.Name == name {
			return k
		}
	}
	return control.ClassCounters{}
}

func TestClassesAreBounded(t *testing.T) {
	s := tally.NewSheet()
	for i := range 1000 {
		m := s.Mark(fmt.Appendf(nil, "class%d.1", i))
		m.Received()
	}
	c := counters(t, s)
	if len(c.Classes) > 256 || find(c, "-").Received != c.BadIDs || c.BadIDs < 700 {
		t.Errorf("%d classes, %d bad ids, %d without class", len(c.Classes), c.BadIDs, find(c, "-").Received)
	}
}

func TestSheetsMergeExactly(t *testing.T) {
	a, b := tally.NewSheet(), tally.NewSheet()
	receive := func(s *tally.Sheet, from, to int) {
		for i := range to - from {
			m := s.Mark(fmt.Appendf(nil, "x.%d", from+i))
			m.Received()
			m.Answered(200)
		}
	}
	receive(a, 0, 100)
	receive(a, 90, 100) // repeated on one thread
	receive(b, 50, 150) // and across
	x := find(counters(t, a, b), "x")
	if x.Received != 210 || x.IDs != 150 || x.Repeated != 60 || x.Received != x.IDs+x.Repeated {
		t.Errorf("merged %+v", x)
	}
	a.Reset()
	b.Reset()
	if c := counters(t, a, b); len(c.Classes) != 0 {
		t.Errorf("after a reset %+v", c)
	}
}

func BenchmarkRequest(b *testing.B) {
	s := tally.NewSheet()
	id := []byte("load.000000000000")
	b.ReportAllocs()
	for b.Loop() {
		for i := len(id) - 1; ; i-- {
			if id[i]++; id[i] <= '9' {
				break
			}
			id[i] = '0'
		}
		m := s.Mark(id)
		m.Received()
		m.Answered(200)
	}
}
