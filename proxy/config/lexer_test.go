package config

import (
	"errors"
	"slices"
	"testing"
)

func TestCut(t *testing.T) {
	look := &lookup{vars: testEnv().Vars, file: "t.cfg", line: 7, section: "web"}
	for _, c := range []struct {
		in   string
		want []string
		cols []int
	}{
		{"", nil, nil},
		{"  # only a comment", nil, nil},
		{"a  b\tc", []string{"a", "b", "c"}, []int{1, 4, 6}},
		{"ab#c d", []string{"ab"}, []int{1}},
		{`a\ b\#c\\d\'e\"f`, []string{`a b#c\d'e"f`}, []int{1}},
		{`\n\r\t\x41\x5c\q`, []string{"\n\r\tA\\\\q"}, []int{1}},
		{`'a\ b"$A'`, []string{`a\ b"$A`}, []int{1}},
		{`"a b#c\"d\$A'x'"$A`, []string{`a b#c"d$A'x'$A`}, []int{1}},
		{`a"b c"'d e'f#g`, []string{"ab cd ef"}, []int{1}},
		{`"$A${A}z${NO-d e}${NO}"`, []string{"11zd e"}, []int{1}},
		{`"${EMPTY-x}"`, []string{""}, []int{1}},
		{`x "p${LIST[*]}s" y`, []string{"x", "pa", "b", "cs", "y"}, []int{1, 3, 3, 3, 18}},
		{`"${NO[*]-u v}"`, []string{"u", "v"}, []int{1, 1}},
		{`"$.FILE:${.LINE}:$.SECTION"`, []string{"t.cfg:7:web"}, []int{1}},
		{`a\`, []string{`a\`}, []int{1}},
		{`"" ''`, []string{"", ""}, []int{1, 4}},
	} {
		words, err := cut(c.in, look)
		if err != nil {
			t.Errorf("%q: %v", c.in, err)
			continue
		}
		var texts []string
		var cols []int
		for _, w := range words {
			texts, cols = append(texts, w.text), append(cols, w.col)
		}
		if !slices.Equal(texts, c.want) || !slices.Equal(cols, c.cols) {
			t.Errorf("%q: got %q at %v, want %q at %v", c.in, texts, cols, c.want, c.cols)
		}
	}
}

func TestCutErrors(t *testing.T) {
	look := &lookup{vars: testEnv().Vars}
	for in, col := range map[string]int{
		`a "b`: 3, `a 'b`: 3, `a"b'`: 2, `a \x4`: 3, `a \xg0`: 3, `"$1"`: 3, `"${}"`: 4, `"a${A"`: 4, `"${A-b"`: 3, `"$"`: 3,
	} {
		_, err := cut(in, look)
		lex, ok := errors.AsType[*lexError](err)
		if !ok || lex.col != col {
			t.Errorf("%q: got %v, want an error in column %d", in, err, col)
		}
	}
}

func TestEvaluate(t *testing.T) {
	for expr, want := range map[string]bool{
		"": false, "0": false, "1": true, "-3": true, "!1": false, "!!1": true,
		"0 || 1": true, "1 && 0": false, "1 || 1 && 0": true, "(1 || 1) && 0": false, "!(0 || 0)": true,
		"defined(A)": true, "defined(NO)": false, "feature(EPOLL)": true, "feature(QUIC)": false, "enabled(POLL)": true,
		"streq(a,a)": true, "streq(a, b)": false, "strneq(a,b)": true, "strstr(abc,bc)": true, `streq("$A",1)`: true, `streq("$NO",)`: true,
		"version_atleast(2.6.12)": true, "version_atleast(2.6.13)": false, "version_atleast(2.6-dev3)": true, "version_before(2.10)": true, "version_before(2.6)": false,
	} {
		if got, err := Evaluate(expr, testEnv()); err != nil || got != want {
			t.Errorf("%q: got %v, %v; want %v", expr, got, err, want)
		}
	}
	for _, expr := range []string{"a", "1 &&", "(1", "1)", "streq(a)", "streq(a,b", "defined", "1 1", "!", `"`} {
		if _, err := Evaluate(expr, testEnv()); err == nil {
			t.Errorf("%q: no error", expr)
		}
	}
}
