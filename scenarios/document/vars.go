package document

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"bench/scenarios/format"
	"bench/scenarios/source"
)

// reference is ${name}; $${name} stands for the text itself.
var reference = regexp.MustCompile(`\$?\$\{([^}]*)\}`)

// substitute replaces the references of every scalar below n. Names are looked
// up in vars; unknown ones are faults.
func substitute(n *source.Node, vars map[string]string, f *source.Faults) {
	if n.Kind == source.ScalarNode && strings.Contains(n.Text, "${") {
		n.Text = reference.ReplaceAllStringFunc(n.Text, func(ref string) string {
			if strings.HasPrefix(ref, "$$") {
				return ref[1:]
			}
			name := ref[2 : len(ref)-1]
			value, ok := vars[name]
			if !ok {
				n.Bad = true
				f.Add(n.Pos, "${%s} is neither a variable nor an axis of the matrix%s",
					source.Printable(name), source.DidYouMean(name, slices.Sorted(maps.Keys(vars))))
			}
			return value
		})
	}
	for _, e := range n.Entries {
		substitute(e.Value, vars, f)
	}
	for _, item := range n.Items {
		substitute(item, vars, f)
	}
}

// keepReferences is substitute for the resolved text: variables are filled in,
// the axes of the matrix and escaped references stay.
func keepReferences(n *source.Node, vars map[string]string) {
	if n.Kind == source.ScalarNode && strings.Contains(n.Text, "${") {
		n.Text = reference.ReplaceAllStringFunc(n.Text, func(ref string) string {
			name := strings.TrimSuffix(strings.TrimPrefix(ref, "${"), "}")
			if value, ok := vars[name]; ok {
				return value
			}
			return ref
		})
	}
	for _, e := range n.Entries {
		keepReferences(e.Value, vars)
	}
	for _, item := range n.Items {
		keepReferences(item, vars)
	}
}

// fillEnvironment replaces the references to environment variables, before all others:
// the values of variables may have them, too.
func fillEnvironment(n *source.Node, f *source.Faults) {
	if n.Kind == source.ScalarNode && strings.Contains(n.Text, "${env.") {
		n.Text = reference.ReplaceAllStringFunc(n.Text, func(ref string) string {
			value, why, ok := environment(strings.TrimSuffix(strings.TrimPrefix(ref, "${"), "}"))
			switch {
			case !ok:
				return ref
			case why != "":
				f.Add(n.Pos, "%s", why)
			}
			return value
		})
	}
	for _, e := range n.Entries {
		fillEnvironment(e.Value, f)
	}
	for _, item := range n.Items {
		fillEnvironment(item, f)
	}
}

// environmentName is that of an environment variable, as portable programs have them.
var environmentName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// environment reads "env.NAME" or "env.NAME:-DEFAULT"; ok reports whether it is one of
// them, and why what is wrong with it. As in a shell, the default also stands in for an
// empty value.
func environment(reference string) (value, why string, ok bool) {
	rest, ok := strings.CutPrefix(reference, "env.")
	if !ok {
		return "", "", false
	}
	name, fallback, given := strings.Cut(rest, ":-")
	value, set := os.LookupEnv(name)
	if value == "" && given {
		value, set = fallback, true
	}
	switch {
	case !environmentName.MatchString(name):
		why = fmt.Sprintf("${%s}: an environment variable is written ${env.NAME}, or ${env.NAME:-DEFAULT}", source.Printable(reference))
	case !set:
		why = fmt.Sprintf("the environment variable %s is not set: set it, or write ${env.%s:-DEFAULT}", name, name)
	case strings.Contains(value, "${") || strings.HasSuffix(value, "$"):
		why = fmt.Sprintf("the value of environment variable %s can neither hold ${ nor end in $", name)
	}
	return value, why, true
}

// checkValue refuses values that would make new references where they are put.
func checkValue(what string, n *source.Node, f *source.Faults) {
	if n.Kind == source.ScalarNode && (strings.Contains(n.Text, "${") || strings.HasSuffix(n.Text, "$")) {
		f.Add(n.Pos, "the value of %s can neither hold ${ nor end in $", what)
	}
}

// Setting is one --set key=value: the value of a variable, the one value of an axis of the
// matrix, or that of any place in the scenario by its path: proxy.driver=haproxy,
// load.clients.target=proxy/web, load.0.timeout=1s. The value is YAML.
type Setting struct{ Key, Value string }

// ParseSetting splits the text of a --set flag.
func ParseSetting(text string) (Setting, error) {
	key, value, ok := strings.Cut(text, "=")
	if !ok || key == "" {
		return Setting{}, fmt.Errorf("--set %s: write it as key=value", text)
	}
	return Setting{key, value}, nil
}

