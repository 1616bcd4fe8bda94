// Package document reads a scenario from its file: variables, settings and the matrix
// filled in, decoded and checked.
package document

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"bench/internal/result"
	"bench/scenarios/format"
	"bench/scenarios/proxyconf"
	"bench/scenarios/source"
	"bench/scenarios/validate"
)

// Document is a scenario file that has been checked.
type Document struct {
	File string
	// Resolved is the scenario as YAML with variables and settings filled in;
	// parsed again it gives the same document.
	Resolved []byte
	Axes     []result.Axis
	// Cells are the combinations of the matrix, the last axis changing
	// fastest; one without a matrix.
	Cells    []Cell
	Warnings []string

	text []byte // as it was written
}

// Cell is one combination of the matrix.
type Cell struct {
	Name     string // "poller=epoll", or "run" without a matrix
	Vars     map[string]string
	Scenario *format.Scenario
	// Obstacle is why this combination cannot be, though each of its values can:
	// it is left out of a run. Empty otherwise, and always without a matrix.
	Obstacle string
	// Config is where the text of the proxy's configuration stands.
	Config proxyconf.Text
	// Companions is where those of the other proxies stand.
	Companions []proxyconf.Text
}

// Options change how a scenario is read.
type Options struct {
	Set  []Setting
	Seed *uint64 // in place of the scenario's
	// Shorten divides the times of phases and events, for a try; 0 and 1 leave
	// them as they are.
	Shorten float64
}

// Open reads and checks a scenario file. An error about its contents is Errors.
func Open(path string, o Options) (*Document, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, text, o)
}

// Parse checks the text of a scenario; file is the name errors show, and where
// a configFile is relative to. An error is Errors.
func Parse(file string, text []byte, o Options) (*Document, error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff")) // of editors that write a byte-order mark
	f := source.NewFaults(file, text)
	if !utf8.Valid(text) {
		f.Add(source.Pos{Line: 1, Col: 1}, "the file is not UTF-8 text")
		return nil, f.Err()
	}
	if o.Shorten != 0 {
		if err := format.CheckShorten(o.Shorten); err != nil {
			return nil, err
		}
	}
	root := source.ParseTree(text, f)
	if root == nil || len(f.List) > 0 {
		return nil, f.Err()
	}
	if root.Kind != source.MapNode {
		f.Add(root.Pos, "a scenario is a mapping with keys such as version, not %s", root.Kind)
		return nil, f.Err()
	}
	for _, s := range o.Set {
		s.apply(root, f)
	}
	if o.Seed != nil {
		Setting{"seed", fmt.Sprint(*o.Seed)}.apply(root, f)
	}
	fillEnvironment(root, f)
	if len(f.List) > 0 {
		return nil, f.Err()
	}
	doc := &Document{File: file, text: text}
	vars := variables(root.Get("vars"), f)
	doc.Axes = repetitions(root, vars, axes(root, vars, f), f)
	if len(f.List) == 0 {
		doc.expand(root, vars, f)
	}
	if err := f.Err(); err != nil {
		return nil, err
	}
	if o.Shorten > 1 {
		for _, c := range doc.Cells {
			c.Scenario.Shorten(o.Shorten)
		}
		doc.Warnings = append(doc.Warnings, fmt.Sprintf("all times of phases and events are divided by %v: this is a try, not a measurement", o.Shorten))
	}
	resolved := root.Clone()
	keepReferences(resolved, vars)
	inlineConfig(resolved, doc.Cells[0].Scenario)
	if err := findFiles(resolved, filepath.Dir(file)); err != nil {
		return nil, err
	}
	doc.Resolved = source.Emit(resolved)
	return doc, nil
}

// expand makes and checks the cells.
func (doc *Document) expand(root *source.Node, vars map[string]string, f *source.Faults) {
	for _, combination := range combinations(doc.Axes) {
		all := map[string]string{}
		maps.Copy(all, vars)
		var names []string
		own := map[string]string{}
		for i, axis := range doc.Axes {
			all[axis.Name], own[axis.Name] = combination[i], combination[i]
			names = append(names, axis.Name+"="+combination[i])
		}
		tree := root.Clone()
		substitute(tree, all, f)
		s := &format.Scenario{}
		d := format.NewDecoder(f)
		d.Decode(tree, reflect.ValueOf(s).Elem(), "")
		obstacle, texts := validate.Check(d, s, filepath.Dir(doc.File), len(doc.Axes) > 0)
		if n, err := strconv.Atoi(own[result.RepeatAxis]); err == nil && s.Repeat > 1 {
			s.Seed += uint64(n - 1)
		}
		cell := Cell{Name: strings.Join(names, ","), Vars: own, Scenario: s, Obstacle: obstacle, Config: texts[0], Companions: texts[1:]}
		if cell.Name == "" {
			cell.Name = "run"
		}
		doc.Cells = append(doc.Cells, cell)
	}
}

