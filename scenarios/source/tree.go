// Package source is the text of a scenario as a tree whose values know their place, and
// the errors that name such places. What the values mean may not enter.
package source

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
	NullNode nodeKind = iota
	ScalarNode
	MapNode
	SeqNode
)

func (k nodeKind) String() string {
	return [...]string{"nothing", "a value", "a mapping", "a list"}[k]
}

// Node is a value of the file: the part of YAML a scenario needs, each with
// its place.
type Node struct {
	Kind  nodeKind
	Pos   Pos
	Text  string // of a scalar, as the file means it
	Plain bool   // written without quotes
	Bad   bool   // cannot be read; the fault has been noted
	// Block is the place of the first line of a literal block's text; its
	// columns start at block.Col.
	Block   Pos
	Entries []Entry // of a mapping
	Items   []*Node // of a list
}

// Entry is one key of a mapping.
type Entry struct {
	Key    string
	KeyPos Pos
	Value  *Node
}

// Get is the value of a key, nil if there is none.
func (n *Node) Get(key string) *Node {
	for i := range n.Entries {
		if n.Entries[i].Key == key {
			return n.Entries[i].Value
		}
	}
	return nil
}

// Clone copies the tree, so that a cell may be filled in.
func (n *Node) Clone() *Node {
	c := *n
	c.Entries = make([]Entry, len(n.Entries))
	for i, e := range n.Entries {
		c.Entries[i] = Entry{e.Key, e.KeyPos, e.Value.Clone()}
	}
	c.Items = make([]*Node, len(n.Items))
	for i, item := range n.Items {
		c.Items[i] = item.Clone()
	}
	return &c
}

// ParseTree reads the YAML of a scenario. Faults are noted; the result is nil
// when nothing can be made of the text.
func ParseTree(text []byte, f *Faults) *Node {
	file, err := parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		var syntax *yaml.SyntaxError
		if errors.As(err, &syntax) && syntax.Token != nil {
			pos := tokenPos(syntax.Token)
			f.Add(pos, "%s", f.explain(pos, syntax.Message))
		} else {
			f.Add(Pos{1, 1}, "%s", err)
		}
		return nil
	}
	var root ast.Node
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if root != nil {
			f.Add(tokenPos(doc.Start), "a scenario is one document; here begins a second one")
			return nil
		}
		root = doc.Body
	}
	if root == nil {
		f.Add(Pos{1, 1}, "the scenario is empty; `bench init` writes one to start from")
		return nil
	}
	b := &treeBuilder{f: f, text: text, anchors: map[string]ast.Node{}}
	return b.build(root)
}

// explain says in the words of a user what the YAML library complains about.
func (f *Faults) explain(pos Pos, message string) string {
	switch {
	case strings.Contains(message, "found character '\t'"):
		return "YAML is indented with spaces; this is a tab"
	case strings.Contains(message, "not allowed in this context"):
		return "this does not fit the lines above: is it indented like its neighbours, and does every \"KEY:\" have a space after the colon?"
	case strings.Contains(message, "must be specified") && pos.Line <= len(f.lines) && strings.Contains(f.lines[pos.Line-1], "${"):
		return message + "; within { } a text with ${...} needs quotes"
	case strings.Contains(message, "must be specified"):
		return strings.Replace(Printable(message), "must be specified", "is missing here or at the end of a line above", 1)
	}
	return Printable(message)
}

// treeBuilder turns the syntax tree of the YAML library into nodes.
type treeBuilder struct {
	f       *Faults
	text    []byte
	anchors map[string]ast.Node
	nodes   int
}

