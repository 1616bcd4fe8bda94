// Package scenarios is the library of scenarios that the program holds. Their format is
// package format, how files are read package document; package runner runs them.
package scenarios

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"bench/scenarios/document"
	"bench/scenarios/source"
)

//go:embed *.yaml
var files embed.FS

// Builtin is a scenario held by the program.
type Builtin struct {
	Name string
	Text []byte
}

// BuiltIns lists the built-in scenarios by name.
func BuiltIns() []Builtin {
	names, err := fs.Glob(files, "*.yaml")
	if err != nil {
		panic("scenarios: " + err.Error()) // the pattern is constant
	}
	slices.Sort(names)
	var all []Builtin
	for _, n := range names {
		text, err := files.ReadFile(n)
		if err != nil {
			panic("scenarios: " + err.Error()) // it was just listed
		}
		all = append(all, Builtin{strings.TrimSuffix(n, ".yaml"), text})
	}
	return all
}

// BuiltIn finds a built-in scenario by its name.
func BuiltIn(name string) (Builtin, error) {
	var names []string
	for _, b := range BuiltIns() {
		if b.Name == name {
			return b, nil
		}
		names = append(names, b.Name)
	}
	return Builtin{}, fmt.Errorf("there is no built-in scenario %q%s", source.Printable(name), source.DidYouMean(name, names))
}

// Find opens a scenario file, or the built-in scenario of that name where
// there is no such file ("zero-downtime-reload" or
// "scenarios/zero-downtime-reload.yaml" alike).
func Find(name string, o document.Options) (*document.Document, error) {
	doc, err := document.Open(name, o)
	if !errors.Is(err, fs.ErrNotExist) || isScenarioError(err) {
		return doc, err
	}
	word := strings.TrimSuffix(path.Base(name), ".yaml")
	b, missing := BuiltIn(word)
	if dir := path.Dir(name); missing != nil || dir != "." && dir != "scenarios" {
		if missing != nil && !strings.ContainsAny(name, "/.") {
			return nil, missing
		}
		if at, ok := errors.AsType[*fs.PathError](err); ok {
			err = fmt.Errorf("%s: there is no such file", at.Path)
		}
		return nil, err
	}
	return document.Parse(name, b.Text, o)
}

func isScenarioError(err error) bool {
	var all source.Errors
	return errors.As(err, &all)
}
