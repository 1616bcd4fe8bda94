package scenarios

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// reference is ${name}; $${name} stands for the text itself.
var reference = regexp.MustCompile(`\$?\$\{([^}]*)\}`)

// substitute replaces the references of every scalar below n. Names are looked
// up in vars; unknown ones are faults.
func substitute(n *node, vars map[string]string, f *faults) {
	if n.kind == scalarNode && strings.Contains(n.text, "${") {
		n.text = reference.ReplaceAllStringFunc(n.text, func(ref string) string {
			if strings.HasPrefix(ref, "$$") {
				return ref[1:]
			}
			name := ref[2 : len(ref)-1]
			value, ok := vars[name]
			if !ok {
				n.bad = true
				f.add(n.pos, "${%s} is neither a variable nor an axis of the matrix%s",
					printable(name), didYouMean(name, slices.Sorted(maps.Keys(vars))))
			}
			return value
		})
	}
	for _, e := range n.entries {
		substitute(e.value, vars, f)
	}
	for _, item := range n.items {
		substitute(item, vars, f)
	}
}

// keepReferences is substitute for the resolved text: variables are filled in,
// the axes of the matrix and escaped references stay.
func keepReferences(n *node, vars map[string]string) {
	if n.kind == scalarNode && strings.Contains(n.text, "${") {
		n.text = reference.ReplaceAllStringFunc(n.text, func(ref string) string {
			name := strings.TrimSuffix(strings.TrimPrefix(ref, "${"), "}")
			if value, ok := vars[name]; ok {
				return value
			}
			return ref
		})
	}
	for _, e := range n.entries {
		keepReferences(e.value, vars)
	}
	for _, item := range n.items {
		keepReferences(item, vars)
	}
}

// fillEnvironment replaces the references to environment variables, before all others:
// the values of variables may have them, too.
func fillEnvironment(n *node, f *faults) {
	if n.kind == scalarNode && strings.Contains(n.text, "${env.") {
		n.text = reference.ReplaceAllStringFunc(n.text, func(ref string) string {
			value, why, ok := environment(strings.TrimSuffix(strings.TrimPrefix(ref, "${"), "}"))
			switch {
			case !ok:
				return ref
			case why != "":
				f.add(n.pos, "%s", why)
			}
			return value
		})
	}
	for _, e := range n.entries {
		fillEnvironment(e.value, f)
	}
	for _, item := range n.items {
		fillEnvironment(item, f)
	}
}

// environmentName is that of an environment variable, as portable programs have them.
var environmentName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// environment reads "env.NAME" or "env.NAME:-DEFAULT"; ok tells whether it is one of
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
		why = fmt.Sprintf("${%s}: an environment variable is written ${env.NAME}, or ${env.NAME:-DEFAULT}", printable(reference))
	case !set:
		why = fmt.Sprintf("the environment variable %s is not set: set it, or write ${env.%s:-DEFAULT}", name, name)
	case strings.Contains(value, "${") || strings.HasSuffix(value, "$"):
		why = fmt.Sprintf("the value of environment variable %s can neither hold ${ nor end in $", name)
	}
	return value, why, true
}

// checkValue refuses values that would make new references where they are put.
func checkValue(what string, n *node, f *faults) {
	if n.kind == scalarNode && (strings.Contains(n.text, "${") || strings.HasSuffix(n.text, "$")) {
		f.add(n.pos, "the value of %s can neither hold ${ nor end in $", what)
	}
}

// Setting is one --set key=value: the value of a variable, or of any place in
// the scenario by its path: proxy.driver=haproxy, load.clients.target=proxy/web,
// load.0.timeout=1s. The value is YAML.
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
func (s Setting) apply(root *node, f *faults) {
	inner := newFaults("", []byte(s.Value))
	value := &node{kind: scalarNode}
	if s.Value != "" {
		value = parseTree([]byte(s.Value), inner)
	}
	if len(inner.list) > 0 || value == nil {
		f.add(Pos{}, "--set %s: %s", s.Key, inner.list[0].Msg)
		return
	}
	unplace(value)
	s.replaceConfig(root, value)
	if vars := root.get("vars"); vars != nil && vars.kind == mapNode {
		if old := vars.get(s.Key); old != nil {
			keepPos(old, value)
			return
		}
	}
	at := root
	words := strings.Split(s.Key, ".")
	for i, word := range words {
		last := i == len(words)-1
		next, known := step(at, word)
		if next == nil && at.kind == mapNode && (i > 0 || last || slices.Contains(topKeys(), word)) {
			// A key that is not written yet; the decoder says whether it exists.
			if i == 0 && !slices.Contains(topKeys(), word) {
				f.add(Pos{}, "--set %s: no variable or key of this name%s", s.Key, didYouMean(word, append(varNames(root), topKeys()...)))
				return
			}
			next = &node{kind: mapNode}
			if last {
				next = value
			}
			at.entries = append(at.entries, entry{word, Pos{}, next})
			at = next
			continue
		}
		if next == nil {
			f.add(Pos{}, "--set %s: nothing is called %q here%s", s.Key, word, didYouMean(word, known))
			return
		}
		if last {
			keepPos(next, value)
		}
		at = next
	}
}

// replaceConfig makes a configuration that is set the only one: the scenario's own may
// be written the other way. The name of a file is one of the command line's, found from
// where that was typed before it is found from where the scenario lies.
func (s Setting) replaceConfig(root, value *node) {
	other := map[string]string{"proxy.config": "configFile", "proxy.configFile": "config"}[s.Key]
	proxy := root.get("proxy")
	if other == "" || proxy == nil {
		return
	}
	proxy.entries = slices.DeleteFunc(proxy.entries, func(e entry) bool { return e.key == other })
	if s.Key != "proxy.configFile" || value.kind != scalarNode || filepath.IsAbs(value.text) {
		return
	}
	if path, err := filepath.Abs(value.text); err == nil {
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			value.text = path
		}
	}
}

// step finds a child by key, by index or by the name of a list's item.
func step(n *node, word string) (child *node, known []string) {
	switch n.kind {
	case mapNode:
		for _, e := range n.entries {
			known = append(known, e.key)
		}
		return n.get(word), known
	case seqNode:
		if i, err := strconv.Atoi(word); err == nil && i >= 0 && i < len(n.items) {
			return n.items[i], nil
		}
		for _, item := range n.items {
			if name := item.get("name"); name != nil {
				if known = append(known, name.text); name.text == word {
					return item, nil
				}
			}
		}
	case scalarNode, nullNode: // nothing is below them
	}
	return nil, known
}

func varNames(root *node) []string {
	var names []string
	if vars := root.get("vars"); vars != nil {
		for _, e := range vars.entries {
			names = append(names, e.key)
		}
	}
	return names
}

// keepPos replaces a value; faults of the new one are shown at the old place.
func keepPos(old, value *node) {
	pos := old.pos
	*old = *value
	old.pos = pos
}

// unplace removes the positions of a tree that is not from the file.
func unplace(n *node) {
	n.pos, n.block = Pos{}, Pos{}
	for i := range n.entries {
		n.entries[i].keyPos = Pos{}
		unplace(n.entries[i].value)
	}
	for _, item := range n.items {
		unplace(item)
	}
}
