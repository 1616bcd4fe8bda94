package regex

import (
	"regexp"
	"slices"
	"testing"
)

// cases are expressions with texts, as rules use them.
var cases = []struct {
	re    string
	texts []string
}{
	{`^/(api|admin)/v[0-9]+/`, []string{"/api/v1/x", "/admin/v22/", "/api/v/", "x/api/v1/", ""}},
	{`\.(js|css|png)$`, []string{"/a.js", "/a.js?x", "/a.pngx", ".css", "js"}},
	{`(?:^|[^a-z])bot\b`, []string{"a bot", "robot", "bot", "bots", " bot/1"}},
	{`a.*b.*c`, []string{"abc", "axxbyyc", "acb", "a\nbc"}},
	{`^$`, []string{"", "x"}},
	{`(a|ab)(c|bcd)(d*)`, []string{"abcd", "acd", "xabcdd"}},
	{`x*`, []string{"", "aaa", "xx"}},
	{`[^/]+/[^/]+$`, []string{"a/b", "/b", "a/b/", "q/w/e"}},
	{`\Bing`, []string{"running", "ing", " ing"}},
	{`^(foo|bar)?baz$`, []string{"baz", "foobaz", "foobarbaz"}},
	{`[[:digit:]]{2,3}`, []string{"1", "12", "a123b"}},
	{`(?m)^b$`, []string{"a\nb\nc", "ab", "b"}},
}

// The automaton and the search for groups agree with the standard library.
func TestLikeTheStandardLibrary(t *testing.T) {
	for _, fold := range []bool{false, true} {
		for _, c := range cases {
			r, err := Compile(c.re, fold)
			if err != nil {
				t.Fatal(err)
			}
			if !r.Automatic() {
				t.Errorf("%s has no automaton", c.re)
			}
			pre := ""
			if fold {
				pre = "(?i)"
			}
			std := regexp.MustCompile(pre + c.re)
			var m Memory
			for _, text := range c.texts {
				for _, s := range []string{text, "ABOT " + text} {
					want := std.FindStringSubmatchIndex(s)
					if got := r.Match([]byte(s)); got != (want != nil) {
						t.Errorf("%s on %q: %v, want %v", c.re, s, got, want != nil)
					}
					if got := r.Find(&m, []byte(s), 0); !slices.Equal(got, want) {
						t.Errorf("%s on %q: %v, want %v", c.re, s, got, want)
					}
				}
			}
		}
	}
}

func TestBytes(t *testing.T) {
	for _, c := range []struct {
		re, text string
		fold     bool
		want     bool
	}{
		{"caf\xe9", "caf\xe9", false, true},
		{"caf\xe9", "caf\xc9", true, false}, // no case beyond ASCII
		{"^.$", "\xff", false, true},
		{"^[^a]$", "\xc3", false, true},
		{"^..$", "\xc3\xa9", false, true}, // two bytes are two characters
		{"k", "\xe2\x84\xaa", true, false},
	} {
		r, err := Compile(c.re, c.fold)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Match([]byte(c.text)); got != c.want {
			t.Errorf("%q on %q: %v", c.re, c.text, got)
		}
	}
}

func TestLiterals(t *testing.T) {
	for _, c := range []struct {
		re    string
		shape Shape
		texts []string
	}{
		{`^/api/`, Begin, []string{"/api/"}},
		{`^/(a|b)c?$`, Exact, []string{"/ac", "/a", "/bc", "/b"}},
		{`\.(js|css)$`, End, []string{".js", ".css"}},
		{`evil`, Sub, []string{"evil"}},
		{`^.*\.php$`, End, []string{".php"}},
		{`[ab]x`, Sub, []string{"ax", "bx"}},
		{`^/foo.*`, Begin, []string{"/foo"}},
		{`^/v[0-9]+`, NoShape, nil},
		{`^$`, Exact, []string{""}},
		{`^`, NoShape, nil},
		{`a?`, NoShape, nil},
		{`\bx`, NoShape, nil},
	} {
		r, err := Compile(c.re, false)
		if err != nil {
			t.Fatal(err)
		}
		shape, texts := r.Literals()
		slices.Sort(texts)
		slices.Sort(c.texts)
		if shape != c.shape || !slices.Equal(texts, c.texts) {
			t.Errorf("%s: shape %d of %q, want %d of %q", c.re, shape, texts, c.shape, c.texts)
		}
	}
	r, _ := Compile(`\.(JS|Css)$`, true)
	if shape, texts := r.Literals(); shape != End || !slices.Equal(texts, []string{".js", ".css"}) {
		t.Errorf("without case: %d %q", shape, texts)
	}
	r, _ = Compile(`a(?i)b`, false)
	if shape, _ := r.Literals(); shape != NoShape {
		t.Error("an expression that ignores case in a part is taken for a text")
	}
}

