package cookie

import (
	"bytes"
	"testing"
)

// decide drops, replaces or keeps the cookie S, by its value.
func decide(name, value []byte) (Act, []byte) {
	switch {
	case string(name) != "S":
	case string(value) == "drop":
		return Drop, nil
	case string(value) == "new":
		return Replace, []byte("other")
	}
	return Keep, nil
}

func TestEditRequest(t *testing.T) {
	for _, c := range []struct{ field, want string }{
		{"a=1; b=2", "a=1; b=2"},
		{"S=drop", ""},
		{"S=drop; a=1", "a=1"},
		{"a=1; S=drop", "a=1"},
		{"a=1; S=drop; b=2", "a=1; b=2"},
		{"a=1 ;S=drop;b=2", "a=1; b=2"},
		{"a=1; S=drop; S=drop; b=2", "a=1; b=2"},
		{"S=drop; $Path=/; a=1", "a=1"},
		{"$Version=1; S=drop", ""},
		{"$Version=1; S=drop; a=1", "$Version=1; a=1"},
		{"a=1; $Path=/; S=drop; $Path=/", "a=1; $Path=/"},
		{"S=new; a=1", "S=other; a=1"},
		{"a=1; S = new ;b=2", "a=1; S=other ;b=2"},
		{"a = 1; b=2", "a=1; b=2"},
		{"S=\"a;b\"; S=drop", "S=\"a;b\""},
		{";;S=drop;;", ";; ;"},
		{"S; S=drop", "S"},
		{`a="1; S=drop; b"; S=drop`, `a="1; S=drop; b"`},
		{`a="1\"; S=drop; b"; c=2`, `a="1\"; S=drop; b"; c=2`},
		{"", ""},
	} {
		got, changed := EditRequest([]byte("x"), []byte(c.field), decide)
		if string(got) != "x"+c.want || changed != (c.field != c.want) {
			t.Errorf("%q became %q, changed: %v, want %q", c.field, got[1:], changed, c.want)
		}
	}
}

func TestEditResponse(t *testing.T) {
	for _, c := range []struct{ field, want string }{
		{"a=1; path=/", "a=1; path=/"},
		{"S=drop; path=/", ""},
		{"S=new; path=/; S=new", "S=other; path=/; S=new"},
		{" S = new ; path=/", "S=other ; path=/"},
		{"S", "S"},
	} {
		got, changed := EditResponse(nil, []byte(c.field), decide)
		if string(got) != c.want || changed != (c.field != c.want) {
			t.Errorf("%q became %q, changed: %v, want %q", c.field, got, changed, c.want)
		}
	}
}

// Whatever is in a field: going through it ends, and without a decision nothing changes
// but blanks around equals signs.
func FuzzEditRequest(f *testing.F) {
	f.Add([]byte("a=1; S=drop; $b=2, c=\"d\\\";e\" ;; ="))
	f.Fuzz(func(t *testing.T, field []byte) {
		keep := func(_, _ []byte) (Act, []byte) { return Keep, nil }
		got, changed := EditRequest(nil, field, keep)
		if !changed && !bytes.Equal(got, field) {
			t.Fatalf("%q became %q and is said not to be changed", field, got)
		}
		if again, changed := EditRequest(nil, got, keep); changed {
			t.Fatalf("%q became %q, and that %q", field, got, again)
		}
		EditRequest(nil, field, decide)
		EditResponse(nil, field, decide)
	})
}

func TestDates(t *testing.T) {
	for _, at := range []int64{4, 1_700_000_000, 1_700_000_001, 1<<32 - 4} {
		b := AppendDate(nil, at)
		if got := Date(b); len(b) != 5 || got < at || got >= at+unit {
			t.Errorf("%d is written as %q and read as %d", at, b, got)
		}
	}
	for _, bad := range []string{"", "AAAA", "AAAA?", "|||||"} {
		if got := Date([]byte(bad)); got != 0 {
			t.Errorf("%q is read as %d", bad, got)
		}
	}
}