func (b *treeBuilder) build(n ast.Node) *Node {
	if n == nil {
		return &Node{Kind: NullNode}
	}
	at := tokenPos(n.GetToken())
	if b.nodes++; b.nodes > maxNodes {
		if b.nodes == maxNodes+1 {
			b.f.Add(at, "the scenario has more than %d values", maxNodes)
		}
		return &Node{Kind: NullNode, Pos: at}
	}
	switch v := n.(type) {
	case *ast.MappingNode:
		return b.mapping(v)
	case *ast.MappingValueNode:
		return b.mapping(&ast.MappingNode{Start: v.Start, Values: []*ast.MappingValueNode{v}})
	case *ast.SequenceNode:
		return b.sequence(v)
	case *ast.NullNode:
		return &Node{Kind: NullNode, Pos: at}
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
			b.f.Add(at, "the alias *%s has no anchor &%s before it", name, name)
			return &Node{Kind: NullNode, Pos: at}
		}
		return b.build(target)
	case *ast.TagNode:
		b.f.Add(at, "tags such as %s have no meaning here", Printable(v.GetToken().Value))
		return b.build(v.Value)
	case *ast.StringNode:
		kind := v.GetToken().Type
		return &Node{
			Kind: ScalarNode, Pos: at, Text: v.Value,
			Plain: kind != token.SingleQuoteType && kind != token.DoubleQuoteType,
		}
	}
	return &Node{Kind: ScalarNode, Pos: at, Text: n.GetToken().Value, Plain: true}
}

func (b *treeBuilder) literal(v *ast.LiteralNode) *Node {
	n := &Node{Kind: ScalarNode, Pos: tokenPos(v.Start)}
	if v.Value != nil {
		n.Text = v.Value.Value
	}
	// The text starts on the line after the indicator; its indentation is that
	// of the first line with text, which is also what YAML strips.
	lines := strings.Split(string(b.text), "\n")
	for i := n.Pos.Line; i < len(lines); i++ {
		if trimmed := strings.TrimLeft(lines[i], " "); strings.TrimSpace(trimmed) != "" {
			n.Block = Pos{n.Pos.Line + 1, len(lines[i]) - len(trimmed) + 1}
			break
		}
	}
	return n
}

func (b *treeBuilder) mapping(v *ast.MappingNode) *Node {
	n := &Node{Kind: MapNode, Pos: tokenPos(v.Start)}
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
			last := n.Entries[len(n.Entries)-1].Value
			last.Text += ", " + key.Value
			open = unclosed(last.Text)
			if _, null := e.Value.(*ast.NullNode); !null {
				b.f.Add(at, "the parenthesis of %q is not closed", Printable(last.Text))
				open = false
			}
			continue
		}
		switch e.Key.(type) {
		case *ast.MergeKeyNode:
			b.f.Add(at, "merge keys (<<) are not supported; an alias is")
			continue
		case *ast.MappingKeyNode:
			b.f.Add(at, "a key is a word; complex keys (?) are not supported")
			continue
		}
		if old := n.entryPos(key.Value); old.Line > 0 {
			b.f.Add(at, "key %q is given twice, first on line %d", Printable(key.Value), old.Line)
			continue
		}
		value := b.build(e.Value)
		if value.Pos.Line == 0 {
			value.Pos = at
		}
		if len(n.Entries) == 0 {
			// The library places a block mapping at its first colon.
			n.Pos = at
		}
		n.Entries = append(n.Entries, Entry{key.Value, at, value})
		open = v.IsFlowStyle && value.Kind == ScalarNode && value.Plain && unclosed(value.Text)
	}
	if open {
		last := n.Entries[len(n.Entries)-1].Value
		b.f.Add(last.Pos, "the parenthesis of %q is not closed", Printable(last.Text))
	}
	return n
}

func (b *treeBuilder) sequence(v *ast.SequenceNode) *Node {
	n := &Node{Kind: SeqNode, Pos: tokenPos(v.Start)}
	for _, item := range v.Values {
		value := b.build(item)
		if last := len(n.Items) - 1; last >= 0 && v.IsFlowStyle && n.Items[last].Kind == ScalarNode &&
			n.Items[last].Plain && unclosed(n.Items[last].Text) && value.Kind == ScalarNode {
			n.Items[last].Text += ", " + value.Text
			continue
		}
		n.Items = append(n.Items, value)
	}
	return n
}

func (n *Node) entryPos(key string) Pos {
	for _, e := range n.Entries {
		if e.Key == key {
			return e.KeyPos
		}
	}
	return Pos{}
}

// unclosed reports whether s has more opening parentheses than closing ones.
func unclosed(s string) bool {
	return strings.Count(s, "(") > strings.Count(s, ")")
}

func tokenPos(t *token.Token) Pos {
	if t == nil || t.Position == nil {
		return Pos{1, 1}
	}
	return Pos{t.Position.Line, t.Position.Column}
}
