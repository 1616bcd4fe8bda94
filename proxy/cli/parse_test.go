package cli

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

func TestSplit(t *testing.T) {
	for _, tt := range []struct {
		line    string
		want    [][]string
		payload bool
	}{
		{"", [][]string{nil}, false},
		{"show info", [][]string{{"show", "info"}}, false},
		{"  show \t info ", [][]string{{"show", "info"}}, false},
		{"a;b c", [][]string{{"a"}, {"b", "c"}}, false},
		{"a ; ", [][]string{{"a"}, nil}, false},
		{`a\;b \\ c\ d`, [][]string{{"a;b", `\`, "c d"}}, false},
		{`a\`, [][]string{{`a\`}}, false},
		{`"a b"`, [][]string{{`"a`, `b"`}}, false},
		{"a; set x <<", [][]string{{"a"}, {"set", "x"}}, true},
		{"a << b", [][]string{{"a", "<<", "b"}}, false},
		{"<<", [][]string{{}}, true},
		{"set x<<", [][]string{{"set", "x<<"}}, true},
		{"a; set x <<; rest ;", [][]string{{"a"}, {"set", "x"}}, true},
		{`set x \<<`, [][]string{{"set", "x"}}, true},
	} {
		got, payload, _, err := split([]byte(tt.line))
		if err != nil || payload != tt.payload || len(got) != len(tt.want) {
			t.Errorf("split(%q) = %q, %v, %v; want %q, %v", tt.line, got, payload, err, tt.want, tt.payload)
			continue
		}
		for i := range got {
			if len(got[i]) != len(tt.want[i]) || len(got[i]) > 0 && !reflect.DeepEqual(got[i], tt.want[i]) {
				t.Errorf("split(%q) = %q, want %q", tt.line, got, tt.want)
			}
		}
	}
}

func TestDuration(t *testing.T) {
	for in, want := range map[string]string{"10": "10s", "5s": "5s", "2m": "2m0s", "100ms": "100ms", "7us": "7µs", "1h": "1h0m0s", "1d": "24h0m0s"} {
		if d, ok := duration(in); !ok || d.String() != want {
			t.Errorf("duration(%q) = %v, %v; want %s", in, d, ok, want)
		}
	}
	for _, in := range []string{"", "abc", "-1", "0", "1x", "99999999999", "2147483647d0", "s"} {
		if d, ok := duration(in); ok {
			t.Errorf("duration(%q) = %v, want an error", in, d)
		}
	}
}

// join writes words such that split gives them back.
func join(commands [][]string, payload bool) []byte {
	var b bytes.Buffer
	for i, words := range commands {
		if i > 0 {
			b.WriteByte(';')
		}
		for _, w := range words {
			for _, c := range []byte(w) {
				b.WriteByte('\\')
				b.WriteByte(c)
			}
			b.WriteByte(' ')
		}
	}
	if payload {
		b.WriteString(PayloadMark)
	}
	return b.Bytes()
}

// Whatever comes in, splitting must not lose or invent bytes, and what it gives
// must survive being written and split again.
func FuzzSplit(f *testing.F) {
	for _, s := range []string{"show info", "a;b", `x\;y \\`, "set map a b <<", "", ";;", "\\", strings.Repeat("a ", maxWords+1), "a\x00b\xff"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		commands, payload, rest, err := split(line)
		if err != nil {
			if bytes.Count(line, nil) <= maxWords {
				t.Fatalf("%q: %v", line, err)
			}
			return
		}
		if rest != nil && !payload || !bytes.HasSuffix(line, rest) {
			t.Fatalf("%q: %v, the rest is %q", line, payload, rest)
		}
		total := 0
		for _, words := range commands {
			for _, w := range words {
				if w == "" {
					t.Fatalf("%q has an empty word", line)
				}
				total += len(w)
			}
		}
		if total > len(line) {
			t.Fatalf("%q: %d bytes of words from %d", line, total, len(line))
		}
		if n := len(commands); n > 0 && len(commands[n-1]) > 0 && commands[n-1][len(commands[n-1])-1] == PayloadMark {
			return // an escaped mark cannot be told from a plain one afterwards
		}
		again, payload2, _, err := split(join(commands, payload))
		if err != nil || payload2 != payload || len(again) != len(commands) {
			t.Fatalf("%q: %q, %v became %q, %v, %v", line, commands, payload, again, payload2, err)
		}
		for i := range commands {
			if strings.Join(again[i], "\x00") != strings.Join(commands[i], "\x00") {
				t.Fatalf("%q: %q became %q", line, commands[i], again[i])
			}
		}
	})
}

// FuzzLookup drives the table with any words: it must answer, not fail.
func FuzzLookup(f *testing.F) {
	for _, s := range []string{"show", "show info", "help set server", "x", "show sess 0x1 y"} {
		f.Add(s)
	}
	table := NewTable(commands(), unsupported())
	f.Fuzz(func(t *testing.T, line string) {
		commands, _, _, err := split([]byte(line))
		if err != nil || len(line) > 200 {
			return
		}
		for _, words := range commands {
			if c, rest := table.Find(words); c != nil {
				if got := strings.Join(words[:len(words)-len(rest)], " "); got != c.Words {
					t.Fatalf("%q found %q", words, c.Words)
				}
			}
			for _, answer := range []string{table.Help(words, true), table.Unknown(words, false)} {
				listed := strings.Contains(answer, "\n  quit ") || strings.Contains(answer, "' is not supported by this engine")
				if !strings.HasSuffix(answer, "\n") || !listed {
					t.Fatalf("%q answers %q", words, answer)
				}
			}
		}
	})
}
