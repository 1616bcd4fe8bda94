package table

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"
)

const msec = int64(time.Millisecond)

func spec(typ Type, length, size int, expire time.Duration, columns ...Column) *Spec {
	s := &Spec{Name: "t", Type: typ, Length: length, Size: size, Expire: expire}
	for _, c := range columns {
		if c.N == 0 {
			c.N = 1
		}
		s.Add(c)
	}
	return s
}

func number(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }

func value(t *testing.T, r Ref, d Datum, now int64) uint64 {
	t.Helper()
	v, ok := r.Value(d, 0, now)
	if !ok {
		t.Fatalf("%s is not stored", d)
	}
	return v
}

// What is tracked counts its events, and one connection until it is left.
func TestTracking(t *testing.T) {
	tab := New(spec(IP, 4, 10, time.Minute, Column{Datum: ConnCnt}, Column{Datum: ConnCur}, Column{Datum: ConnRate, Period: time.Second}, Column{Datum: HTTPReqCnt}, Column{Datum: HTTPErrCnt}, Column{Datum: HTTPFailCnt}, Column{Datum: SessCnt}, Column{Datum: BytesInCnt}, Column{Datum: BytesOutRate, Period: time.Minute}))
	now := 1000 * msec
	a, ok := tab.Track(number(1), Request, now)
	b, _ := tab.Track(number(1), 0, now)
	if !ok || a != b || tab.Used() != 1 || a.Holders() != 2 {
		t.Fatalf("%v %v, %d entries", a, b, tab.Used())
	}
	a.Count(Error|Failure, now)
	a.Count(OfStatus(404)|OfStatus(200), now)
	a.Count(OfStatus(501)|OfStatus(505)|OfStatus(503), now)
	a.AddBytes(1<<33, 7, now)
	for d, want := range map[Datum]uint64{ConnCnt: 2, ConnCur: 2, ConnRate: 2, HTTPReqCnt: 1, HTTPErrCnt: 2, HTTPFailCnt: 2, SessCnt: 0, BytesInCnt: 1 << 33, BytesOutRate: 7} {
		if got := value(t, a, d, now); got != want {
			t.Errorf("%s is %d, want %d", d, got, want)
		}
	}
	if _, ok := a.Value(GPC0, 0, now); ok {
		t.Error("what is not stored has a value")
	}
	b.Leave(now)
	if got := value(t, a, ConnCur, now); got != 1 || a.Holders() != 1 {
		t.Errorf("conn_cur %d, held by %d", got, a.Holders())
	}
	if found, held := tab.Remove(number(1)); !found || !held {
		t.Error("an entry was removed that is held")
	}
	a.Leave(now)
	if found, held := tab.Remove(number(1)); !found || held || tab.Used() != 0 {
		t.Errorf("found %v, held %v, %d entries", found, held, tab.Used())
	}
}

// Entries expire, unless they are held, and their time begins anew when they are used.
func TestExpiry(t *testing.T) {
	tab := New(spec(IP, 4, 10, time.Second, Column{Datum: ConnCnt}))
	r, _ := tab.Track(number(1), 0, 0)
	if tab.Sweep(2000*msec) != 0 {
		t.Error("an entry expired that is held")
	}
	r.Count(Connection, 3000*msec)
	r.Leave(3500 * msec)
	if r, ok := tab.Find(number(1), 3999*msec); !ok {
		t.Error("expired early")
	} else {
		r.Drop()
	}
	if _, ok := tab.Find(number(1), 4000*msec); ok {
		t.Error("an entry was found that has expired")
	}
	r, ok := tab.Make(number(1), 4000*msec)
	if !ok || value(t, r, ConnCnt, 4000*msec) != 0 || tab.Used() != 1 {
		t.Error("an entry that has expired was used again with what it had counted")
	}
	r.Drop()
	if n := tab.Sweep(4999 * msec); n != 0 {
		t.Errorf("%d removed too early", n)
	}
	if n := tab.Sweep(5000 * msec); n != 1 || tab.Used() != 0 {
		t.Errorf("%d removed, %d left", n, tab.Used())
	}
}

