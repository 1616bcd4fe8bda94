package template

import (
	"regexp"
	"strings"
	"testing"

	"bench/loadgen/draw"
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
		{"{{random 1 x}}", "", `"x" is not a whole number`},
		{"{{hex 0}}", "", "want 1 to 1048576 of them"},
	} {
		p, err := Parse(c.text)
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
		got := string(p.Append(nil, &Values{Seq: 42, User: 7, Draws: draw.New(1, 42)}))
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
		p, err := Parse(text)
		if err != nil {
			return
		}
		if fixed, ok := p.Fixed(); ok && fixed != text {
			t.Fatalf("%q without variables gives %q", text, fixed)
		}
	})
}
