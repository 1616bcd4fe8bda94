package page

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/binary"
	"math"

	"bench/reports/series"
)

// rawData packs the raw columns of a cell for the script: numbers as LEB128,
// deflated, in base64 of the URL alphabet, which needs no escaping in markup.
// In order: zero, start and end of the time axis relative to the first column
// in ms (zig-zag), decades of the latency axis, limit in µs; then events and
// columns. The reader is unpack in script.js.
func (b *cellBuilder) rawData() string {
	w := packer{}
	w.signed(b.axis.start / 1000)
	w.signed(b.axis.end / 1000)
	w.signed(b.ZeroUs / 1000)
	w.number(uint64(b.Low))
	w.number(uint64(b.High))
	w.number(uint64(max(b.Limit, 0)))
	w.number(uint64(len(b.Events)))
	for i := range b.Events {
		e := &b.Events[i]
		from, to := eventSpan(e)
		w.number(uint64(max(e.ID, 0)))
		w.signed(from / 1000)
		w.signed(to / 1000)
		w.number(eventCode(chipClass(ptr(e))))
	}
	w.number(uint64(len(b.Raw)))
	last := b.axis.start / 1000
	for i := range b.Raw {
		last = w.column(&b.Raw[i], last)
	}
	return w.text()
}

// eventCode is the number of a chip's class in the script.
func eventCode(class string) uint64 {
	switch class {
	case "fault":
		return 0
	case "moment":
		return 1
	case "seen":
		return 2
	default:
		return 3
	}
}

func ptr[T any](v *T) []*T { return []*T{v} }

type packer struct{ b []byte }

func (w *packer) number(v uint64) { w.b = binary.AppendUvarint(w.b, v) }
func (w *packer) signed(v int64)  { w.b = binary.AppendVarint(w.b, v) }

// column packs one column that follows a time in ms and gives its own end.
func (w *packer) column(c *series.Column, last int64) int64 {
	start, end := c.StartUs/1000, c.EndUs()/1000
	w.signed(start - last)
	edge := int64(0)
	if c.Edge {
		edge = 1
	}
	w.number(uint64((end-start)<<1 | edge))
	w.number(c.Offered)
	w.number(c.Completed)
	w.number(c.Good)
	list := c.Errors.Classes()
	w.number(uint64(len(list)))
	for _, class := range list {
		w.number(uint64(class))
		w.number(c.Errors[class])
	}
	w.number(uint64(math.Round(c.Max)))
	w.number(uint64(len(c.OK)))
	bin := uint32(0)
	for _, p := range c.OK {
		w.number(uint64(p.Value - bin))
		w.number(uint64(p.Count))
		bin = p.Value
	}
	return end
}

// text deflates what was packed.
func (w *packer) text() string { return deflate(w.b) }

// deflate is raw DEFLATE in base64 of the URL alphabet.
func deflate(b []byte) string {
	var out bytes.Buffer
	z, err := flate.NewWriter(&out, flate.BestCompression)
	if err != nil {
		return "" // only for a level that does not exist
	}
	_, err = z.Write(b)
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		return "" // a bytes.Buffer takes everything
	}
	return base64.RawURLEncoding.EncodeToString(out.Bytes())
}
