package main

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Of a package whose tests are known, exactly the known mutants survive.
func TestToy(t *testing.T) {
	o := options{patience: 20 * time.Second, within: 5 * time.Minute, every: 1}
	known := map[string]string{
		"toy.go: n < low => < becomes <=":  "the value is the same",
		"toy.go: n > high => > becomes >=": "the value is the same",
	}
	s, err := tryPackage(&o, "./testdata/toy", known)
	if err != nil {
		t.Fatal(err)
	}
	// Killed are both conditions turned round, both values left out, and the conjunction
	// turned round or made another; the log that nobody looks at survives.
	want := score{pkg: "bench/internal/mutate/testdata/toy", tried: 9, killed: 6, told: 2, lived: 1, unreached: 2}
	if s != want {
		t.Errorf("%+v, want %+v", s, want)
	}
	if got := s.share(); got < 0.88 || got > 0.89 {
		t.Errorf("share %v", got)
	}
	if text := table([]score{s}); !strings.Contains(text, "| 9 | 6 | 2 | 1 | 2 | 88.9 % |") {
		t.Errorf("table %s", text)
	}
	if _, err := os.Stat("testdata/toy/mutants_of_the_test.go"); err == nil {
		t.Error("the mutants were written into the source")
	}
}

// The mutants of every file of the module can be parsed.
func TestMutantsParse(t *testing.T) {
	files, err := filepath.Glob("../*/*.go")
	if err != nil || len(files) < 50 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	next := 0
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		before := next
		text, all, err := mutate(filepath.Base(file), src, &next)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if _, err := parser.ParseFile(token.NewFileSet(), file, text, 0); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		if len(all) != next-before {
			t.Errorf("%s: %d mutants, numbered up to %d", file, len(all), next-before)
		}
	}
}

func TestExplained(t *testing.T) {
	file := filepath.Join(t.TempDir(), "explained.txt")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("# a comment\n\na.go: x < y => < becomes <= -- both are the same\n")
	known, err := readExplained(file)
	if err != nil || known["a.go: x < y => < becomes <="] != "both are the same" {
		t.Errorf("%v, %v", known, err)
	}
	for _, text := range []string{"a.go: x => y\n", "a.go: x => y -- \n"} {
		if write(text); true {
			if _, err := readExplained(file); err == nil || !strings.Contains(err.Error(), ":1: want FILE") {
				t.Errorf("%q: %v", text, err)
			}
		}
	}
	if known, err := readExplained(filepath.Join(t.TempDir(), "none")); len(known) != 0 || err != nil {
		t.Errorf("%v, %v", known, err)
	}
}
