package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// binary is the test binary of a package with all its mutants in it.
type binary struct {
	path, dir string
	pkg       string
	mutants   []mutant
	// tests are those that reach a mutant, quickest first.
	tests map[int][]string
	flags []string // of every run
}

// tryPackage makes the mutants of a package and runs its tests with each.
func tryPackage(o *options, pkg string, known map[string]string) (s score, err error) {
	tmp, err := os.MkdirTemp("", "mutate-")
	if err != nil {
		return s, err
	}
	defer os.RemoveAll(tmp)
	b, err := build(tmp, pkg)
	if err != nil {
		return s, err
	}
	s.pkg = b.pkg
	if err := b.trace(o, tmp); err != nil {
		return s, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), o.within)
	defer cancel()
	var chosen []*mutant
	for i := range b.mutants {
		m := &b.mutants[i]
		if i%o.every != 0 {
			continue
		}
		if len(b.tests[m.id]) == 0 {
			s.unreached++
			if o.verbose {
				fmt.Printf("not reached %s:%d %s\n", m.file, m.line, m.what)
			}
			continue
		}
		chosen = append(chosen, m)
	}
	var mu sync.Mutex
	var all sync.WaitGroup
	room := make(chan struct{}, max(1, runtime.NumCPU()))
	for _, m := range chosen {
		if ctx.Err() != nil {
			break
		}
		room <- struct{}{}
		all.Go(func() {
			defer func() { <-room }()
			survived, err := b.survives(ctx, o, m)
			if err != nil {
				return // the time was up
			}
			mu.Lock()
			defer mu.Unlock()
			s.tried++
			switch why := known[m.key()]; {
			case !survived:
				s.killed++
			case why != "":
				s.told++
			default:
				s.lived++
				fmt.Printf("survived %s/%s:%d %s\n", b.pkg, m.file, m.line, m.what)
			}
		})
	}
	all.Wait()
	return s, nil
}

// build compiles the tests of a package with all mutants. Files of other systems are not
// compiled, and their mutants not reached.
func build(tmp, pkg string) (*binary, error) {
	out, err := exec.Command("go", "list", "-f", "{{.Dir}}\n{{.ImportPath}}\n{{.Name}}\n{{join .GoFiles \" \"}}", pkg).Output()
	if err != nil {
		return nil, explain(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != 4 {
		return nil, fmt.Errorf("go list says %q", out)
	}
	b := &binary{dir: lines[0], pkg: lines[1], path: filepath.Join(tmp, "tests"), tests: map[int][]string{}}
	overlay := map[string]string{}
	next := 0
	for name := range strings.FieldsSeq(lines[3]) {
		file := filepath.Join(b.dir, name)
		src, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		text, mutants, err := mutate(name, src, &next)
		if err != nil {
			return nil, err
		}
		b.mutants = append(b.mutants, mutants...)
		if overlay[file], err = put(tmp, name, text); err != nil {
			return nil, err
		}
	}
	text := fmt.Appendf(nil, switches, lines[2], next+1)
	if overlay[filepath.Join(b.dir, "mutants_of_the_test.go")], err = put(tmp, "switches.go", text); err != nil {
		return nil, err
	}
	list, err := json.Marshal(map[string]any{"Replace": overlay})
	if err != nil {
		return nil, err
	}
	file, err := put(tmp, "overlay.json", list)
	if err != nil {
		return nil, err
	}
	if out, err := exec.Command("go", "test", "-c", "-vet=off", "-overlay", file, "-o", b.path, pkg).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("compiling the mutants: %w\n%s", err, out)
	}
	return b, nil
}

func put(dir, name string, text []byte) (string, error) {
	file := filepath.Join(dir, name+".overlay")
	return file, os.WriteFile(file, text, 0o600)
}

// explain adds what a command printed to its error.
func explain(err error) error {
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		return fmt.Errorf("%w: %s", err, e.Stderr)
	}
	return err
}

// trace runs each test by itself, without a mutant, and notes which mutants it reaches.
// All have to pass.
func (b *binary) trace(o *options, tmp string) error {
	cmd := exec.Command(b.path, "-test.list", "^(Test|Fuzz)")
	cmd.Dir = b.dir
	out, err := cmd.Output()
	if err != nil {
		return explain(err)
	}
	// What a test writes down of a failure would fail it without the mutant, too.
	const quiet = "-rapid.nofailfile"
	if help, _ := exec.Command(b.path, "-help").CombinedOutput(); bytes.Contains(help, []byte(quiet)) {
		b.flags = append(b.flags, quiet)
	}
	skip := regexp.MustCompile("^$")
	if o.skip != "" {
		if skip, err = regexp.Compile(o.skip); err != nil {
			return err
		}
	}
	type timed struct {
		name string
		took time.Duration
		seen []int
	}
	var all []timed
	for name := range strings.FieldsSeq(string(out)) {
		if skip.MatchString(name) {
			continue
		}
		file := filepath.Join(tmp, "trace-"+name)
		began := time.Now()
		if err := b.test(context.Background(), o.patience, name, "MUTANT_TRACE="+file); err != nil {
			fmt.Printf("left out: %s does not pass by itself without a mutant: %v\n", name, err)
			continue
		}
		t := timed{name: name, took: time.Since(began)}
		text, _ := os.ReadFile(file) // none: it reaches no mutant
		for id := range strings.FieldsSeq(string(text)) {
			n, err := strconv.Atoi(id)
			if err != nil {
				return err
			}
			t.seen = append(t.seen, n)
		}
		all = append(all, t)
	}
	slices.SortFunc(all, func(x, y timed) int { return int(x.took - y.took) })
	for _, t := range all {
		for _, id := range t.seen {
			b.tests[id] = append(b.tests[id], t.name)
		}
	}
	return nil
}

// test runs one test. An error is that it failed, or took longer than patience.
func (b *binary) test(ctx context.Context, patience time.Duration, name, env string) error {
	ctx, cancel := context.WithTimeout(ctx, patience+time.Second)
	defer cancel()
	args := append([]string{"-test.run", "^" + name + "$", "-test.failfast", "-test.timeout", patience.String()}, b.flags...)
	cmd := exec.CommandContext(ctx, b.path, args...)
	cmd.Dir = b.dir
	cmd.Env = append(os.Environ(), env)
	cmd.WaitDelay = time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		text := out.String()
		return fmt.Errorf("%w: %s", err, text[:min(len(text), 200)])
	}
	return nil
}

// survives reports whether all tests that reach a mutant pass with it. A test that fails
// is run again without a mutant: where it fails then, too, the machine was at fault, and
// it says nothing.
func (b *binary) survives(ctx context.Context, o *options, m *mutant) (bool, error) {
	for _, name := range b.tests[m.id] {
		err := b.test(ctx, o.patience, name, "MUTANT="+strconv.Itoa(m.id))
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		if err == nil {
			continue
		}
		if b.test(ctx, o.patience, name, "MUTANT=0") == nil {
			if o.verbose {
				fmt.Printf("killed %s:%d %s by %s\n", m.file, m.line, m.what, name)
			}
			return false, nil
		}
	}
	return true, ctx.Err()
}
