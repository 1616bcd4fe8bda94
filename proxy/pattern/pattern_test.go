package pattern

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"bench/proxy/message"
	"bench/proxy/txn"
)

// plainly says what a method means, one pattern at a time.
func plainly(m Method, fold bool, value, p string) bool {
	if fold {
		value, p = strings.ToLower(value), strings.ToLower(p)
	}
	switch m {
	case Str:
		return value == p
	case Beg:
		return strings.HasPrefix(value, p)
	case End:
		return strings.HasSuffix(value, p)
	case Sub:
		return strings.Contains(value, p)
	case Dir:
		return between(value, p, "/?")
	case Dom:
		return between(value, p, "/?.:")
	case Found, Bool, Int, IP, Bin, Len, Reg, Meth, numMethods:
	}
	panic(m)
}

// between reports whether a part of value between delimiters is p.
func between(value, p, delimiters string) bool {
	p = strings.Trim(p, delimiters)
	if p == "" {
		return false
	}
	for i := 0; i+len(p) <= len(value); i++ {
		end := i + len(p)
		if value[i:end] == p && (i == 0 || strings.IndexByte(delimiters, value[i-1]) >= 0) && (end == len(value) || strings.IndexByte(delimiters, value[end]) >= 0) {
			return true
		}
	}
	return false
}

// Whatever the structure, a set matches what its patterns match one by one.
func TestStructuresAgree(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const letters = "aAbB/.?"
	text := func(most int) string {
		b := make([]byte, rng.IntN(most))
		for i := range b {
			b[i] = letters[rng.IntN(len(letters))]
		}
		return string(b)
	}
	hits := 0
	for range 3000 {
		m := []Method{Str, Beg, End, Sub, Dir, Dom}[rng.IntN(6)]
		fold := rng.IntN(2) == 0
		patterns := make([]string, []int{1, 2, 5, 9, 30}[rng.IntN(5)])
		for i := range patterns {
			if patterns[i] = text(12); patterns[i] == "" {
				patterns[i] = "a"
			}
		}
		s, err := Compile(m, fold, patterns)
		if err != nil {
			t.Fatal(err)
		}
		var mem Memory
		for range 20 {
			value := text(24)
			want := false
			for _, p := range patterns {
				want = want || plainly(m, fold, value, p)
			}
			if want {
				hits++
			}
			v := txn.Value{Kind: txn.Str, B: []byte(value)}
			if got := s.Match(&mem, &v); got != want {
				t.Fatalf("%s of %q (without case: %v) on %q: %v, want %v", m, patterns, fold, value, got, want)
			}
		}
	}
	if hits < 1000 {
		t.Errorf("only %d hits", hits)
	}
}

func TestExpressions(t *testing.T) {
	patterns := []string{`^/api/`, `\.(js|css)$`, `^/v[0-9]+/`, `evil`, `^/exact$`, `x[yz]+q`}
	for _, fold := range []bool{false, true} {
		s, err := Compile(Reg, fold, patterns)
		if err != nil {
			t.Fatal(err)
		}
		var mem Memory
		for _, value := range []string{"/api/", "/API/x", "/a.js", "/a.JS", "/v1/", "/V22/", "an EVIL one", "/exact", "/exactly", "axzzq", "AXYQ", "", "/"} {
			want := false
			for _, p := range patterns {
				if fold {
					p = "(?i)" + p
				}
				want = want || regexp.MustCompile(p).MatchString(value)
			}
			v := txn.Value{Kind: txn.Str, B: []byte(value)}
			if got := s.Match(&mem, &v); got != want {
				t.Errorf("without case: %v, %q: %v, want %v", fold, value, got, want)
			}
		}
	}
}

// written makes a set of patterns as ACLs have them.
func written(m Method, patterns []string) (*Set, error) {
	if m == Int || m == Len {
		var err error
		if patterns, _, err = Ranges(patterns); err != nil {
			return nil, err
		}
	}
	return Compile(m, false, patterns)
}

func TestIntegers(t *testing.T) {
	for _, c := range []struct {
		patterns string
		n        int64
		want     bool
	}{
		{"5", 5, true},
		{"5", 6, false},
		{"1:10", 10, true},
		{"1:10", 11, false},
		{"80 443", 443, true},
		{"gt 5", 5, false},
		{"gt 5", 6, true},
		{"ge 5", 5, true},
		{"le 5", 6, false},
		{"lt 5", 4, true},
		{"eq 7", 7, true},
		{"1 3 5:7 9 11 13 15 17:19 6:8", 8, true},
		{"1 3 5:7 9 11 13 15 17:19 6:8", 16, false},
		{"5:", 6, true},
		{":5", -1, true},
		{"-3", -3, true},
	} {
		s, err := written(Int, strings.Fields(c.patterns))
		if err != nil {
			t.Fatal(err)
		}
		var v txn.Value
		v.SetInt(c.n)
		if got := s.Match(nil, &v); got != c.want {
			t.Errorf("%s on %d: %v", c.patterns, c.n, got)
		}
	}
}