func TestReplace(t *testing.T) {
	for _, c := range []struct {
		re, template, text, want string
		all, matched             bool
	}{
		{`^/old(/.*)?$`, `/new\1`, "/old/x", "/new/x", false, true},
		{`^/old(/.*)?$`, `/new\1`, "/old", "/new", false, true},
		{`a`, `b`, "banana", "bbnana", false, true},
		{`a`, `b`, "banana", "bbnbnb", true, true},
		{`x`, `b`, "banana", "", true, false},
		{`(.)(.)`, `\2\1\x2d\\`, "abcd", `ba-\dc-\`, true, true},
		{`q*`, `-`, "ab", "-a-b-", true, true},
	} {
		r, err := Compile(c.re, false)
		if err != nil {
			t.Fatal(err)
		}
		var m Memory
		got, ok := r.Replace(nil, &m, []byte(c.text), []byte(c.template), c.all)
		if ok != c.matched || string(got) != c.want {
			t.Errorf("%s to %s in %q: %q %v, want %q", c.re, c.template, c.text, got, ok, c.want)
		}
	}
}

func TestRefused(t *testing.T) {
	for re, want := range map[string]string{
		`a(?=b)`:  `'(?=' looks around or never goes back, which is not supported in regular expressions`,
		`(a)\1`:   `'\1' refers back, which is not supported in regular expressions`,
		`(a`:      `missing closing ) in the regular expression: '(a'`,
		`a{2000}`: `invalid repeat count in the regular expression: '{2000}'`,
	} {
		if _, err := Compile(re, false); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", re, err, want)
		}
	}
}

// An expression with too many states is still matched.
func TestTooManyStates(t *testing.T) {
	r, err := Compile(`(a|b)*a(a|b){14}c`, false)
	if err != nil {
		t.Fatal(err)
	}
	if r.Automatic() {
		t.Fatal("there is an automaton after all: the test needs a larger expression")
	}
	if !r.Match([]byte("abbbbbbbbbbbbbbbc")) && r.Match([]byte("bbbbbbbbbbbbbbbc")) {
		t.Error("matched wrongly")
	}
}

func TestNoAllocations(t *testing.T) {
	r, err := Compile(`^/([a-z]+)/([0-9]+)`, false)
	if err != nil {
		t.Fatal(err)
	}
	var m Memory
	dst, text, template := make([]byte, 0, 100), []byte("/users/1234/x"), []byte(`/\2/\1`)
	r.Find(&m, text, 0)
	if n := testing.AllocsPerRun(100, func() {
		if _, ok := r.Replace(dst, &m, text, template, false); !ok || !r.Match(text) {
			t.Error("no match")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzMatch compares with the standard library, on ASCII, where both mean the same.
func FuzzMatch(f *testing.F) {
	for _, c := range cases {
		f.Add(c.re, c.texts[0])
	}
	f.Fuzz(func(t *testing.T, re, text string) {
		for i := range len(text) {
			if text[i] > 127 {
				return
			}
		}
		for i := range len(re) {
			if re[i] > 127 {
				return
			}
		}
		r, err := Compile(re, false)
		if err != nil {
			return
		}
		std := regexp.MustCompile(re)
		want := std.FindStringSubmatchIndex(text)
		var m Memory
		if got := r.Match([]byte(text)); got != (want != nil) {
			t.Errorf("%q on %q: %v, want %v", re, text, got, want != nil)
		}
		if got := r.Find(&m, []byte(text), 0); !slices.Equal(got, want) {
			t.Errorf("%q on %q: %v, want %v", re, text, got, want)
		}
	})
}
