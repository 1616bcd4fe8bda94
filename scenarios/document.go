package scenarios

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
	Scenario *Scenario
	// Obstacle is why this combination cannot be, though each of its values can:
	// it is left out of a run. Empty otherwise, and always without a matrix.
	Obstacle string
	// Config is where the text of the proxy's configuration stands.
	Config ConfigText
}

// Options change how a scenario is read.
type Options struct {
	Set  []Setting
	Seed *uint64 // in place of the scenario's
	// Shorten divides the times of phases and events, for a try; 0 and 1 leave
	// them as they are.
	Shorten float64
}

// maxCells bounds the matrix.
const maxCells = 256

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
	f := newFaults(file, text)
	if !utf8.Valid(text) {
		f.add(Pos{1, 1}, "the file is not UTF-8 text")
		return nil, f.err()
	}
	if o.Shorten != 0 {
		if err := checkShorten(o.Shorten); err != nil {
			return nil, err
		}
	}
	root := parseTree(text, f)
	if root == nil || len(f.list) > 0 {
		return nil, f.err()
	}
	if root.kind != mapNode {
		f.add(root.pos, "a scenario is a mapping with keys such as version, not %s", root.kind)
		return nil, f.err()
	}
	for _, s := range o.Set {
		s.apply(root, f)
	}
	if o.Seed != nil {
		Setting{"seed", fmt.Sprint(*o.Seed)}.apply(root, f)
	}
	fillEnvironment(root, f)
	if len(f.list) > 0 {
		return nil, f.err()
	}
	doc := &Document{File: file, text: text}
	vars := variables(root.get("vars"), f)
	doc.Axes = repetitions(root, vars, axes(root, vars, f), f)
	if len(f.list) == 0 {
		doc.expand(root, vars, f)
	}
	if err := f.err(); err != nil {
		return nil, err
	}
	if o.Shorten > 1 {
		for _, c := range doc.Cells {
			c.Scenario.shorten(o.Shorten)
		}
		doc.Warnings = append(doc.Warnings, fmt.Sprintf("all times of phases and events are divided by %v: this is a try, not a measurement", o.Shorten))
	}
	resolved := root.clone()
	keepReferences(resolved, vars)
	inlineConfig(resolved, doc.Cells[0].Scenario)
	if err := findFiles(resolved, filepath.Dir(file)); err != nil {
		return nil, err
	}
	doc.Resolved = emit(resolved)
	return doc, nil
}

// expand makes and checks the cells.
func (doc *Document) expand(root *node, vars map[string]string, f *faults) {
	for _, combination := range combinations(doc.Axes) {
		all := map[string]string{}
		maps.Copy(all, vars)
		var names []string
		own := map[string]string{}
		for i, axis := range doc.Axes {
			all[axis.Name], own[axis.Name] = combination[i], combination[i]
			names = append(names, axis.Name+"="+combination[i])
		}
		tree := root.clone()
		substitute(tree, all, f)
		s := &Scenario{}
		d := newDecoder(f)
		d.decode(tree, reflect.ValueOf(s).Elem(), "")
		v := &validator{decoder: d, s: s, dir: filepath.Dir(doc.File), matrix: len(doc.Axes) > 0}
		v.scenario()
		if n, err := strconv.Atoi(own[result.RepeatAxis]); err == nil && s.Repeat > 1 {
			s.Seed += uint64(n - 1)
		}
		cell := Cell{Name: strings.Join(names, ","), Vars: own, Scenario: s, Obstacle: v.obstacle, Config: v.configText()}
		if cell.Name == "" {
			cell.Name = "run"
		}
		doc.Cells = append(doc.Cells, cell)
	}
}

// inlineConfig puts the text of a configFile into the resolved scenario, which
// may be read elsewhere. A file whose name depends on the matrix stays a file.
func inlineConfig(root *node, s *Scenario) {
	proxy := root.get("proxy")
	for i := range proxy.entries {
		if e := &proxy.entries[i]; e.key == "configFile" && !strings.Contains(e.value.text, "${") {
			e.key = "config"
			e.value = &node{kind: scalarNode, text: strings.ReplaceAll(s.Proxy.Config, "${", "$${")}
		}
	}
}