func TestNetworks(t *testing.T) {
	s, err := Compile(IP, false, []string{"10.0.0.0/8", "192.168.0.0/255.255.0.0", "1.2.3.4", "1.2.3.5", "2001:db8::/32", "::1", "0.0.0.0/32", "::ffff:198.51.100.0/120"})
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]bool{
		"10.1.2.3": true, "11.0.0.0": false, "9.255.255.255": false, "192.168.255.255": true, "192.169.0.0": false, "1.2.3.4": true, "1.2.3.5": true, "1.2.3.6": false,
		"2001:db8:1::": true, "2001:db9::": false, "::1": true, "::2": false, "0.0.0.0": true, "255.255.255.255": false,
		// One address in the clothes of the other family.
		"2002:102:304::1": true, "2002:102:306::1": false, "::10.1.1.1": true, "198.51.100.7": true, "198.51.101.7": false,
	} {
		var v txn.Value
		v.SetIP(netip.MustParseAddr(addr))
		if got := s.Match(nil, &v); got != want {
			t.Errorf("%s: %v", addr, got)
		}
	}
	if n := len(s.views[0].now.Load().fixed.nets.four); n != 4 {
		t.Errorf("%d ranges of IPv4: those that touch are to be one", n)
	}
	all, err := Compile(IP, false, []string{"0.0.0.0/0", "::/0"})
	if err != nil {
		t.Fatal(err)
	}
	for _, addr := range []string{"0.0.0.0", "255.255.255.255", "::", "ffff::"} {
		var v txn.Value
		if v.SetIP(netip.MustParseAddr(addr)); !all.Match(nil, &v) {
			t.Errorf("%s is in no network at all", addr)
		}
	}
}

func TestOthers(t *testing.T) {
	var mem Memory
	method := func(name string) *txn.Value {
		return &txn.Value{Kind: txn.Method, B: []byte(name), Lo: uint64(message.LookupMethod([]byte(name)))}
	}
	for _, c := range []struct {
		m        Method
		patterns []string
		v        *txn.Value
		want     bool
	}{
		{Found, nil, &txn.Value{}, true},
		{Bool, nil, &txn.Value{Kind: txn.Bool, Lo: 1}, true},
		{Bool, nil, &txn.Value{Kind: txn.Bool}, false},
		{Len, []string{"3"}, &txn.Value{B: []byte("abc")}, true},
		{Len, []string{"gt", "3"}, &txn.Value{B: []byte("abc")}, false},
		{Bin, []string{"16030100"}, &txn.Value{B: []byte{0x16, 3, 1, 0}}, true},
		{Bin, []string{"16", "17"}, &txn.Value{B: []byte{0x18}}, false},
		{Meth, []string{"GET", "PURGE"}, method("GET"), true},
		{Meth, []string{"GET", "PURGE"}, method("PURGE"), true},
		{Meth, []string{"GET", "PURGE"}, method("BAN"), false},
		{Meth, []string{"GET"}, method("HEAD"), false},
	} {
		s, err := written(c.m, c.patterns)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Match(&mem, c.v); got != c.want {
			t.Errorf("%s %v on %v: %v", c.m, c.patterns, c.v, got)
		}
	}
}

func TestMistakes(t *testing.T) {
	for _, c := range []struct {
		m        Method
		patterns []string
		index    int
		want     string
	}{
		{Int, []string{"1", "x"}, 1, "'x' is not an integer or a range: want a number, a range such as 1:10, or one of eq, ge, gt, le, lt before a number"},
		{Int, []string{"9:1"}, 0, "range '9:1' ends before it begins"},
		{Int, []string{"gt", "1:2"}, 1, "'1:2' cannot be a range after 'gt'"},
		{Int, []string{"gt"}, 0, "'gt' needs an integer after it"},
		{Int, []string{"gt", "9223372036854775807"}, 1, "no integer is 'gt 9223372036854775807'"},
		{Int, []string{"lt", "-9223372036854775808"}, 1, "no integer is 'lt -9223372036854775808'"},
		{IP, []string{"::1", "10.0.0.300"}, 1, "'10.0.0.300' is not an address or a network: want one such as 192.0.2.0/24 or 2001:db8::/32"},
		{IP, []string{"10.0.0.0/255.0.255.0"}, 0, "mask '255.0.255.0' is not the beginning of an address"},
		{Bin, []string{"0g"}, 0, "'0g' is not a block of bytes: want an even number of hexadecimal digits"},
		{Reg, []string{"a", "("}, 1, "missing closing ) in the regular expression: '('"},
	} {
		_, err := written(c.m, c.patterns)
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Index != c.index || e.Error() != c.want {
			t.Errorf("%s %q: %v, want pattern %d: %s", c.m, c.patterns, err, c.index, c.want)
		}
	}
}

func TestNoAllocations(t *testing.T) {
	many := make([]string, 100)
	for i := range many {
		many[i] = fmt.Sprintf("/some/path/%d/", i*7919)
	}
	var mem Memory
	for _, fold := range []bool{false, true} {
		for m := Str; m <= Reg; m++ {
			s, err := Compile(m, fold, many)
			if err != nil {
				t.Fatal(err)
			}
			v := txn.Value{Kind: txn.Str, B: bytes.Repeat([]byte("/some/path/5/x"), 5)}
			s.Match(&mem, &v)
			if n := testing.AllocsPerRun(100, func() { s.Match(&mem, &v) }); n != 0 {
				t.Errorf("%s: %v allocations", m, n)
			}
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	for _, n := range []int{1, 10, 1000} {
		all := make([]string, n)
		for i := range all {
			all[i] = fmt.Sprintf("/some/path/%d/", i*7919)
		}
		for m := Str; m <= Reg; m++ {
			b.Run(fmt.Sprintf("%s/%d", m, n), func(b *testing.B) {
				s, err := Compile(m, false, all)
				if err != nil {
					b.Fatal(err)
				}
				var mem Memory
				v := txn.Value{Kind: txn.Str, B: []byte(all[n/2] + "index.html")}
				b.ReportAllocs()
				for b.Loop() {
					s.Match(&mem, &v)
				}
			})
		}
	}
}
