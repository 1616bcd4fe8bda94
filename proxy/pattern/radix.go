package pattern

import (
	"slices"
	"strings"
)

// radix is a tree of texts by their beginnings: nodes in one slice, the children of
// one side by side, labels in one text.
type radix struct {
	nodes  []node
	labels string
}

type node struct {
	label    uint32 // offset of the rest of the edge's text after its first byte
	children uint32 // index of the first one
	len      uint16 // of the label
	count    uint16 // of the children
	first    byte   // of the edge's text
	end      bool   // a text ends here
}

// maxLabel is the longest label; longer texts take several nodes.
const maxLabel = 1<<16 - 2

func newRadix(all []string) *radix {
	all = slices.Clone(all)
	slices.Sort(all)
	r := &radix{nodes: []node{{}}}
	var labels strings.Builder
	r.fill(0, slices.Compact(all), 0, &labels)
	r.labels = labels.String()
	return r
}

// fill makes the children of a node: all are the sorted texts below it, which have
// depth bytes in common.
func (r *radix) fill(at int, all []string, depth int, labels *strings.Builder) {
	if len(all[0]) == depth {
		r.nodes[at].end = true
		if all = all[1:]; len(all) == 0 {
			return
		}
	}
	var groups [][]string
	for from := 0; from < len(all); {
		to := from + 1
		for to < len(all) && all[to][depth] == all[from][depth] {
			to++
		}
		groups = append(groups, all[from:to])
		from = to
	}
	first := len(r.nodes)
	r.nodes[at].children, r.nodes[at].count = uint32(first), uint16(len(groups))
	r.nodes = append(r.nodes, make([]node, len(groups))...)
	for i, g := range groups {
		n := min(common(g[0], g[len(g)-1]), depth+1+maxLabel)
		c := &r.nodes[first+i]
		c.first, c.label, c.len = g[0][depth], uint32(labels.Len()), uint16(n-depth-1)
		labels.WriteString(g[0][depth+1 : n])
		r.fill(first+i, g, n, labels)
	}
}

// common is how many bytes two texts begin with alike.
func common(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// child is the child of a node whose edge begins with a byte, nil if there is none.
func (r *radix) child(n *node, c byte) *node {
	kids := r.nodes[n.children : n.children+uint32(n.count)]
	if len(kids) <= few {
		for i := range kids {
			if kids[i].first == c {
				return &kids[i]
			}
		}
		return nil
	}
	lo, hi := 0, len(kids)
	for lo < hi {
		if mid := int(uint(lo+hi) >> 1); kids[mid].first < c {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < len(kids) && kids[lo].first == c {
		return &kids[lo]
	}
	return nil
}

// prefixes matches texts that begin with one of the tree's. Where ends is not nil,
// the match must reach to the end of the text or to one of its bytes.
type prefixes struct {
	tree *radix
	ends *[256]bool
}

func (p *prefixes) match(b []byte) bool {
	r := p.tree
	n, pos := &r.nodes[0], 0
	for {
		if n.end && (p.ends == nil || pos == len(b) || p.ends[b[pos]]) {
			return true
		}
		if pos == len(b) {
			return false
		}
		if n = r.child(n, b[pos]); n == nil {
			return false
		}
		pos++
		label := r.labels[n.label : n.label+uint32(n.len)]
		if len(b)-pos < len(label) || string(b[pos:pos+len(label)]) != label {
			return false
		}
		pos += len(label)
	}
}

// reversed matches texts that end with one of the tree's, which are reversed.
type reversed struct{ tree *radix }

func (p *reversed) match(b []byte) bool {
	r := p.tree
	n, pos := &r.nodes[0], len(b)
	for {
		if n.end {
			return true
		}
		if pos == 0 {
			return false
		}
		pos--
		if n = r.child(n, b[pos]); n == nil {
			return false
		}
		label := r.labels[n.label : n.label+uint32(n.len)]
		if pos < len(label) {
			return false
		}
		for i := range len(label) {
			if b[pos-1-i] != label[i] {
				return false
			}
		}
		pos -= len(label)
	}
}

// components matches texts that have one of the tree's between two delimiters, or a
// delimiter and an end.
type components struct{ prefixes }

func newComponents(all []string, delimiters string) texts {
	ends := &[256]bool{}
	for i := range len(delimiters) {
		ends[delimiters[i]] = true
	}
	trimmed := make([]string, 0, len(all))
	for _, s := range all {
		// Delimiters around a pattern are there anyway.
		if s = strings.Trim(s, delimiters); s != "" {
			trimmed = append(trimmed, s)
		}
	}
	if len(trimmed) == 0 {
		return several(nil)
	}
	return &components{prefixes{newRadix(trimmed), ends}}
}

func (c *components) match(b []byte) bool {
	for i := range b {
		if (i == 0 || c.ends[b[i-1]]) && c.prefixes.match(b[i:]) {
			return true
		}
	}
	return false
}
