package loadgen

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

func TestTemplates(t *testing.T) {
	for _, c := range []struct{ text, want, err string }{
		{"", "^$", ""},
		{"plain } text { here", `^plain } text \{ here$`, ""},
		{"/item/{{seq}}?u={{ user }}", `^/item/42\?u=7$`, ""},
		{"{{random 5 9}}", "^[5-9]$", ""},
		{"{{random 3 3}}|{{hex 12}}|{{letters 4}}", "^3[|][0-9a-f]{12}[|][a-z]{4}$", ""},
		{"{{}}", "", "want a variable"},
		{"{{seq", "", "{{seq has no end: want }}"},
		{"{{sec}}", "", `{{sec}}: there is no variable "sec"; did you mean seq?`},
		{"{{random 5}}", "", "random takes 2 arguments"},
		{"{{random 5 2}}", "", "5 is more than 2"},
		{"{{random 1 x}}", "", `"x" is no whole number`},
		{"{{hex 0}}", "", "want 1 to 1048576 of them"},
	} {
		p, err := parseTemplate(c.text)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%q: error %v, want %q", c.text, err, c.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		got := string(p.append(nil, &values{seq: 42, user: 7, draws: newDraws(1, 42)}))
		if !regexp.MustCompile(c.want).MatchString(got) {
			t.Errorf("%q gives %q, want %s", c.text, got, c.want)
		}
	}
}

func FuzzTemplate(f *testing.F) {
	for _, s := range []string{"a{{seq}}b", "{{random 1 2}}", "{{{{", "}}", "{{hex 3}}{{user}}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parseTemplate(text)
		if err != nil {
			return
		}
		if fixed, ok := p.fixed(); ok && fixed != text {
			t.Fatalf("%q without variables gives %q", text, fixed)
		}
	})
}

// The random text of a request follows from seed and number, and is even.
func TestDrawsAreReproducibleAndEven(t *testing.T) {
	var counts [10]int
	for seq := range uint64(100_000) {
		a, b := newDraws(3, seq), newDraws(3, seq)
		if a.below(10) != b.below(10) {
			t.Fatal("the same request drew another number")
		}
		c := newDraws(3, seq)
		counts[c.below(10)]++
	}
	chi := 0.0
	for _, n := range counts {
		chi += float64(n-10_000) * float64(n-10_000) / 10_000
	}
	if chi > 27.9 { // exceeded once in 1,000 with nine degrees of freedom
		t.Errorf("counts %v, chi squared %.1f", counts, chi)
	}
}

func TestMixFollowsTheWeights(t *testing.T) {
	m := newMix([]Class{{Weight: 7}, {Weight: 2}, {Weight: 1}}, 1)
	var counts [3]int
	for seq := range uint64(100_000) {
		counts[m.pick(seq)]++
	}
	for i, want := range []int{70_000, 20_000, 10_000} {
		if d := counts[i] - want; d > 600 || d < -600 {
			t.Errorf("counts %v", counts)
		}
	}
	if other := newMix([]Class{{Weight: 7}, {Weight: 2}, {Weight: 1}}, 2); fmt.Sprint(picks(&m)) == fmt.Sprint(picks(&other)) {
		t.Error("another seed gave the same order")
	}
}

func picks(m *mix) (all []int) {
	for seq := range uint64(50) {
		all = append(all, m.pick(seq))
	}
	return all
}