// A full table gives up those that were not used for longest, as many as the reference
// does, and none that is held.
func TestPurging(t *testing.T) {
	for _, expire := range []time.Duration{0, time.Hour} {
		tab := New(spec(IP, 4, 1000, expire))
		held, _ := tab.Make(number(0), 0)
		for i := uint32(1); i < 1000; i++ {
			r, _ := tab.Make(number(i), int64(i)*msec)
			r.Touch(int64(i) * msec)
			r.Drop()
		}
		for i := uint32(1); i <= 5; i++ { // these are used again
			r, _ := tab.Find(number(i), 2000*msec)
			r.Touch(2000 * msec)
			r.Drop()
		}
		r, ok := tab.Make(number(5000), 3000*msec)
		if !ok || tab.Used() != 1000-(1000>>8+1)+1 {
			t.Fatalf("made %v, %d entries", ok, tab.Used())
		}
		r.Drop()
		var gone []uint32
		for i := range uint32(1000) {
			if _, ok := tab.Get(number(i), 3000*msec); !ok {
				gone = append(gone, i)
			}
		}
		if want := []uint32{6, 7, 8, 9}; !slices.Equal(gone, want) {
			t.Errorf("expire %v: gone are %v, want %v", expire, gone, want)
		}
		held.Drop()
	}
	full := New(spec(IP, 4, 2, 0))
	full.NoPurge = true
	a, _ := full.Make(number(1), 0)
	a.Drop()
	b, _ := full.Make(number(2), 0)
	b.Drop()
	if _, ok := full.Make(number(3), 0); ok || full.Used() != 2 {
		t.Error("a table with nopurge made room")
	}
	all := New(spec(IP, 4, 1, 0))
	c, _ := all.Make(number(1), 0)
	if _, ok := all.Make(number(2), 0); ok {
		t.Error("a table made room that has only entries that are held")
	}
	c.Drop()
	if _, ok := all.Make(number(2), 0); !ok {
		t.Error("there was room")
	}
}

// reference is the definition of a rate, from all its events: all of the current period,
// and what of the one before lies within reach.
type reference struct {
	period uint32
	begin  uint32 // of the current period
	cur    uint64
	prev   uint64
	begun  bool
}

func (r *reference) advance(now uint32) {
	if !r.begun {
		r.begun, r.begin = true, now
	}
	for now-r.begin >= r.period {
		if now-r.begin >= 2*r.period {
			r.begin, r.cur, r.prev = now, 0, 0
			break
		}
		r.begin, r.prev, r.cur = r.begin+r.period, r.cur, 0
	}
}

func TestRates(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, period := range []uint32{1, 7, 1000, 10000} {
		cell := make([]byte, frequencySize)
		ref := &reference{period: period}
		now := uint32(1<<32 - 5000) // it wraps
		for range 5000 {
			now += uint32(rnd.IntN(int(period)/3 + 2))
			if rnd.IntN(20) == 0 {
				now += period * uint32(rnd.IntN(3))
			}
			if rnd.IntN(3) > 0 {
				n := uint32(rnd.IntN(5))
				ref.advance(now)
				ref.cur += uint64(n)
				addRate(cell, period, now, n)
			}
			if !ref.begun {
				continue
			}
			// A rate that is only read does not begin a period.
			at := *ref
			if now-at.begin > period {
				at.prev, at.cur = at.cur, 0
				if now-at.begin > 2*period {
					at.prev = 0
					at.begin = now
				} else {
					at.begin += period // two periods to the millisecond: nothing is left of a rate above 1
				}
			}
			want := at.cur + at.prev*uint64(period-(now-at.begin))/uint64(period)
			if at.cur == 0 && at.prev == 1 {
				want = 1
			}
			if got := readRate(cell, period, now); got != want {
				t.Fatalf("period %d: %d, want %d (%+v)", period, got, want, at)
			}
		}
	}
}

