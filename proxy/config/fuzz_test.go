package config

import (
	"errors"
	"os"
	"testing"
	"unicode/utf8"
)

// FuzzCut holds that cutting ends in words or in an error within the line.
func FuzzCut(f *testing.F) {
	for _, s := range []string{`a "b c" 'd'\ e # f`, `"$A${LIST[*]}${NO-x}"`, `\x41\n\q`, `"${`, `a\`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		words, err := cut(s, &lookup{vars: testEnv().Vars})
		if lex, ok := errors.AsType[*lexError](err); err != nil && (!ok || lex.col < 1 || lex.col > len(s)+1) {
			t.Fatalf("%q: error outside of the line: %v", s, err)
		}
		last := 0
		for _, w := range words {
			if w.col < last || w.col > len(s) {
				t.Fatalf("%q: word %q in column %d after %d", s, w.text, w.col, last)
			}
			last = w.col
		}
	})
}

// FuzzLoad holds that reading ends in a configuration or in errors with
// positions, and that remarks can be printed.
func FuzzLoad(f *testing.F) {
	for _, dir := range []string{"good", "bad"} {
		for _, path := range corpus(f, dir) {
			text, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 4096 || !utf8.Valid(text) {
			return
		}
		cfg, diags := Load([]Source{{Name: "f.cfg", Text: text}}, testEnv())
		if (cfg == nil) != diags.HasErrors() {
			t.Fatalf("a configuration and errors, or neither:\n%s", printed(diags))
		}
		for _, d := range diags {
			if d.Line < 1 || d.Col < 1 || d.File != "f.cfg" || d.Msg == "" {
				t.Fatalf("remark without position or text: %+v", d)
			}
		}
		printed(diags)
	})
}
