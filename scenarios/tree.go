package scenarios

import (
	"errors"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// maxNodes bounds the size of a scenario after its aliases are expanded.
const maxNodes = 100_000

type nodeKind int

const (
	nullNode nodeKind = iota
	scalarNode
	mapNode
	seqNode
)

func (k nodeKind) String() string {
	return [...]string{"nothing", "a value", "a mapping", "a list"}[k]
}

// node is a value of the file: the part of YAML a scenario needs, each with
// its place.
type node struct {
	kind  nodeKind
	pos   Pos
	text  string // of a scalar, as the file means it
	plain bool   // written without quotes
	bad   bool   // cannot be read; the fault has been noted
	// block is the place of the first line of a literal block's text; its
	// columns start at block.Col.
	block   Pos
	entries []entry // of a mapping
	items   []*node // of a list
}

// entry is one key of a mapping.
type entry struct {
	key    string
	keyPos Pos
	value  *node
}

// get is the value of a key, nil if there is none.
func (n *node) get(key string) *node {
	for i := range n.entries {
		if n.entries[i].key == key {
			return n.entries[i].value
		}
	}
	return nil
}

// clone copies the tree, so that a cell may be filled in.
func (n *node) clone() *node {
	c := *n
	c.entries = make([]entry, len(n.entries))
	for i, e := range n.entries {
		c.entries[i] = entry{e.key, e.keyPos, e.value.clone()}
	}
	c.items = make([]*node, len(n.items))
	for i, item := range n.items {
		c.items[i] = item.clone()
	}
	return &c
}

// parseTree reads the YAML of a scenario. Faults are noted; the result is nil
// when nothing can be made of the text.
func parseTree(text []byte, f *faults) *node {
	file, err := parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		var syntax *yaml.SyntaxError
		if errors.As(err, &syntax) && syntax.Token != nil {
			pos := tokenPos(syntax.Token)
			f.add(pos, "%s", f.explain(pos, syntax.Message))
		} else {
			f.add(Pos{1, 1}, "%s", err)
		}
		return nil
	}
	var root ast.Node
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if root != nil {
			f.add(tokenPos(doc.Start), "a scenario is one document; here begins a second one")
			return nil
		}
		root = doc.Body
	}
	if root == nil {
		f.add(Pos{1, 1}, "the scenario is empty; `bench init` writes one to start from")
		return nil
	}
	b := &treeBuilder{f: f, text: text, anchors: map[string]ast.Node{}}
	return b.build(root)
}

// explain says in the words of a user what the YAML library complains about.
func (f *faults) explain(pos Pos, message string) string {
	switch {
	case strings.Contains(message, "found character '\t'"):
		return "YAML is indented with spaces; this is a tab"
	case strings.Contains(message, "not allowed in this context"):
		return "this does not fit the lines above: is it indented like its neighbours, and does every \"KEY:\" have a space after the colon?"
	case strings.Contains(message, "must be specified") && pos.Line <= len(f.lines) && strings.Contains(f.lines[pos.Line-1], "${"):
		return message + "; within { } a text with ${...} needs quotes"
	case strings.Contains(message, "must be specified"):
		return strings.Replace(printable(message), "must be specified", "is missing here or at the end of a line above", 1)
	}
	return printable(message)
}

// treeBuilder turns the syntax tree of the YAML library into nodes.
type treeBuilder struct {
	f       *faults
	text    []byte
	anchors map[string]ast.Node
	nodes   int
}

func (b *treeBuilder) build(n ast.Node) *node {
	if n == nil {
		return &node{kind: nullNode}
	}
	at := tokenPos(n.GetToken())
	if b.nodes++; b.nodes > maxNodes {
		if b.nodes == maxNodes+1 {
			b.f.add(at, "the scenario has more than %d values", maxNodes)
		}
		return &node{kind: nullNode, pos: at}
	}
	switch v := n.(type) {
	case *ast.MappingNode:
		return b.mapping(v)
	case *ast.MappingValueNode:
		return b.mapping(&ast.MappingNode{Start: v.Start, Values: []*ast.MappingValueNode{v}})
	case *ast.SequenceNode:
		return b.sequence(v)
	case *ast.NullNode:
		return &node{kind: nullNode, pos: at}
	case *ast.LiteralNode:
		return b.literal(v)
	case *ast.AnchorNode:
		name := v.Name.GetToken().Value
		value := b.build(v.Value)
		b.anchors[name] = v.Value
		return value
	case *ast.AliasNode:
		name := v.Value.GetToken().Value
		target, ok := b.anchors[name]
		if !ok {
			b.f.add(at, "the alias *%s has no anchor &%s before it", name, name)
			return &node{kind: nullNode, pos: at}
		}
		return b.build(target)
	case *ast.TagNode:
		b.f.add(at, "tags such as %s have no meaning here", printable(v.GetToken().Value))
		return b.build(v.Value)
	case *ast.StringNode:
		kind := v.GetToken().Type
		return &node{
			kind: scalarNode, pos: at, text: v.Value,
			plain: kind != token.SingleQuoteType && kind != token.DoubleQuoteType,
		}
	}
	return &node{kind: scalarNode, pos: at, text: n.GetToken().Value, plain: true}
}