// Against a plain map: whatever is made, used, let go of and expires.
func TestAgainstModel(t *testing.T) {
	type state struct {
		expire int64
		held   int
		count  uint64
	}
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		tab := New(spec(String, 12, 1<<20, 50*time.Millisecond, Column{Datum: GPC0}))
		model := map[string]*state{}
		var refs []Ref
		var keys []string
		now := int64(0)
		for step := range 4000 {
			now += int64(rnd.IntN(3)) * msec
			alive := func(s *state) bool { return s != nil && (s.held > 0 || s.expire > now) }
			key := fmt.Sprintf("key%d", rnd.IntN(200))
			switch s := model[key]; rnd.IntN(6) {
			case 0, 1:
				r, ok := tab.Make([]byte(key), now)
				if !ok {
					t.Fatal("no room")
				}
				if !alive(s) {
					s = &state{expire: now + 50*msec}
					model[key] = s
				}
				s.held++
				refs, keys = append(refs, r), append(keys, key)
			case 2:
				r, ok := tab.Find([]byte(key), now)
				if ok != alive(s) {
					t.Fatalf("seed %d, step %d: %s found %v, model %+v", seed, step, key, ok, s)
				}
				if ok {
					if got := value(t, r, GPC0, now); got != s.count {
						t.Fatalf("%s counts %d, model %d", key, got, s.count)
					}
					r.Drop()
				}
			case 3:
				if len(refs) > 0 {
					i := rnd.IntN(len(refs))
					n, _ := refs[i].Increase(Counter{Number: GPC0, Rate: GPC0Rate}, 2, now)
					m := model[keys[i]]
					m.count += 2
					m.expire = now + 50*msec
					if n != m.count {
						t.Fatalf("%s counts %d, model %d", keys[i], n, m.count)
					}
				}
			case 4:
				if len(refs) > 0 {
					i := rnd.IntN(len(refs))
					refs[i].Drop()
					model[keys[i]].held--
					refs, keys = slices.Delete(refs, i, i+1), slices.Delete(keys, i, i+1)
				}
			case 5:
				if rnd.IntN(10) == 0 {
					tab.Sweep(now)
				} else if rnd.IntN(5) == 0 {
					_, held := tab.Remove([]byte(key))
					if alive(s) && (s.held > 0) != held {
						t.Fatalf("%s held %v, model %+v", key, held, s)
					}
					if !held {
						delete(model, key)
					}
				}
			}
		}
		tab.Sweep(now)
		var want, got []string
		for k, s := range model {
			if s.held > 0 || s.expire > now {
				want = append(want, k)
			}
		}
		slices.Sort(want)
		tab.Each(now, func(x *Entry) bool { got = append(got, string(x.Key())); return true })
		if !slices.Equal(got, want) || tab.Used() != len(want) {
			t.Fatalf("seed %d: %d entries, %d counted, model %d", seed, len(got), tab.Used(), len(want))
		}
	}
}

// Threads that count at once lose nothing, while entries come, go and are listed.
func TestThreads(t *testing.T) {
	const threads, each = 4, 20000
	tab := New(spec(IP, 4, 500, 20*time.Millisecond, Column{Datum: GPC0}, Column{Datum: ConnCur}, Column{Datum: HTTPReqRate, Period: time.Hour}))
	hot, _ := tab.Make(number(1<<31), tab.Now())
	var all sync.WaitGroup
	for i := range threads {
		all.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(i), 4))
			for n := range each {
				now := tab.Now()
				hot.Increase(Counter{Number: GPC0, Rate: GPC0Rate}, 1, now)
				if r, ok := tab.Track(number(uint32(rnd.IntN(2000))), Request, now); ok {
					r.AddBytes(1, 1, now)
					r.Leave(now)
				}
				switch n % 997 {
				case 0:
					tab.Sweep(now)
				case 1:
					tab.Each(now, func(*Entry) bool { return true })
				case 2:
					tab.Remove(number(uint32(rnd.IntN(2000))))
				}
			}
		})
	}
	all.Wait()
	if got := value(t, hot, GPC0, tab.Now()); got != threads*each {
		t.Errorf("%d counted, want %d", got, threads*each)
	}
	n := 0
	tab.Each(tab.Now(), func(x *Entry) bool {
		n++
		if x.Value(ConnCur, 0) != 0 {
			t.Errorf("%x has %d current connections", x.Key(), x.Value(ConnCur, 0))
		}
		return true
	})
	if tab.Used() > 500 || n > 500 {
		t.Errorf("%d entries, %d listed, of 500", tab.Used(), n)
	}
	hot.Drop()
	tab.Sweep(tab.Now() + int64(time.Second))
	if tab.Used() != 0 {
		t.Errorf("%d entries are left", tab.Used())
	}
}