// inlineConfig puts the text of a configFile into the resolved scenario, which
// may be read elsewhere. A file whose name depends on the matrix stays a file.
func inlineConfig(root *source.Node, s *format.Scenario) {
	proxy := root.Get("proxy")
	for i := range proxy.Entries {
		if e := &proxy.Entries[i]; e.Key == "configFile" && !strings.Contains(e.Value.Text, "${") {
			e.Key = "config"
			e.Value = &source.Node{Kind: source.ScalarNode, Text: strings.ReplaceAll(s.Proxy.Config, "${", "$${")}
		}
	}
}

// findFiles makes the files of loads absolute, for the same reason.
func findFiles(root *source.Node, dir string) error {
	var failed error
	absolute := func(n *source.Node) {
		if n == nil || n.Get("file") == nil {
			return
		}
		name := n.Get("file")
		if name.Kind != source.ScalarNode || strings.HasPrefix(name.Text, "${") || filepath.IsAbs(name.Text) {
			return
		}
		path, err := filepath.Abs(filepath.Join(dir, name.Text))
		failed = errors.Join(failed, err)
		name.Text = path
	}
	loads := root.Get("load")
	if loads == nil {
		return nil
	}
	for _, l := range loads.Items {
		absolute(l.Get("body"))
		absolute(l.Get("trace"))
		if requests := l.Get("requests"); requests != nil {
			for _, r := range requests.Items {
				absolute(r.Get("body"))
			}
		}
	}
	return failed
}

// variables are the scalar values of vars; the decoder complains about others.
func variables(n *source.Node, f *source.Faults) map[string]string {
	values := map[string]string{}
	if n != nil {
		for _, e := range n.Entries {
			if e.Value.Kind == source.ScalarNode {
				checkValue(fmt.Sprintf("variable %q", source.Printable(e.Key)), e.Value, f)
				values[e.Key] = e.Value.Text
			}
		}
	}
	return values
}

var axisName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_-]*$`)

// axes reads the matrix in the order of the file.
func axes(root *source.Node, vars map[string]string, f *source.Faults) []result.Axis {
	n := root.Get("matrix")
	if n == nil || n.Kind != source.MapNode {
		return nil // the decoder complains about what is not a mapping
	}
	substitute(n, vars, f)
	var all []result.Axis
	cells := 1
	for _, e := range n.Entries {
		axis := result.Axis{Name: e.Key}
		if !axisName.MatchString(e.Key) {
			f.Add(e.KeyPos, "an axis is named with letters, digits, - and _, not %q", source.Printable(e.Key))
		}
		if _, clash := vars[e.Key]; clash {
			f.Add(e.KeyPos, "axis %q is also a variable", e.Key)
		}
		if e.Value.Kind != source.SeqNode || len(e.Value.Items) == 0 {
			f.Add(e.Value.Pos, "axis %q wants a list of values, as [epoll, poll]", source.Printable(e.Key))
			continue
		}
		for _, item := range e.Value.Items {
			if item.Kind != source.ScalarNode {
				f.Add(item.Pos, "a value of axis %q is a single word or number, not %s", source.Printable(e.Key), item.Kind)
				continue
			}
			checkValue(fmt.Sprintf("axis %q", source.Printable(e.Key)), item, f)
			if slices.Contains(axis.Values, item.Text) {
				f.Add(item.Pos, "axis %q has the value %q twice", source.Printable(e.Key), source.Printable(item.Text))
				continue
			}
			axis.Values = append(axis.Values, item.Text)
		}
		if cells *= max(1, len(axis.Values)); cells > format.MaxCells {
			f.Add(e.KeyPos, "the matrix has more than %d combinations", format.MaxCells)
			return nil
		}
		all = append(all, axis)
	}
	return all
}

// repetitions adds the axis of repeat to those of the matrix.
func repetitions(root *source.Node, vars map[string]string, all []result.Axis, f *source.Faults) []result.Axis {
	n := root.Get("repeat")
	if n == nil || n.Kind != source.ScalarNode {
		return all // the decoder complains about what is not a number
	}
	n = n.Clone()
	substitute(n, vars, f)
	times, err := strconv.Atoi(n.Text)
	if err != nil || times <= 1 {
		return all
	}
	cells := times
	for _, axis := range all {
		if axis.Name == result.RepeatAxis {
			f.Add(n.Pos, "the matrix has an axis %q already", result.RepeatAxis)
			return all
		}
		cells *= len(axis.Values)
	}
	if cells > format.MaxCells {
		f.Add(n.Pos, "matrix and repeat make more than %d combinations", format.MaxCells)
		return all
	}
	axis := result.Axis{Name: result.RepeatAxis}
	for i := range times {
		axis.Values = append(axis.Values, strconv.Itoa(i+1))
	}
	return append(all, axis)
}

// combinations lists one value per axis in every way.
func combinations(axes []result.Axis) [][]string {
	all := [][]string{nil}
	for _, axis := range axes {
		var next [][]string
		for _, prefix := range all {
			for _, value := range axis.Values {
				next = append(next, append(slices.Clone(prefix), value))
			}
		}
		all = next
	}
	return all
}