func (b *treeBuilder) literal(v *ast.LiteralNode) *node {
	n := &node{kind: scalarNode, pos: tokenPos(v.Start)}
	if v.Value != nil {
		n.text = v.Value.Value
	}
	// The text starts on the line after the indicator; its indentation is that
	// of the first line with text, which is also what YAML strips.
	lines := strings.Split(string(b.text), "\n")
	for i := n.pos.Line; i < len(lines); i++ {
		if trimmed := strings.TrimLeft(lines[i], " "); strings.TrimSpace(trimmed) != "" {
			n.block = Pos{n.pos.Line + 1, len(lines[i]) - len(trimmed) + 1}
			break
		}
	}
	return n
}

func (b *treeBuilder) mapping(v *ast.MappingNode) *node {
	n := &node{kind: mapNode, pos: tokenPos(v.Start)}
	open := false // the last value is a call whose parenthesis is not closed yet
	for _, e := range v.Values {
		if e.Key == nil {
			continue
		}
		key := e.Key.GetToken()
		at := tokenPos(key)
		// In a flow mapping YAML ends a value at any comma, also at the one of
		// lognormal(2ms, 0.5). Nobody means that: the rest is put back.
		if open {
			last := n.entries[len(n.entries)-1].value
			last.text += ", " + key.Value
			open = unclosed(last.text)
			if _, null := e.Value.(*ast.NullNode); !null {
				b.f.add(at, "the parenthesis of %q is not closed", printable(last.text))
				open = false
			}
			continue
		}
		switch e.Key.(type) {
		case *ast.MergeKeyNode:
			b.f.add(at, "merge keys (<<) are not supported; an alias is")
			continue
		case *ast.MappingKeyNode:
			b.f.add(at, "a key is a word; complex keys (?) are not supported")
			continue
		}
		if old := n.entryPos(key.Value); old.Line > 0 {
			b.f.add(at, "key %q is given twice, first on line %d", printable(key.Value), old.Line)
			continue
		}
		value := b.build(e.Value)
		if value.pos.Line == 0 {
			value.pos = at
		}
		if len(n.entries) == 0 {
			// The library places a block mapping at its first colon.
			n.pos = at
		}
		n.entries = append(n.entries, entry{key.Value, at, value})
		open = v.IsFlowStyle && value.kind == scalarNode && value.plain && unclosed(value.text)
	}
	if open {
		last := n.entries[len(n.entries)-1].value
		b.f.add(last.pos, "the parenthesis of %q is not closed", printable(last.text))
	}
	return n
}

func (b *treeBuilder) sequence(v *ast.SequenceNode) *node {
	n := &node{kind: seqNode, pos: tokenPos(v.Start)}
	for _, item := range v.Values {
		value := b.build(item)
		if last := len(n.items) - 1; last >= 0 && v.IsFlowStyle && n.items[last].kind == scalarNode &&
			n.items[last].plain && unclosed(n.items[last].text) && value.kind == scalarNode {
			n.items[last].text += ", " + value.text
			continue
		}
		n.items = append(n.items, value)
	}
	return n
}

func (n *node) entryPos(key string) Pos {
	for _, e := range n.entries {
		if e.key == key {
			return e.keyPos
		}
	}
	return Pos{}
}

// unclosed tells whether s has more opening parentheses than closing ones.
func unclosed(s string) bool {
	return strings.Count(s, "(") > strings.Count(s, ")")
}

func tokenPos(t *token.Token) Pos {
	if t == nil || t.Position == nil {
		return Pos{1, 1}
	}
	return Pos{t.Position.Line, t.Position.Column}
}
