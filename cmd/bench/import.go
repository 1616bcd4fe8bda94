package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"bench/cmd/bench/importer"
	"bench/proxy/config"
	"bench/scenarios/document"
	"bench/scenarios/source"
)

// importCmd makes a scenario of a HAProxy configuration.
type importCmd struct {
	Files  []string `arg:"" name:"config" help:"Configuration files or directories, as for haproxy -f; - is the standard input."`
	Output string   `short:"o" placeholder:"FILE" help:"Scenario to write, which must not exist; the standard output if not given."`
	Config string   `placeholder:"FILE" help:"Write the configuration alone, too, in which the scenario takes the place of addresses, to a file that must not exist: for proxy.configFile, as bench compare wants it of each side."`
	Driver string   `enum:",builtin,haproxy" default:"" help:"Proxy of the scenario: builtin or haproxy. By default the engine of this program if it knows all of the configuration, else haproxy."`
	All    bool     `help:"List every address that was replaced, too."`
}

func (c *importCmd) Run(std *streams) error {
	sources, err := config.ReadSources(c.Files)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	text, notes, err := importer.Import(sources, importer.Options{
		Name: c.name(), Driver: c.Driver, Env: config.SystemEnv("").Vars,
		Exists: func(path string) bool { st, err := os.Stat(path); return err == nil && !st.IsDir() },
	})
	if err != nil {
		return &exitError{exitUsage, err}
	}
	doc, err := document.Parse(cmp.Or(c.Output, "scenario"), text, document.Options{})
	if err != nil {
		return &exitError{exitUsage, fmt.Errorf("the scenario made of it is not valid: %s", source.Describe(err))}
	}
	s := doc.Cells[0].Scenario
	// Before the first is written: a configuration without its scenario would be in the way
	// of the next try.
	for _, file := range []struct{ path, flag string }{{c.Config, "--config"}, {c.Output, "-o"}} {
		if _, err := os.Lstat(file.path); file.path != "" && err == nil {
			return taken(file.path, file.flag)
		}
	}
	if c.Config != "" {
		if err := create(c.Config, "--config", []byte(s.Proxy.Config)); err != nil {
			return err
		}
	}
	c.report(std, notes)
	if c.Output == "" {
		_, err := std.out.Write(text)
		return err
	}
	if err := create(c.Output, "-o", text); err != nil {
		return err
	}
	fmt.Fprintf(std.out, "wrote %s: driver %s, loads: %d, backends: %d; run it with: bench run %s\n", c.Output, s.Proxy.Driver, len(s.Load), len(s.Backends), c.Output)
	return nil
}

// create writes a file that must not exist; flag is what names another.
func create(path, flag string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return taken(path, flag)
	}
	if err != nil {
		return &exitError{exitUsage, err}
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// taken says that there is such a file already, which is not written over: it may be the
// very configuration that is imported.
func taken(path, flag string) error {
	return &exitError{exitUsage, fmt.Errorf("%s exists already; remove it, or choose another file with %s", path, flag)}
}

var notInNames = regexp.MustCompile(`[^a-z0-9_-]+`)

// name of the scenario, after the file it goes to or comes from.
func (c *importCmd) name() string {
	base := filepath.Base(cmp.Or(c.Output, c.Files[0]))
	name := notInNames.ReplaceAllString(strings.ToLower(strings.TrimSuffix(base, filepath.Ext(base))), "-")
	name = strings.Trim(name, "-_")
	if name == "" || name[0] < 'a' || name[0] > 'z' {
		name = "config-" + name
	}
	return strings.TrimRight(name[:min(len(name), 60)], "-")
}

// report lists what was changed. Addresses, which are always replaced, are counted.
func (c *importCmd) report(std *streams, notes []importer.Note) {
	addresses := 0
	notes = slices.DeleteFunc(slices.Clone(notes), func(n importer.Note) bool {
		routine := n.Action == "replaced" && (strings.HasPrefix(n.Text, "address ") || strings.HasPrefix(n.Text, "'bind "))
		if routine {
			addresses++
		}
		return routine && !c.All
	})
	for _, n := range notes {
		fmt.Fprintln(std.err, n)
	}
	fmt.Fprintf(std.err, "%d addresses of listeners and servers were replaced by the scenario's", addresses)
	if !c.All {
		fmt.Fprint(std.err, " (--all lists them)")
	}
	fmt.Fprintln(std.err)
}
