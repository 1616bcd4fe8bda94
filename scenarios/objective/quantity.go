package objective

import (
	"slices"
	"strings"
)

// Quantity is what one side of a comparison can be, by itself: a metric, or metrics
// put together, such as "a.response.p50 - b.response.p50".
type Quantity struct {
	Text string
	node *node
}

// ParseQuantity reads a quantity, which has at least one metric. An error is a
// *SyntaxError.
func ParseQuantity(text string, names Names) (*Quantity, error) {
	p := &parser{text: []rune(text), names: names}
	n, err := p.sum(0)
	if err != nil {
		return nil, err
	}
	p.space()
	if p.at < len(p.text) {
		return nil, p.fault(p.at, "unexpected %q after the metric; a measure has no limit", string(p.text[p.at:]))
	}
	if n.constant() {
		return nil, p.fault(0, "this is not a metric")
	}
	return &Quantity{strings.TrimSpace(text), n}, nil
}

// Kind is its dimension.
func (q *Quantity) Kind() Kind { return q.node.kind }

// Value is what it comes to over the measured time of a run, in the unit of its kind;
// why says what it cannot be computed for.
func (q *Quantity) Value(d *Data) (v float64, why string) { return d.value(q.node, nil) }

// single is the metric that it is, nil if it is put together of several.
func (q *Quantity) single() *metric {
	if q.node.op != 'm' {
		return nil
	}
	return q.node.metric
}

// Counts reports whether it is a number, or a share, of requests of which there should be
// none.
func (q *Quantity) Counts() bool {
	m := q.single()
	return m != nil && (m.kind == Count || m.kind == Share) && !q.MoreIsBetter()
}

// Recovery reports whether it is a time that may be 0.
func (q *Quantity) Recovery() bool { m := q.single(); return m != nil && m.base == "recovery" }

// Load is the one that it is confined to, "" if it is of all.
func (q *Quantity) Load() string {
	if m := q.single(); m != nil {
		return m.load
	}
	return ""
}

// MoreIsBetter reports whether a greater value is the better one. Of several metrics the
// first one decides.
func (q *Quantity) MoreIsBetter() bool {
	m := q.node.metrics(nil)[0]
	return m.abuse == "" && slices.Contains([]string{"requests", "completed", "rate", "integrity.checked"}, m.base)
}