// The entries of arrays, and the names that stand for their first ones.
func TestArrays(t *testing.T) {
	tab := New(spec(Integer, 4, 10, 0, Column{Datum: GPC, N: 3}, Column{Datum: GPCRate, N: 2, Period: time.Hour}, Column{Datum: GPT, N: 2}))
	r, _ := tab.Make(number(1), 0)
	for i, want := range []bool{true, true, true, false} {
		if _, ok := r.Increase(Counter{Number: GPC, Rate: GPCRate, Index: i}, uint32(i+1), 0); ok != want {
			t.Errorf("gpc%d: %v", i, ok)
		}
	}
	for _, c := range []struct {
		d    Datum
		i    int
		want uint64
	}{{GPC, 2, 3}, {GPC0, 0, 1}, {GPC1, 0, 2}, {GPC0Rate, 0, 1}, {GPC1Rate, 0, 2}, {GPCRate, 1, 2}} {
		if got, ok := r.Value(c.d, c.i, 0); !ok || got != c.want {
			t.Errorf("%s %d is %d (%v), want %d", c.d, c.i, got, ok, c.want)
		}
	}
	if !r.Set(GPT0, 0, 9, 0) || r.Set(GPT, 2, 9, 0) {
		t.Error("tags")
	}
	if v, _ := r.Value(GPT, 0, 0); v != 9 {
		t.Errorf("gpt0 is %d", v)
	}
	if v, ok := r.Clear(GPC, 2, 0); v != 3 || !ok {
		t.Errorf("cleared %d", v)
	}
	if _, ok := r.Clear(GPC, 3, 0); ok {
		t.Error("an element was cleared that is not there")
	}
}

func TestKeys(t *testing.T) {
	for _, c := range []struct {
		typ    Type
		length int
		text   string
		shown  string // "": refused
	}{
		{IP, 4, "10.1.2.3", "10.1.2.3"},
		{IP, 4, "::1", ""},
		{IP, 4, "x", ""},
		{IPv6, 16, "2001:db8:0::1", "2001:db8::1"},
		{IPv6, 16, "1.2.3.4", ""},
		{Integer, 4, "4294967295", "4294967295"},
		{Integer, 4, "4294967296", ""},
		{Integer, 4, "-1", ""},
		{String, 5, "abc", "abc"},
		{String, 3, "abcdef", "abc"},
		{String, 20, "a b=c\\\t\n\r\x1b\x01é", `a\ b\=c\\\t\n\r\e\x01\xC3\xA9`},
		{Binary, 4, "ab", ""},
	} {
		s := spec(c.typ, c.length, 1, 0)
		key, err := s.ParseKey(c.text)
		if (err == nil) != (c.shown != "") {
			t.Errorf("%s %q: %v", c.typ, c.text, err)
			continue
		}
		if err != nil {
			continue
		}
		if got := string(s.AppendKey(nil, key)); got != c.shown {
			t.Errorf("%s %q is shown as %q, want %q", c.typ, c.text, got, c.shown)
		}
	}
	s := spec(Binary, 4, 1, 0)
	if got := string(s.AppendKey(nil, s.Fit(make([]byte, 0, 4), []byte("ab")))); got != "61620000" {
		t.Errorf("binary key %s", got)
	}
	if got := string(s.Fit(nil, []byte("abcdef"))); got != "abcd" {
		t.Errorf("binary key %s", got)
	}
	if got := string(spec(String, 9, 1, 0).Fit(nil, []byte("ab\x00cd"))); got != "ab" {
		t.Errorf("text key %q", got)
	}
}

// The entry of the same key in another table.
func TestSameKeyElsewhere(t *testing.T) {
	a, b, c := New(spec(String, 8, 10, 0)), New(spec(String, 4, 10, 0)), New(spec(IP, 4, 10, 0))
	r, _ := a.Make([]byte("abcdefgh"), 0)
	other, _ := b.Make([]byte("abcd"), 0)
	if got, ok := r.In(b, 0); !ok || got != other {
		t.Error("a key that is cut is not found")
	}
	c.Make([]byte("abcd"), 0)
	if _, ok := other.In(c, 0); ok {
		t.Error("a text was found as an address")
	}
}

func TestServers(t *testing.T) {
	tab := New(spec(IP, 4, 10, 0, Column{Datum: ServerID}, Column{Datum: ServerKey}))
	r, _ := tab.Make(number(1), 0)
	if id, key := r.Server(); id != 0 || key != "" {
		t.Errorf("%d %q", id, key)
	}
	r.SetServer(7, "s7", 0)
	if id, key := r.Server(); id != 7 || key != "s7" {
		t.Errorf("%d %q", id, key)
	}
	x, _ := tab.Get(number(1), 0)
	if x.Name(ServerKey) != "s7" || x.Value(ServerID, 0) != 7 {
		t.Errorf("%q %d", x.Name(ServerKey), x.Value(ServerID, 0))
	}
}

