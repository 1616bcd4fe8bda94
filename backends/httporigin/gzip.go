package httporigin

import (
	"bytes"
	"compress/gzip"
	"strconv"
	"strings"
)

// Bounds of compression: the greatest body that is compressed, and how many are kept.
const (
	maxGzip  = 1 << 20
	keptGzip = 64
)

// acceptsGzip reports whether Accept-Encoding allows gzip (RFC 9110 section 12.5.3).
func acceptsGzip(value []byte) bool {
	others := false
	for more := true; more; {
		var one []byte
		one, value, more = bytes.Cut(value, comma)
		coding, params, _ := bytes.Cut(one, []byte(";"))
		coding = trim(coding)
		allowed := true
		if name, q, ok := bytes.Cut(trim(params), []byte("=")); ok && isName(trim(name), "q") {
			weight, err := strconv.ParseFloat(string(trim(q)), 64)
			allowed = err == nil && weight > 0
		}
		switch {
		case isName(coding, "gzip"), isName(coding, "x-gzip"):
			return allowed
		case string(coding) == "*":
			others = allowed
		}
	}
	return others
}

// gzips are compressed bodies by their size, made when they are first asked for.
type gzips map[int64][]byte

// body is the compressed body of a size.
func (g gzips) body(p *payload, size int64) []byte {
	if text, ok := g[size]; ok {
		return text
	}
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed) // fails for unknown levels only
	_, _ = w.Write(p.plain[:size])                  // a bytes.Buffer does not fail
	_ = w.Close()
	if len(g) >= keptGzip { // sizes that are drawn hardly come again
		clear(g)
	}
	g[size] = b.Bytes()
	return g[size]
}

// varies reports whether a header already says that answers depend on what is accepted.
func varies(headers []Header) bool {
	for _, h := range headers {
		if strings.EqualFold(h.Name, "Vary") {
			return true
		}
	}
	return false
}
