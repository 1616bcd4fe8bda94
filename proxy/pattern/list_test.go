package pattern

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"bench/proxy/txn"

	"pgregory.net/rapid"
)

// expected is the entry of a list that counts for a value, by going through all.
func expected(m Method, fold bool, all []*Entry, value string) *Entry {
	var best *Entry
	for _, e := range all {
		switch m {
		case IP:
			net, a := netip.MustParsePrefix(e.Key), netip.MustParseAddr(value)
			if net.Contains(a) && (best == nil || net.Bits() > netip.MustParsePrefix(best.Key).Bits()) {
				best = e
			}
		case Int:
			sp, _ := parseSpan(e.Key)
			var n int64
			fmt.Sscan(value, &n)
			if sp.low <= n && n <= sp.high && best == nil {
				best = e
			}
		case Reg:
			if e.expression(fold).Match([]byte(value)) && best == nil {
				best = e
			}
		case Beg:
			if plainly(m, fold, value, e.Key) && (best == nil || !fold && len(e.Key) > len(best.Key)) {
				best = e
			}
		default:
			if plainly(m, fold, value, e.Key) && best == nil {
				best = e
			}
		}
	}
	return best
}

// A view finds what going through its list would, whatever was added, deleted and
// committed before.
func TestViewsFollowTheirList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.SampledFrom([]Method{Str, Beg, End, Sub, Dir, Dom, IP, Int, Reg}).Draw(t, "method")
		fold := rapid.Bool().Draw(t, "fold")
		indexed := rapid.Bool().Draw(t, "indexed")
		text := rapid.StringMatching(`[abA/.]{0,4}`)
		key, value := text, rapid.StringMatching(`[abA/.]{0,9}`)
		switch m {
		case IP:
			if rapid.Bool().Draw(t, "six") {
				key = rapid.SampledFrom([]string{"2001:db8::/32", "2001:db8:0:1::/64", "2001:db8::1/128", "::/0", "2001:db8::/63", "2001:db8::8000:0:0:0/65"})
				value = rapid.SampledFrom([]string{"2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::", "2001:db8:0:1::5", "2001:db8::8000:0:0:1"})
				break
			}
			key = rapid.Custom(func(t *rapid.T) string {
				a := netip.AddrFrom4([4]byte{10, byte(rapid.IntRange(0, 1).Draw(t, "b")), 0, byte(rapid.IntRange(0, 7).Draw(t, "d"))})
				p, _ := a.Prefix(rapid.SampledFrom([]int{0, 8, 16, 29, 30, 31, 32}).Draw(t, "bits"))
				return p.String()
			})
			value = rapid.Custom(func(t *rapid.T) string {
				return fmt.Sprintf("%d.%d.0.%d", rapid.IntRange(9, 10).Draw(t, "a"), rapid.IntRange(0, 2).Draw(t, "b"), rapid.IntRange(0, 8).Draw(t, "d"))
			})
		case Int:
			key = rapid.Custom(func(t *rapid.T) string {
				a := rapid.IntRange(0, 20).Draw(t, "low")
				return fmt.Sprintf("%d:%d", a, a+rapid.IntRange(0, 3).Draw(t, "more"))
			})
			value = rapid.Custom(func(t *rapid.T) string { return fmt.Sprint(rapid.IntRange(0, 25).Draw(t, "n")) })
		case Reg:
			key = rapid.SampledFrom([]string{"a", "^a", "b$", "a.b", "^/", "[aA]b+", "."})
		case Found, Bool, Bin, Len, Str, Beg, End, Sub, Dir, Dom, Meth, numMethods:
		}
		l := NewList(rapid.SliceOfN(key, 0, 20).Draw(t, "before"))
		v, err := l.View(m, fold, indexed)
		if err != nil {
			t.Fatal(err)
		}
		set := &Set{method: m, views: []*View{v}}
		now := l.Entries(0)
		version := uint32(0)
		var mem Memory
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				e, err := l.Add(key.Draw(t, "key"), "")
				if err != nil {
					t.Fatal(err)
				}
				now = append(now, e)
			},
			"delete": func(t *rapid.T) {
				k := key.Draw(t, "key")
				n := l.Delete(k)
				was := len(now)
				now = slices.DeleteFunc(now, func(e *Entry) bool { return e.Key == k })
				if n != was-len(now) {
					t.Fatalf("%d deleted, not %d", n, was-len(now))
				}
			},
			"delete one": func(t *rapid.T) {
				if len(now) > 0 {
					i := rapid.IntRange(0, len(now)-1).Draw(t, "which")
					if !l.DeleteID(now[i].ID) || l.DeleteID(now[i].ID) {
						t.Fatal("an entry cannot be deleted, or twice")
					}
					now = slices.Delete(now, i, i+1)
				}
			},
			"new version": func(t *rapid.T) {
				n := l.Prepare()
				if n <= version {
					t.Fatalf("version %d after %d", n, version)
				}
				for _, k := range rapid.SliceOfN(key, 0, 10).Draw(t, "keys") {
					if err := l.AddTo(n, k, ""); err != nil {
						t.Fatal(err)
					}
				}
				next := l.Entries(n)
				if rapid.Bool().Draw(t, "commit") {
					if err := l.Commit(n); err != nil {
						t.Fatal(err)
					}
					version, now = n, next
				}
			},
			"": func(t *rapid.T) {
				if got := l.Entries(version); !slices.Equal(got, now) {
					t.Fatalf("%d entries, want %d", len(got), len(now))
				}
				x := value.Draw(t, "value")
				val, ok := m.valueOf(x)
				if !ok {
					t.Fatalf("no value %s", x)
				}
				want := expected(m, fold, now, x)
				if got := set.Match(&mem, &val); got != (want != nil) {
					t.Fatalf("%s on %q: %v", m, x, got)
				}
				if hit := l.Lookup(x); hit[0].Entry != want {
					t.Fatalf("%s on %q: %+v, want %+v", m, x, hit[0].Entry, want)
				}
				if indexed {
					if got := v.Find(&mem, &val); got != want {
						t.Fatalf("%s on %q: %+v, want %+v", m, x, got, want)
					}
				}
			},
		})
	})
}