// In the long run, also where entries take the place of others, nothing is allocated.
func TestNothingIsAllocated(t *testing.T) {
	tab := New(spec(String, 20, 1000, time.Hour, Column{Datum: ConnCnt}, Column{Datum: ConnCur}, Column{Datum: HTTPReqRate, Period: time.Second}, Column{Datum: ServerID}, Column{Datum: ServerKey}))
	key := make([]byte, 0, 20)
	n := uint32(0)
	other := New(spec(String, 20, 1000, time.Hour))
	one := func() {
		n++
		key = binary.LittleEndian.AppendUint32(append(key[:0], "key "...), n|0x01010101)
		now := int64(n) * msec
		r, ok := tab.Track(key, Request, now)
		if !ok {
			t.Fatal("no room")
		}
		r.Count(Error, now)
		r.Value(HTTPReqRate, 0, now)
		r.SetServer(1, "s1", now)
		if _, ok := r.In(other, now); ok {
			t.Fatal("found where it is not")
		}
		r.Leave(now)
	}
	for range 20000 {
		one()
	}
	if a := testing.AllocsPerRun(5000, one); a > 0.01 {
		t.Errorf("%v allocations", a)
	}
}

// Many entries are cheap: HAProxy takes about 200 bytes for one such as these.
func TestMemory(t *testing.T) {
	const entries = 200_000
	tab := New(spec(IP, 4, entries, time.Hour, Column{Datum: GPC0}, Column{Datum: ConnRate, Period: time.Second}, Column{Datum: HTTPReqRate, Period: time.Second}))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range uint32(entries) {
		r, _ := tab.Make(number(i), 0)
		r.Drop()
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if per := float64(after.HeapAlloc-before.HeapAlloc) / entries; per > 110 {
		t.Errorf("%.0f bytes an entry", per)
	} else {
		t.Logf("%.0f bytes an entry", per)
	}
	runtime.KeepAlive(tab)
}

func BenchmarkTrack(b *testing.B) {
	tab := New(spec(IP, 4, 100_000, time.Hour, Column{Datum: ConnCur}, Column{Datum: HTTPReqRate, Period: time.Second}))
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		rnd := rand.New(rand.NewPCG(1, rand.Uint64()))
		key := make([]byte, 4)
		for pb.Next() {
			binary.BigEndian.PutUint32(key, rnd.Uint32N(100_000))
			now := int64(rnd.Uint32()) * msec
			if r, ok := tab.Track(key, Request, now); ok {
				r.AddBytes(100, 1000, now)
				r.Leave(now)
			}
		}
	})
}

// Entries that come and go leave no marks behind that nobody looks at.
func TestMarksAreSweptUp(t *testing.T) {
	tab := New(spec(Integer, 4, 1000, time.Hour, Column{Datum: ConnCnt}))
	for i := range uint32(50_000) {
		r, ok := tab.Make(number(i), 0)
		if !ok {
			t.Fatal("no room")
		}
		r.Drop()
		if found, _ := tab.Remove(number(i)); !found {
			t.Fatal("not there")
		}
	}
	marks := 0
	for i := range tab.shards {
		marks += len(tab.shards[i].due)
	}
	if most := shards * (chunk + 1); marks > most {
		t.Errorf("%d marks of no entry, more than %d", marks, most)
	}
}

// Texts are kept as long as an entry has them, whatever becomes of it.
func TestNamesGoWithTheirEntries(t *testing.T) {
	x := New(spec(Integer, 4, 100, time.Second, Column{Datum: ServerKey}))
	for i := range uint32(10_000) {
		r, ok := x.Make(number(i%300), int64(i)*msec)
		if !ok {
			t.Fatal("no room")
		}
		name := fmt.Sprint("server ", i%257)
		r.SetServer(0, name, int64(i)*msec)
		if _, got := r.Server(); got != name {
			t.Fatalf("%q is %q", name, got)
		}
		r.Drop()
		if i%3 == 0 {
			x.Learn(number(i%300), []Cell{{Datum: ServerKey, Text: fmt.Sprint("learnt ", i)}}, -1, int64(i)*msec)
		}
		if i%11 == 0 {
			x.Remove(number(i % 300))
		}
	}
	if n := len(x.names.ids); n > 100 || n+len(x.names.free) != len(x.names.list) {
		t.Errorf("%d texts of %d entries, %d numbers free of %d", n, x.Used(), len(x.names.free), len(x.names.list))
	}
	x.Sweep(int64(time.Hour))
	if n := len(x.names.ids); n != 0 {
		t.Errorf("%d texts of no entry", n)
	}
}

