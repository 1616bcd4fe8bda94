package rule

import (
	"bytes"
	"slices"

	"bench/proxy/txn"
)

// normalizer is one way to write alike what means the same (RFC 3986, section 6.2.2).
type normalizer struct {
	name   string
	option string // what may follow; "" for nothing
	query  bool   // it is about path and query, rather than the path
	// run appends what b is like afterwards; false if b is not valid.
	run func(dst, b []byte, option bool) ([]byte, bool)
}

func normalizers() []normalizer {
	return []normalizer{
		{name: "fragment-encode", query: true, run: func(dst, b []byte, _ bool) ([]byte, bool) {
			return append(dst, bytes.ReplaceAll(b, []byte("#"), []byte("%23"))...), true
		}},
		{name: "fragment-strip", query: true, run: func(dst, b []byte, _ bool) ([]byte, bool) {
			b, _, _ = bytes.Cut(b, []byte("#"))
			return append(dst, b...), true
		}},
		{name: "path-merge-slashes", run: mergeSlashes},
		{name: "path-strip-dot", run: stripDot},
		{name: "path-strip-dotdot", option: "full", run: stripDotDot},
		{name: "percent-decode-unreserved", option: "strict", query: true, run: decodeUnreserved},
		{name: "percent-to-uppercase", option: "strict", query: true, run: percentUpper},
		{name: "query-sort-by-name", query: true, run: sortQuery},
	}
}

func normalizerNames() []string {
	var names []string
	for _, n := range normalizers() {
		names = append(names, n.name)
	}
	return names
}

func parseNormalize(p *Parser, r *Rule) error {
	w, err := p.word("a normalizer")
	if err != nil {
		return err
	}
	all := normalizers()
	i := slices.IndexFunc(all, func(n normalizer) bool { return n.name == w })
	if i < 0 {
		return p.unknownWord("normalizer", w, normalizerNames())
	}
	n := all[i]
	option := n.option != "" && p.optional(n.option) != ""
	if n.query {
		r.number = 1
	}
	r.rewrite = func(dst, b []byte) ([]byte, bool) { return n.run(dst, b, option) }
	return nil
}

func normalize(x *Runner, r *Rule) txn.Verdict {
	req := x.Ctx.Txn.Req
	if !hasPath(req) {
		return txn.Next
	}
	b := req.Path()
	if r.number == 1 {
		b = req.PathAndQuery()
	}
	var ok bool
	if x.scrap, ok = r.rewrite(x.scrap[:0], b); !ok {
		x.out.Status, x.out.Invalid = 400, true
		return txn.Answered
	}
	switch {
	case bytes.Equal(x.scrap, b):
		return txn.Next
	case r.number == 1:
		return x.pathq(x.scrap)
	}
	return x.path(x.scrap)
}

func mergeSlashes(dst, b []byte, _ bool) ([]byte, bool) {
	for i, c := range b {
		if c != '/' || i == 0 || b[i-1] != '/' {
			dst = append(dst, c)
		}
	}
	return dst, true
}

// stripDot leaves out segments that are one dot.
func stripDot(dst, b []byte, _ bool) ([]byte, bool) {
	for rest := b; len(rest) > 0; {
		segment, more, slash := bytes.Cut(rest, []byte("/"))
		rest = more
		if string(segment) == "." {
			continue
		}
		dst = append(dst, segment...)
		if slash {
			dst = append(dst, '/')
		}
	}
	return dst, true
}

// stripDotDot lets segments of two dots take away the one before. Those at the beginning
// stay, or with the option go as well.
func stripDotDot(dst, b []byte, full bool) ([]byte, bool) {
	start := len(dst)
	stays := start // what lies before it cannot be taken away
	for rest := b; len(rest) > 0; {
		segment, more, slash := bytes.Cut(rest, []byte("/"))
		rest = more
		if string(segment) != ".." {
			dst = append(dst, segment...)
			if slash {
				dst = append(dst, '/')
			}
			if len(dst) == start+1 && slash {
				stays = len(dst) // the slash that paths begin with
			}
			continue
		}
		switch {
		case len(dst) > stays:
			dst = dst[:bytes.LastIndexByte(dst[:len(dst)-1], '/')+1]
		case !full:
			dst = append(dst, "../"...)
			stays = len(dst)
		}
	}
	return dst, true
}

// decodeUnreserved decodes what need not be encoded (RFC 3986, section 2.3).
func decodeUnreserved(dst, b []byte, strict bool) ([]byte, bool) {
	for i := 0; i < len(b); i++ {
		if b[i] != '%' {
			dst = append(dst, b[i])
			continue
		}
		c, ok := percent(b[i:])
		switch {
		case !ok && strict:
			return dst, false
		case !ok:
			dst = append(dst, '%')
		case unreserved(c):
			dst = append(dst, c)
			i += 2
		default:
			dst = append(dst, b[i:i+3]...)
			i += 2
		}
	}
	return dst, true
}

// percent is the byte that a text beginning with a percent sign stands for.
func percent(b []byte) (c byte, ok bool) {
	if len(b) < 3 {
		return 0, false
	}
	for _, d := range b[1:3] {
		switch {
		case d >= '0' && d <= '9':
			c = c<<4 | (d - '0')
		case d|0x20 >= 'a' && d|0x20 <= 'f':
			c = c<<4 | (d | 0x20 - 'a' + 10)
		default:
			return 0, false
		}
	}
	return c, true
}

func unreserved(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
}

func percentUpper(dst, b []byte, strict bool) ([]byte, bool) {
	for i := 0; i < len(b); i++ {
		dst = append(dst, b[i])
		if b[i] != '%' {
			continue
		}
		if _, ok := percent(b[i:]); ok {
			for _, c := range b[i+1 : i+3] {
				if c >= 'a' {
					c -= 'a' - 'A'
				}
				dst = append(dst, c)
			}
			i += 2
		} else if strict {
			return dst, false
		}
	}
	return dst, true
}

// sortQuery orders the parameters of a query by their names; those of one name stay as
// they are.
func sortQuery(dst, b []byte, _ bool) ([]byte, bool) {
	path, query, ok := bytes.Cut(b, []byte("?"))
	if !ok {
		return append(dst, b...), true
	}
	params := bytes.Split(query, []byte("&"))
	slices.SortStableFunc(params, func(a, b []byte) int {
		a, _, _ = bytes.Cut(a, []byte("="))
		b, _, _ = bytes.Cut(b, []byte("="))
		return bytes.Compare(a, b)
	})
	dst = append(append(dst, path...), '?')
	return append(dst, bytes.Join(params, []byte("&"))...), true
}
