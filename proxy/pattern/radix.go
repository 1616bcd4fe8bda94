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
	// values are what texts lead to, by the node at which they end; nil in sets.
	values []int32
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
	return sortedRadix(slices.Compact(all), nil)
}

// sortedRadix makes a tree of texts in order, with a value for each, or none.
func sortedRadix(all []string, values []int32) *radix {
	r := &radix{nodes: []node{{}}}
	if len(all) == 0 {
		return r
	}
	if values != nil {
		r.values = []int32{-1}
	}
	var labels strings.Builder
	r.fill(0, all, values, 0, &labels)
	r.labels = labels.String()
	return r
}

// fill makes the children of a node: all are the sorted texts below it, which have
// depth bytes in common.
func (r *radix) fill(at int, all []string, values []int32, depth int, labels *strings.Builder) {
	if len(all[0]) == depth {
		r.nodes[at].end = true
		if values != nil {
			r.values[at], values = values[0], values[1:]
		}
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
	for range groups {
		if values != nil {
			r.values = append(r.values, -1)
		}
	}
	for i, g := range groups {
		n := min(common(g[0], g[len(g)-1]), depth+1+maxLabel)
		c := &r.nodes[first+i]
		c.first, c.label, c.len = g[0][depth], uint32(labels.Len()), uint16(n-depth-1)
		labels.WriteString(g[0][depth+1 : n])
		var below []int32
		if values != nil {
			below, values = values[:len(g)], values[len(g):]
		}
		r.fill(first+i, g, below, n, labels)
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

// child is the child of a node whose edge begins with a byte, -1 if there is none.
func (r *radix) child(n *node, c byte) int {
	kids := r.nodes[n.children : n.children+uint32(n.count)]
	if len(kids) <= few {
		for i := range kids {
			if kids[i].first == c {
				return int(n.children) + i
			}
		}
		return -1
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
		return int(n.children) + lo
	}
	return -1
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
		at := r.child(n, b[pos])
		if at < 0 {
			return false
		}
		n = &r.nodes[at]
		pos++
		label := r.labels[n.label : n.label+uint32(n.len)]
		if len(b)-pos < len(label) || string(b[pos:pos+len(label)]) != label {
			return false
		}
		pos += len(label)
	}
}

// anywhere matches texts that have one of the tree's somewhere.
type anywhere struct{ prefixes }

func (a anywhere) match(b []byte) bool {
	for i := range b {
		if a.prefixes.match(b[i:]) {
			return true
		}
	}
	return false
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
		at := r.child(n, b[pos])
		if at < 0 {
			return false
		}
		n = &r.nodes[at]
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
	return &components{prefixes{newRadix(trimmed), byteTable(delimiters)}}
}

// byteTable has the bytes of a text.
func byteTable(of string) *[256]bool {
	t := &[256]bool{}
	for i := range len(of) {
		t[of[i]] = true
	}
	return t
}

func (c *components) match(b []byte) bool {
	for i := range b {
		if (i == 0 || c.ends[b[i-1]]) && c.prefixes.match(b[i:]) {
			return true
		}
	}
	return false
}
