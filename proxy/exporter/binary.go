package exporter

import (
	encoding "encoding/binary"
	"io"
	"math"
	"strings"

	"bench/proxy/stats"
)

// binary writes the form of protocol buffers (io.prometheus.client.MetricFamily, each
// behind its length), which has native histograms.
type binary struct {
	w    io.Writer
	fam  []byte // the family being written
	some bool   // it has values
	kind kind
	err  error
}

// Field numbers of io.prometheus.client.
const (
	familyName, familyHelp, familyType, familyMetric         = 1, 2, 3, 4
	metricLabel, metricGauge, metricCounter, metricHistogram = 1, 2, 3, 7
	labelName, labelValue                                    = 1, 2
	simpleValue                                              = 1
	histogramCount, histogramSum, histogramSchema            = 1, 2, 5
	histogramZeroThreshold, histogramZeroCount               = 6, 7
	histogramPositiveSpan, histogramPositiveDelta            = 12, 13
	spanOffset, spanLength                                   = 1, 2
)

// Types of metrics as numbers.
var typeNumbers = [...]uint64{gauge: 1, counter: 0, histogram: 4}

// Wire types of protocol buffers.
const (
	wireVarint = 0
	wireFixed  = 1
	wireBytes  = 2
)

func appendTag(b []byte, field, wire int) []byte {
	return encoding.AppendUvarint(b, uint64(field)<<3|uint64(wire))
}

func appendUint(b []byte, field int, v uint64) []byte {
	return encoding.AppendUvarint(appendTag(b, field, wireVarint), v)
}

// appendSigned writes an sint32 or sint64.
func appendSigned(b []byte, field int, v int64) []byte {
	return appendUint(b, field, uint64(v)<<1^uint64(v>>63))
}

func appendDouble(b []byte, field int, v float64) []byte {
	return encoding.LittleEndian.AppendUint64(appendTag(b, field, wireFixed), math.Float64bits(v))
}

func appendBytes[T string | []byte](b []byte, field int, v T) []byte {
	b = encoding.AppendUvarint(appendTag(b, field, wireBytes), uint64(len(v)))
	return append(b, v...)
}

func (p *binary) family(name, help string, k kind) {
	p.flush()
	p.kind = k
	p.fam = appendBytes(p.fam[:0], familyName, name)
	p.fam = appendBytes(p.fam, familyHelp, help)
	p.fam = appendUint(p.fam, familyType, typeNumbers[k])
}

// flush writes the family, if it has a value.
func (p *binary) flush() {
	if p.some && p.err == nil {
		_, p.err = p.w.Write(append(encoding.AppendUvarint(nil, uint64(len(p.fam))), p.fam...))
	}
	p.some = false
}

// metric begins a value with its labels.
func metricWith(labels []label) (m []byte) {
	for _, l := range labels {
		pair := appendBytes(appendBytes(nil, labelName, l.name), labelValue, strings.ToValidUTF8(l.value, "\ufffd"))
		m = appendBytes(m, metricLabel, pair)
	}
	return m
}

func (p *binary) sample(labels []label, v float64, _ bool) {
	field := metricGauge
	if p.kind == counter {
		field = metricCounter
	}
	m := appendBytes(metricWith(labels), field, appendDouble(nil, simpleValue, v))
	p.fam = appendBytes(p.fam, familyMetric, m)
	p.some = true
}

// times writes a native histogram: runs of buckets, each as its difference from the one
// before. What is below the first bucket counts as zero.
func (p *binary) times(labels []label, h *stats.Histogram) {
	b := appendUint(nil, histogramCount, h.N)
	b = appendDouble(b, histogramSum, float64(h.Sum)/1e9)
	b = appendSigned(b, histogramSchema, stats.HistogramSchema)
	b = appendDouble(b, histogramZeroThreshold, math.Exp2(float64(stats.HistogramLow)/4))
	b = appendUint(b, histogramZeroCount, h.UpTo(stats.HistogramLow))
	var deltas []byte
	var before int64
	begin, length, end := 0, 0, 0
	first := true
	span := func() {
		if length == 0 {
			return
		}
		offset := begin - end
		if first {
			offset = begin
		}
		first = false
		b = appendBytes(b, histogramPositiveSpan, appendUint(appendSigned(nil, spanOffset, int64(offset)), spanLength, uint64(length)))
		end = begin + length
	}
	h.Buckets(func(i int, n uint64) {
		if i <= stats.HistogramLow {
			return
		}
		if i != begin+length || length == 0 {
			span()
			begin, length = i, 0
		}
		length++
		deltas = appendSigned(deltas, histogramPositiveDelta, int64(n)-before)
		before = int64(n)
	})
	span()
	if first {
		// Without buckets it would not be told from a classic one.
		b = appendBytes(b, histogramPositiveSpan, appendUint(appendSigned(nil, spanOffset, 0), spanLength, 0))
	}
	b = append(b, deltas...)
	p.fam = appendBytes(p.fam, familyMetric, appendBytes(metricWith(labels), metricHistogram, b))
	p.some = true
}
