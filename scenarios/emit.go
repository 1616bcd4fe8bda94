package scenarios

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
)

// plainWord is a scalar that needs no quotes anywhere in YAML.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./][A-Za-z0-9_./+-]*$`)

// emit writes a tree as block YAML. Every scalar that could be read as
// something else is quoted.
func emit(n *node) []byte {
	var b bytes.Buffer
	emitEntries(&b, n, "")
	return b.Bytes()
}

func emitEntries(b *bytes.Buffer, n *node, indent string) {
	for i, e := range n.entries {
		if i > 0 || b.Len() == 0 {
			b.WriteString(indent)
		}
		b.WriteString(quoteWord(e.key) + ":")
		emitValue(b, e.value, indent+"  ")
	}
}

// emitValue writes what follows a colon or a dash.
func emitValue(b *bytes.Buffer, n *node, indent string) {
	switch {
	case n.kind == nullNode:
		b.WriteString(" null\n")
	case n.kind == mapNode && len(n.entries) == 0:
		b.WriteString(" {}\n")
	case n.kind == seqNode && len(n.items) == 0:
		b.WriteString(" []\n")
	case n.kind == mapNode:
		b.WriteString("\n" + indent)
		emitEntries(b, n, indent)
	case n.kind == seqNode:
		b.WriteString("\n")
		for _, item := range n.items {
			b.WriteString(indent + "-")
			emitItem(b, item, indent+"  ")
		}
	case literalSafe(n.text):
		b.WriteString(" |\n")
		for line := range strings.SplitSeq(strings.TrimSuffix(n.text, "\n"), "\n") {
			if line != "" {
				line = indent + line
			}
			b.WriteString(line + "\n")
		}
	default:
		b.WriteString(" " + quoteWord(n.text) + "\n")
	}
}

// emitItem writes a list's item: a mapping starts on the line of its dash.
func emitItem(b *bytes.Buffer, n *node, indent string) {
	if n.kind == mapNode && len(n.entries) > 0 {
		b.WriteString(" ")
		emitEntries(b, n, indent)
		return
	}
	emitValue(b, n, indent)
}

// literalSafe tells whether a text may stand in a literal block as it is.
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