// apply changes the tree by a setting.
func (s Setting) apply(root *source.Node, f *source.Faults) {
	inner := source.NewFaults("", []byte(s.Value))
	value := &source.Node{Kind: source.ScalarNode}
	if s.Value != "" {
		value = source.ParseTree([]byte(s.Value), inner)
	}
	if len(inner.List) > 0 || value == nil {
		f.Add(source.Pos{}, "--set %s: %s", s.Key, inner.List[0].Msg)
		return
	}
	unplace(value)
	s.replaceConfig(root, value)
	if vars := root.Get("vars"); vars != nil && vars.Kind == source.MapNode {
		if old := vars.Get(s.Key); old != nil {
			keepPos(old, value)
			return
		}
	}
	if s.pin(root, value) {
		return
	}
	at := root
	words := strings.Split(s.Key, ".")
	for i, word := range words {
		last := i == len(words)-1
		next, known := step(at, word)
		if next == nil && at.Kind == source.MapNode && (i > 0 || last || slices.Contains(format.TopKeys(), word)) {
			// A key that is not written yet; the decoder says whether it exists.
			if i == 0 && !slices.Contains(format.TopKeys(), word) {
				f.Add(source.Pos{}, "--set %s: no variable, axis of the matrix or key of this name%s", s.Key, source.DidYouMean(word, slices.Concat(names(root.Get("vars")), names(root.Get("matrix")), format.TopKeys())))
				return
			}
			if i == 1 && words[0] == "vars" && !refersTo(root, word) {
				f.Add(source.Pos{}, "--set %s: no variable of this name, and nothing refers to one%s", s.Key, source.DidYouMean(word, names(root.Get("vars"))))
				return
			}
			next = &source.Node{Kind: source.MapNode}
			if last {
				next = value
			}
			at.Entries = append(at.Entries, source.Entry{Key: word, KeyPos: source.Pos{}, Value: next})
			at = next
			continue
		}
		if next == nil {
			f.Add(source.Pos{}, "--set %s: nothing is called %q here%s", s.Key, word, source.DidYouMean(word, known))
			return
		}
		if last {
			keepPos(next, value)
		}
		at = next
	}
}

// pin gives an axis of the matrix one value, which makes a variable of it, or the values
// of a list. It reports whether there is an axis of that name.
func (s Setting) pin(root, value *source.Node) bool {
	matrix := root.Get("matrix")
	if matrix == nil || matrix.Get(s.Key) == nil {
		return false
	}
	axis := matrix.Get(s.Key)
	keepPos(axis, value)
	if value.Kind != source.ScalarNode {
		return true
	}
	vars := root.Get("vars")
	switch {
	case vars == nil:
		vars = &source.Node{Kind: source.MapNode, Pos: matrix.Pos}
		root.Entries = append(root.Entries, source.Entry{Key: "vars", KeyPos: matrix.Pos, Value: vars})
	case vars.Kind == source.NullNode:
		vars.Kind = source.MapNode
	}
	i := slices.IndexFunc(matrix.Entries, func(e source.Entry) bool { return e.Key == s.Key })
	vars.Entries = append(vars.Entries, matrix.Entries[i])
	matrix.Entries = slices.Delete(matrix.Entries, i, i+1)
	if len(matrix.Entries) == 0 {
		root.Entries = slices.DeleteFunc(root.Entries, func(e source.Entry) bool { return e.Key == "matrix" })
	}
	return true
}

// refersTo reports whether a scalar below n has a reference to a variable. One that is set
// and that nothing refers to is a typing error: it would change nothing.
func refersTo(n *source.Node, name string) bool {
	return n.Kind == source.ScalarNode && strings.Contains(n.Text, "${"+name+"}") ||
		slices.ContainsFunc(n.Entries, func(e source.Entry) bool { return refersTo(e.Value, name) }) ||
		slices.ContainsFunc(n.Items, func(item *source.Node) bool { return refersTo(item, name) })
}

// replaceConfig makes a configuration that is set the only one: the scenario's own may
// be written the other way. The name of a file is one of the command line's, found from
// where that was typed before it is found from where the scenario lies.
func (s Setting) replaceConfig(root, value *source.Node) {
	other := map[string]string{"proxy.config": "configFile", "proxy.configFile": "config"}[s.Key]
	proxy := root.Get("proxy")
	if other == "" || proxy == nil {
		return
	}
	proxy.Entries = slices.DeleteFunc(proxy.Entries, func(e source.Entry) bool { return e.Key == other })
	if s.Key != "proxy.configFile" || value.Kind != source.ScalarNode || filepath.IsAbs(value.Text) {
		return
	}
	if path, err := filepath.Abs(value.Text); err == nil {
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			value.Text = path
		}
	}
}

// step finds a child by key, by index or by the name of a list's item.
func step(n *source.Node, word string) (child *source.Node, known []string) {
	switch n.Kind {
	case source.MapNode:
		for _, e := range n.Entries {
			known = append(known, e.Key)
		}
		return n.Get(word), known
	case source.SeqNode:
		if i, err := strconv.Atoi(word); err == nil && i >= 0 && i < len(n.Items) {
			return n.Items[i], nil
		}
		for _, item := range n.Items {
			if name := item.Get("name"); name != nil {
				if known = append(known, name.Text); name.Text == word {
					return item, nil
				}
			}
		}
	case source.ScalarNode, source.NullNode: // nothing is below them
	}
	return nil, known
}

// names are the keys of a mapping, none if it is nil.
func names(n *source.Node) (all []string) {
	if n != nil {
		for _, e := range n.Entries {
			all = append(all, e.Key)
		}
	}
	return all
}

// keepPos replaces a value; faults of the new one are shown at the old place.
func keepPos(old, value *source.Node) {
	pos := old.Pos
	*old = *value
	old.Pos = pos
}

// unplace removes the positions of a tree that is not from the file.
func unplace(n *source.Node) {
	n.Pos, n.Block = source.Pos{}, source.Pos{}
	for i := range n.Entries {
		n.Entries[i].KeyPos = source.Pos{}
		unplace(n.Entries[i].Value)
	}
	for _, item := range n.Items {
		unplace(item)
	}
}