// findFiles makes the files of loads absolute, for the same reason.
func findFiles(root *node, dir string) error {
	var failed error
	absolute := func(n *node) {
		if n == nil || n.get("file") == nil {
			return
		}
		name := n.get("file")
		if name.kind != scalarNode || strings.HasPrefix(name.text, "${") || filepath.IsAbs(name.text) {
			return
		}
		path, err := filepath.Abs(filepath.Join(dir, name.text))
		failed = errors.Join(failed, err)
		name.text = path
	}
	loads := root.get("load")
	if loads == nil {
		return nil
	}
	for _, l := range loads.items {
		absolute(l.get("body"))
		absolute(l.get("trace"))
		if requests := l.get("requests"); requests != nil {
			for _, r := range requests.items {
				absolute(r.get("body"))
			}
		}
	}
	return failed
}

// variables are the scalar values of vars; the decoder complains about others.
func variables(n *node, f *faults) map[string]string {
	values := map[string]string{}
	if n != nil {
		for _, e := range n.entries {
			if e.value.kind == scalarNode {
				checkValue(fmt.Sprintf("variable %q", printable(e.key)), e.value, f)
				values[e.key] = e.value.text
			}
		}
	}
	return values
}

var axisName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_-]*$`)

// axes reads the matrix in the order of the file.
func axes(root *node, vars map[string]string, f *faults) []result.Axis {
	n := root.get("matrix")
	if n == nil || n.kind != mapNode {
		return nil // the decoder complains about what is not a mapping
	}
	substitute(n, vars, f)
	var all []result.Axis
	cells := 1
	for _, e := range n.entries {
		axis := result.Axis{Name: e.key}
		if !axisName.MatchString(e.key) {
			f.add(e.keyPos, "an axis is named with letters, digits, - and _, not %q", printable(e.key))
		}
		if _, clash := vars[e.key]; clash {
			f.add(e.keyPos, "axis %q is also a variable", e.key)
		}
		if e.value.kind != seqNode || len(e.value.items) == 0 {
			f.add(e.value.pos, "axis %q wants a list of values, as [epoll, poll]", printable(e.key))
			continue
		}
		for _, item := range e.value.items {
			if item.kind != scalarNode {
				f.add(item.pos, "a value of axis %q is a single word or number, not %s", printable(e.key), item.kind)
				continue
			}
			checkValue(fmt.Sprintf("axis %q", printable(e.key)), item, f)
			if slices.Contains(axis.Values, item.text) {
				f.add(item.pos, "axis %q has the value %q twice", printable(e.key), printable(item.text))
				continue
			}
			axis.Values = append(axis.Values, item.text)
		}
		if cells *= max(1, len(axis.Values)); cells > maxCells {
			f.add(e.keyPos, "the matrix has more than %d combinations", maxCells)
			return nil
		}
		all = append(all, axis)
	}
	return all
}

// repetitions adds the axis of repeat to those of the matrix.
func repetitions(root *node, vars map[string]string, all []result.Axis, f *faults) []result.Axis {
	n := root.get("repeat")
	if n == nil || n.kind != scalarNode {
		return all // the decoder complains about what is not a number
	}
	n = n.clone()
	substitute(n, vars, f)
	times, err := strconv.Atoi(n.text)
	if err != nil || times <= 1 {
		return all
	}
	cells := times
	for _, axis := range all {
		if axis.Name == result.RepeatAxis {
			f.add(n.pos, "the matrix has an axis %q already", result.RepeatAxis)
			return all
		}
		cells *= len(axis.Values)
	}
	if cells > maxCells {
		f.add(n.pos, "matrix and repeat make more than %d combinations", maxCells)
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

func topKeys() []string { return keysOf(fieldsOf(reflect.TypeFor[Scenario]())) }
