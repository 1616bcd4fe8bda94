// Command mutate measures how much a package's tests notice: it makes many small
// mistakes in the code, one at a time, and counts those with which all tests still pass.
//
// All mutants are compiled into one test binary, each behind a switch, and the switch is
// chosen by an environment variable; so a mutant costs the run of the tests that reach
// it and no compilation. Which tests reach a mutant is found out by running each test
// once by itself. The source on disk is not touched: the mutants are an overlay.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"
)

// options are those of the command line.
type options struct {
	patience time.Duration // for one mutant
	within   time.Duration // for a package
	every    int           // of the mutants one
	skip     string        // tests left out, a regular expression
	known    string        // the file of survivors that are explained
	verbose  bool
}

func main() {
	var o options
	flag.DurationVar(&o.patience, "patience", 20*time.Second, "longest time for the tests of one mutant, which counts as killed beyond it")
	flag.DurationVar(&o.within, "within", time.Hour, "longest time for a package; mutants not reached by then are not counted")
	flag.IntVar(&o.every, "every", 1, "try only one mutant in so many")
	flag.StringVar(&o.skip, "skip", "", "tests to leave out, a regular expression")
	flag.StringVar(&o.known, "explained", "internal/mutate/explained.txt", "file of survivors that are explained")
	flag.BoolVar(&o.verbose, "v", false, "print every mutant")
	flag.Parse()
	if flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "usage: mutate [flags] ./PACKAGE ...")
		os.Exit(2)
	}
	if err := run(&o, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

// least is the share of the mutants that the tests must kill, those that are explained
// left aside.
const least = 0.85

// run tries all packages and prints the table.
func run(o *options, packages []string) error {
	known, err := readExplained(o.known)
	if err != nil {
		return err
	}
	var rows []score
	var weak []string
	for _, p := range packages {
		s, err := tryPackage(o, p, known)
		if err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
		rows = append(rows, s)
		if s.share() < least {
			weak = append(weak, s.pkg)
		}
	}
	fmt.Print(table(rows))
	if len(weak) > 0 {
		return errors.New("less than " + fmt.Sprintf("%.0f %%", least*100) + " killed or explained in " + strings.Join(weak, ", "))
	}
	return nil
}

// score is what became of the mutants of a package.
type score struct {
	pkg                                   string
	tried, killed, lived, unreached, told int
}

// share is the part of the mutants tried that was killed or is explained.
func (s *score) share() float64 {
	if s.tried == 0 {
		return 1
	}
	return float64(s.killed+s.told) / float64(s.tried)
}

// table renders scores in Markdown.
func table(rows []score) string {
	var b strings.Builder
	b.WriteString("| package | mutants tried | killed | explained | survived | not reached | killed or explained |\n")
	b.WriteString("| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for i := range rows {
		s := &rows[i]
		fmt.Fprintf(&b, "| `%s` | %d | %d | %d | %d | %d | %.1f %% |\n", s.pkg, s.tried, s.killed, s.told, s.lived, s.unreached, s.share()*100)
	}
	return b.String()
}

// readExplained reads the survivors that are explained: lines of "FILE: CODE => MUTANT
// -- WHY", by the text of the code so that they outlast a change of lines.
func readExplained(file string) (map[string]string, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return map[string]string{}, nil
	}
	if err != nil {
		return nil, err
	}
	known := map[string]string{}
	for i, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, why, ok := strings.Cut(line, " -- ")
		if !ok || strings.TrimSpace(why) == "" {
			return nil, fmt.Errorf("%s:%d: want FILE: CODE => MUTANT -- WHY", file, i+1)
		}
		known[strings.TrimSpace(key)] = why
	}
	return known, nil
}