// Threads see all of a new version, or nothing of it.
func TestVersionsAreSeenWhole(t *testing.T) {
	l := NewList([]string{"0a", "0b"})
	v, err := l.View(Str, false, true)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			var mem Memory
			for {
				// What is found in one and the same contents belongs together.
				c := v.now.Load()
				found := 0
				for _, s := range c.segments {
					found += len(s.entries)
					for _, e := range s.entries {
						if x, _ := Str.valueOf(e.Key); v.find(c, &mem, &x) != e {
							t.Errorf("%s is not found", e.Key)
						}
					}
				}
				if found != 2 {
					t.Errorf("%d entries at once", found)
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for i := range 500 {
		n := l.Prepare()
		for _, s := range "ab" {
			if err := l.AddTo(n, fmt.Sprintf("%d%c", i, s), ""); err != nil {
				t.Error(err)
			}
		}
		if err := l.Commit(n); err != nil {
			t.Error(err)
		}
	}
	close(done)
	readers.Wait()
}

// Versions that are not there are refused, and what is older than one that is committed
// is gone.
func TestVersions(t *testing.T) {
	l := NewList([]string{"x"})
	if err := l.Commit(1); err == nil || err.Error() != "there is no version 1: want one from 0 to 0" {
		t.Errorf("commit: %v", err)
	}
	one, two := l.Prepare(), l.Prepare()
	for _, n := range []uint32{one, two} {
		if err := l.AddTo(n, fmt.Sprint(n), ""); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Commit(two); err != nil {
		t.Fatal(err)
	}
	if err := l.Commit(one); err == nil || err.Error() != "there is no version 1: want one from 2 to 2" {
		t.Errorf("commit: %v", err)
	}
	if current, next, n := l.Versions(); current != 2 || next != 2 || n != 1 {
		t.Errorf("versions %d, %d, %d entries", current, next, n)
	}
	if err := l.Clear(2); err != nil {
		t.Fatal(err)
	}
	if _, _, n := l.Versions(); n != 0 {
		t.Errorf("%d entries after all is cleared", n)
	}
}

// Maps: files, values of each kind, and their changes.
func TestMaps(t *testing.T) {
	file := filepath.Join(t.TempDir(), "map")
	if err := os.WriteFile(file, []byte("# comment\n\n  a 1\nb\t  2 \r\nc\nd 4"), 0o600); err != nil {
		t.Fatal(err)
	}
	var ls Lists
	l := ls.File(file)
	if err := ls.Load(l, true); err != nil {
		t.Fatal(err)
	}
	var text []string
	for _, e := range l.Entries(0) {
		text = append(text, e.Key+"="+string(e.Value().Text))
	}
	if got := strings.Join(text, " "); got != "a=1 b=2 c= d=4" {
		t.Errorf("entries %q", got)
	}
	if err := l.Values(txn.Int); err == nil || l.Line(2) != 5 {
		t.Errorf("c is no integer: %v, line %d", err, l.Line(2))
	}
	if n, err := l.Set("c", "3"); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if err := l.Values(txn.Int); err != nil {
		t.Fatal(err)
	}
	v, err := l.View(Str, false, true)
	if err != nil {
		t.Fatal(err)
	}
	var mem Memory
	x, _ := Str.valueOf("c")
	if e := v.Find(&mem, &x); e.Value().Int != 3 {
		t.Errorf("c is %+v", e.Value())
	}
	for _, bad := range []error{l.Put("c", "x"), l.Put("new", "x")} {
		if bad == nil || bad.Error() != "value 'x' is not an integer" {
			t.Errorf("x for an integer: %v", bad)
		}
	}
	if err := l.Put("e", "5"); err != nil {
		t.Fatal(err)
	}
	if ok, err := l.SetID(l.Entries(0)[0].ID, "11"); !ok || err != nil {
		t.Fatal(ok, err)
	}
	for key, want := range map[string]int64{"a": 11, "e": 5} {
		x, _ := Str.valueOf(key)
		if e := v.Find(&mem, &x); e.Value().Int != want {
			t.Errorf("%s is %+v", key, e.Value())
		}
	}
	if err := ls.Load(l, false); err == nil || !strings.HasSuffix(err.Error(), "is used as a map already: use it as one here as well, by '-M'") {
		t.Errorf("a map as a list: %v", err)
	}
}

// Lists are found by their file and number; numbers that are asked for are kept free.
func TestLists(t *testing.T) {
	var ls Lists
	a, b, c := NewList(nil), NewList(nil), NewList(nil)
	for l, id := range map[*List]int{a: -1, b: 1} {
		if err := ls.Add(l, id); err != nil {
			t.Fatal(err)
		}
	}
	if err := ls.Add(c, 1); err == nil || err.Error() != "id 1 is that of another list of patterns" {
		t.Errorf("an id twice: %v", err)
	}
	file := ls.File("/some/file")
	ls.Number()
	for name, want := range map[string]*List{"#0": a, "#1": b, "#2": file, "/some/file": file, "#3": nil, "x": nil, "#x": nil} {
		if got := ls.Find(name); got != want {
			t.Errorf("%s: %+v", name, got)
		}
	}
	file.Used("acl at file 'x' line 1")
	file.Used("map at file 'x' line 2")
	if got, want := file.Description(), "pattern loaded from file '/some/file' used by acl at file 'x' line 1, by map at file 'x' line 2"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// To add and to delete entries of a large list takes no time that grows with it, and
// matching allocates nothing in between.
func TestManyChanges(t *testing.T) {
	keys := make([]string, 20000)
	for i := range keys {
		keys[i] = fmt.Sprintf("/path/%d/", i)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for _, m := range []Method{Str, Beg} {
		l := NewList(keys)
		v, err := l.View(m, false, true)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 2000 {
			if _, err := l.Add(fmt.Sprintf("/new/%d/", i), ""); err != nil {
				t.Fatal(err)
			}
			if i%20 == 0 {
				l.Delete(keys[rng.IntN(len(keys))])
			}
		}
		if n := len(v.now.Load().segments); n > 16 {
			t.Errorf("%s: %d segments", m, n)
		}
		var mem Memory
		x, _ := m.valueOf("/new/1999/")
		if e := v.Find(&mem, &x); e == nil || e.Key != "/new/1999/" {
			t.Errorf("%s: %+v", m, e)
		}
		if n := testing.AllocsPerRun(100, func() { v.Find(&mem, &x) }); n != 0 {
			t.Errorf("%s: %v allocations", m, n)
		}
	}
}

// Many texts to be found anywhere take a tree in place of an automaton.
func TestManyPieces(t *testing.T) {
	keys := make([]string, 60000)
	for i := range keys {
		keys[i] = fmt.Sprintf("host-%d.example.com", i*7919)
	}
	keys[30] = "host-31676."
	l := NewList(keys)
	set, err := NewSet(Sub, false, l)
	if err != nil {
		t.Fatal(err)
	}
	v, err := l.View(Sub, true, true)
	if err != nil {
		t.Fatal(err)
	}
	var mem Memory
	for text, want := range map[string]*Entry{
		"https://host-31676.example.com/": l.entries[4], "x host-31676.org": l.entries[30], "host-7918.example.com": nil, "": nil,
	} {
		x, _ := Sub.valueOf(text)
		if got := set.Match(&mem, &x); got != (want != nil) {
			t.Errorf("%q: %v", text, got)
		}
		if got := v.Find(&mem, &x); got != want {
			t.Errorf("%q: %+v, want %+v", text, got, want)
		}
	}
}

func BenchmarkFind(b *testing.B) {
	for _, n := range []int{10, 1000, 100000} {
		keys := make([]string, n)
		nets := make([]string, n)
		for i := range keys {
			keys[i] = fmt.Sprintf("/some/path/%d/", i*7919)
			nets[i] = fmt.Sprintf("%d.%d.%d.0/24", 10+i>>16, i>>8&255, i&255)
		}
		for _, m := range []Method{Str, Beg, End, Sub, Dir, Dom, IP} {
			b.Run(fmt.Sprintf("%s/%d", m, n), func(b *testing.B) {
				all := keys
				text := keys[n/2] + "index.html"
				if m == IP {
					all, text = nets, strings.Replace(nets[n/2], "0/24", "7", 1)
				} else if m == Str {
					text = keys[n/2]
				} else if m == End {
					text = "http://host" + keys[n/2]
				}
				l := NewList(all)
				v, err := l.View(m, false, true)
				if err != nil {
					b.Fatal(err)
				}
				var mem Memory
				x, _ := m.valueOf(text)
				b.ReportAllocs()
				for b.Loop() {
					v.Find(&mem, &x)
				}
			})
		}
	}
}
