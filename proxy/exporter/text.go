package exporter

import (
	"io"
	"math"
	"strconv"

	"bench/proxy/stats"
)

// text writes the plain form.
type text struct {
	w    io.Writer
	b    []byte
	head []byte // of the family, until it has a value
	name string
	err  error
}

const textPiece = 8 << 10

func (t *text) family(name, help string, k kind) {
	t.name = name
	t.head = append(t.head[:0], "# HELP "+name+" "...)
	t.head = appendEscaped(t.head, help, false)
	t.head = append(t.head, "\n# TYPE "+name+" "+k.String()+"\n"...)
}

func (t *text) begin() {
	t.b = append(t.b, t.head...)
	t.head = t.head[:0]
	if len(t.b) > textPiece {
		t.flush()
	}
}

func (t *text) flush() {
	if t.err == nil {
		_, t.err = t.w.Write(t.b)
	}
	t.b = t.b[:0]
}

func (t *text) sample(labels []label, v float64, float bool) {
	t.begin()
	t.line("", labels, v, float)
}

func (t *text) line(suffix string, labels []label, v float64, float bool) {
	t.b = append(append(t.b, t.name...), suffix...)
	for i, l := range labels {
		sep := byte(',')
		if i == 0 {
			sep = '{'
		}
		t.b = append(append(append(t.b, sep), l.name...), '=', '"')
		t.b = append(appendEscaped(t.b, l.value, true), '"')
	}
	if len(labels) > 0 {
		t.b = append(t.b, '}')
	}
	t.b = append(t.b, ' ')
	switch {
	case math.IsNaN(v):
		t.b = append(t.b, "NaN"...)
	case float:
		t.b = strconv.AppendFloat(t.b, v, 'f', 6, 64)
	default:
		t.b = strconv.AppendFloat(t.b, v, 'f', -1, 64)
	}
	t.b = append(t.b, '\n')
}

// times writes a histogram with a bucket for each octave: the plain form knows no others.
func (t *text) times(labels []label, h *stats.Histogram) {
	t.begin()
	n := len(labels)
	for i := stats.HistogramLow; i <= stats.HistogramHigh; i += 4 {
		le := strconv.FormatFloat(math.Exp2(float64(i)/4), 'g', -1, 64)
		t.line("_bucket", append(labels[:n:n], label{"le", le}), float64(h.UpTo(i)), false)
	}
	t.line("_bucket", append(labels[:n:n], label{"le", "+Inf"}), float64(h.N), false)
	t.line("_sum", labels, float64(h.Sum)/1e9, true)
	t.line("_count", labels, float64(h.N), false)
}

// appendEscaped writes text as the format wants it, values of labels with quotes escaped.
func appendEscaped(b []byte, s string, quotes bool) []byte {
	for i := range len(s) {
		switch c := s[i]; {
		case c == '\\':
			b = append(b, '\\', '\\')
		case c == '\n':
			b = append(b, '\\', 'n')
		case c == '"' && quotes:
			b = append(b, '\\', '"')
		default:
			b = append(b, c)
		}
	}
	return b
}
