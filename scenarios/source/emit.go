package source

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
)

// plainWord is a scalar that needs no quotes anywhere in YAML.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./][A-Za-z0-9_./+-]*$`)

// Emit writes a tree as block YAML. Every scalar that could be read as
// something else is quoted.
func Emit(n *Node) []byte {
	var b bytes.Buffer
	emitEntries(&b, n, "")
	return b.Bytes()
}

func emitEntries(b *bytes.Buffer, n *Node, indent string) {
	for i, e := range n.Entries {
		if i > 0 || b.Len() == 0 {
			b.WriteString(indent)
		}
		b.WriteString(quoteWord(e.Key) + ":")
		emitValue(b, e.Value, indent+"  ")
	}
}

// emitValue writes what follows a colon or a dash.
func emitValue(b *bytes.Buffer, n *Node, indent string) {
	switch {
	case n.Kind == NullNode:
		b.WriteString(" null\n")
	case n.Kind == MapNode && len(n.Entries) == 0:
		b.WriteString(" {}\n")
	case n.Kind == SeqNode && len(n.Items) == 0:
		b.WriteString(" []\n")
	case n.Kind == MapNode:
		b.WriteString("\n" + indent)
		emitEntries(b, n, indent)
	case n.Kind == SeqNode:
		b.WriteString("\n")
		for _, item := range n.Items {
			b.WriteString(indent + "-")
			emitItem(b, item, indent+"  ")
		}
	case literalSafe(n.Text):
		b.WriteString(" |\n")
		for line := range strings.SplitSeq(strings.TrimSuffix(n.Text, "\n"), "\n") {
			if line != "" {
				line = indent + line
			}
			b.WriteString(line + "\n")
		}
	default:
		b.WriteString(" " + quoteWord(n.Text) + "\n")
	}
}

// emitItem writes a list's item: a mapping starts on the line of its dash.
func emitItem(b *bytes.Buffer, n *Node, indent string) {
	if n.Kind == MapNode && len(n.Entries) > 0 {
		b.WriteString(" ")
		emitEntries(b, n, indent)
		return
	}
	emitValue(b, n, indent)
}

// literalSafe reports whether a text may stand in a literal block as it is.
func literalSafe(s string) bool {
	if !strings.HasSuffix(s, "\n") || strings.HasSuffix(s, "\n\n") || strings.HasPrefix(s, " ") || strings.HasPrefix(s, "\n") {
		return false
	}
	for _, r := range s {
		if r != '\n' && (r < ' ' || r == 0x7f || r > 0x7e && !strconv.IsPrint(r)) {
			return false
		}
	}
	return true
}

func quoteWord(s string) string {
	if plainWord.MatchString(s) || strings.HasPrefix(s, "${") && strings.Count(s, "$") == 1 && strings.IndexByte(s, '}') == len(s)-1 {
		return s
	}
	return strconv.Quote(s)
}