// Whoever follows the changes sees each of them, and a busy entry once.
func TestChanges(t *testing.T) {
	s := spec(Integer, 4, 1000, time.Hour, Column{Datum: GPC0})
	s.Peers = "p"
	x := New(s)
	calls := 0
	x.Follow(func() { calls++ })
	change := func(k uint32) {
		r, _ := x.Make(number(k), 0)
		r.Increase(Counter{Number: GPC0, Rate: GPC0Rate}, 1, 0)
		r.Drop()
	}
	for range 5 {
		for k := range uint32(200) {
			change(k)
		}
	}
	list, upTo := x.Changes(nil, 0)
	if len(list) != 200 || upTo != 200 || calls != 1 {
		t.Fatalf("%d changes up to %d, %d calls", len(list), upTo, calls)
	}
	x.Remove(number(7))
	change(8)
	change(9)
	x.Remove(number(9))
	x.Learn(number(10), []Cell{{Datum: GPC0, Value: 77}}, -1, 0)
	if again, _ := x.Changes(nil, upTo); len(again) != 1 || calls != 2 {
		t.Errorf("%d changes, %d calls", len(again), calls)
	}
	var e Entry
	there := 0
	for _, c := range list {
		if x.Changed(&e, c, 0) {
			there++
		}
	}
	if there != 198 {
		t.Errorf("%d entries are there, want 198", there)
	}
	for _, c := range list {
		if x.Changed(&e, c, int64(2*time.Hour)) {
			t.Fatalf("%x is told of, which has expired", e.Key())
		}
	}
	if all, _ := x.Changes(nil, 0); len(all) != 198 {
		t.Errorf("%d changes in all, want 198", len(all))
	}
	var c Cursor
	seen := 0
	for x.Next(&e, &c, 0) {
		seen++
	}
	if seen != x.Used() {
		t.Errorf("%d entries seen of %d", seen, x.Used())
	}
}

// What others say of an entry does not make it live longer than entries do here, nor change
// how many connections there are.
func TestLearnedEntries(t *testing.T) {
	x := New(spec(Integer, 4, 10, time.Minute, Column{Datum: GPC0}, Column{Datum: ConnCur}))
	x.Learn(number(1), []Cell{{Datum: GPC0, Value: 5}, {Datum: ConnCur, Value: 7}}, time.Hour, 0)
	e, ok := x.Get(number(1), 0)
	if !ok || e.Value(GPC0, 0) != 5 || e.Value(ConnCur, 0) != 0 || e.Left() != time.Minute.Milliseconds() {
		t.Errorf("%v, %d, %d connections, %d ms are left", ok, e.Value(GPC0, 0), e.Value(ConnCur, 0), e.Left())
	}
	x.Learn(number(1), nil, time.Second, 0)
	if e, _ = x.Get(number(1), 0); e.Left() != 1000 {
		t.Errorf("%d ms are left, want 1000", e.Left())
	}
}

// Many threads change and one follows: nothing is missed.
func TestChangesOfThreads(t *testing.T) {
	s := spec(Integer, 4, 1000, time.Hour, Column{Datum: GPC0})
	s.Peers = "p"
	x := New(s)
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for range 5000 {
				r, _ := x.Make(number(rand.Uint32N(50)), 0)
				r.Increase(Counter{Number: GPC0, Rate: GPC0Rate}, 1, 0)
				r.Drop()
			}
		})
	}
	done := make(chan struct{})
	go func() { writers.Wait(); close(done) }()
	last := map[string]uint64{}
	var e Entry
	for after, over := uint64(0), false; ; {
		list, upTo := x.Changes(nil, after)
		for _, c := range list {
			if x.Changed(&e, c, 0) {
				last[string(e.Key())] = e.Value(GPC0, 0)
			}
		}
		if after = upTo; over {
			break
		}
		select {
		case <-done:
			over = true // and once more
		default:
			runtime.Gosched()
		}
	}
	sum := uint64(0)
	for _, v := range last {
		sum += v
	}
	if sum != 20_000 {
		t.Errorf("%d of 20000 changes were seen", sum)
	}
}

func BenchmarkTrackShared(b *testing.B) {
	s := spec(Integer, 4, 100_000, time.Hour, Column{Datum: ConnCnt}, Column{Datum: ConnCur}, Column{Datum: HTTPReqCnt})
	s.Peers = "p"
	x := New(s)
	key := make([]byte, 4) // number would allocate one each time, and hide whether Track does
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		binary.BigEndian.PutUint32(key, uint32(i)%1000)
		r, _ := x.Track(key, Request, 0)
		r.Leave(0)
	}
}
