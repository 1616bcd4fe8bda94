package h1

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"bench/internal/poison"
	"bench/proxy/message"
)

// A parser must not be able to keep a piece of a buffer: it has nothing to keep it in.
func TestParserHoldsNoMemory(t *testing.T) {
	typ := reflect.TypeFor[Parser]()
	for f := range typ.Fields() {
		switch f.Type.Kind() {
		case reflect.Bool, reflect.Int:
		default:
			t.Errorf("%s is a %s: only offsets and flags may outlive a call", f.Name, f.Type)
		}
	}
}

// codec is one direction of the parser, as these tests look at it.
type codec struct {
	parse func(buf []byte) (int, *Error)
	// show is all that the message says.
	show func() string
	p    Parser
}

func requestCodec(lim Limits) *codec {
	c, msg := new(codec), new(message.Request)
	c.parse = func(buf []byte) (int, *Error) { return c.p.Request(msg, buf, &lim) }
	c.show = func() string {
		return fmt.Sprintf("%q %q %q %v %v %v %v %v %v %v %q %q %q %q %s", msg.Line, msg.Method, msg.Target,
			msg.MethodID, msg.Form, msg.Version, msg.Conn, msg.Body, msg.Expect100, msg.KeepAlive,
			msg.Host(), msg.Authority(), msg.Path(), msg.Query(), showFields(&msg.Header))
	}
	return c
}

func responseCodec(lim Limits, m message.Method) *codec {
	c, msg := new(codec), new(message.Response)
	c.parse = func(buf []byte) (int, *Error) { return c.p.Response(msg, buf, m, &lim) }
	c.show = func() string {
		return fmt.Sprintf("%v %v %q %v %v %v %s", msg.Version, msg.Status, msg.Reason,
			msg.Conn, msg.Body, msg.KeepAlive, showFields(&msg.Header))
	}
	return c
}

func showFields(h *message.Header) string {
	var b bytes.Buffer
	for _, f := range h.All() {
		fmt.Fprintf(&b, "%d %q: %q\n", f.ID, f.Name, f.Value)
	}
	return b.String()
}

// parsed is what comes of a head.
type parsed struct {
	n       int
	err     *Error
	errPos  int
	started bool
	msg     string
	left    string // of the buffer, whose names are lowered
}

func (c *codec) result(buf []byte, n int, err *Error) parsed {
	r := parsed{n, err, 0, c.p.Started(), c.show(), string(buf)}
	if err != nil {
		r.errPos = c.p.ErrPos()
	}
	return r
}

// atOnce parses raw in one call.
func (c *codec) atOnce(raw []byte) parsed {
	buf := bytes.Clone(raw)
	n, err := c.parse(buf)
	return c.result(buf, n, err)
}

// inPieces parses raw as it comes in pieces that end at the cuts, every time in
// another buffer, with the ones before overwritten.
func (c *codec) inPieces(raw []byte, cuts []int) parsed {
	for _, end := range cuts {
		buf := bytes.Clone(raw[:end])
		if n, err := c.parse(buf); n != 0 || err != nil {
			return c.result(buf, n, err)
		}
		overwrite(buf)
	}
	return c.atOnce(raw)
}

func overwrite(b []byte) { copy(b, bytes.Repeat([]byte{poison.Byte}, len(b))) }

// cutsOf turns bytes into ascending places to cut raw at.
func cutsOf(raw, steps []byte) []int {
	var cuts []int
	at := 0
	for _, s := range steps {
		// Small steps as they are, larger ones growing fast, so that few bytes
		// reach the end of a large head too.
		step := int(s)
		if s >= 64 {
			step = (int(s) - 63) * (int(s) - 63)
		}
		if at += step; at >= len(raw) {
			break
		}
		cuts = append(cuts, at)
	}
	return cuts
}

// samePieces checks that raw comes to the same in pieces as at once, and that
// nothing but names of a complete head is changed in the buffer. A line of which only
// a part has come is looked at once and then not before it is complete, so a fault in
// its rest may show later than at once: the line is completed then.
func samePieces(t *testing.T, fresh func() *codec, raw []byte, cuts []int) {
	t.Helper()
	whole, cut := fresh().atOnce(raw), fresh().inPieces(raw, cuts)
	if whole.err != nil && cut.err == nil && cut.n == 0 {
		cuts = append(slices.Clip(cuts), len(raw))
		raw = append(slices.Clip(raw), '\n')
		whole, cut = fresh().atOnce(raw), fresh().inPieces(raw, cuts)
	}
	for _, r := range []*parsed{&whole, &cut} {
		if r.left[r.n:] != string(raw[r.n:len(r.left)]) {
			t.Fatalf("%q: changed behind the head: %q", raw, r.left)
		}
		r.left = r.left[:r.n]
	}
	if whole != cut {
		t.Fatalf("%q\nat once:            %+v %v\nin pieces at %v: %+v %v", raw, whole, whole.err, cuts, cut, cut.err)
	}
}

// Every head of the corpus, cut in every way into two pieces, the short ones into three as
// well, and byte by byte.
func TestHeadsInPieces(t *testing.T) {
	two := false
	try := func(fresh func() *codec, raw string) {
		t.Helper()
		b := []byte(raw)
		all := make([]int, len(b))
		for i := range b {
			all[i] = i
		}
		samePieces(t, fresh, b, all)
		for i := range min(len(b), 300) {
			samePieces(t, fresh, b, []int{i})
			for j := i; j < len(b) && len(b) < 70 && !two; j += 5 {
				samePieces(t, fresh, b, []int{i, j})
			}
		}
	}
	for _, relaxed := range []bool{false, true} {
		lim := DefaultLimits()
		lim.Relaxed = relaxed
		for _, tight := range []bool{false, true} {
			if tight {
				lim.MaxHead, lim.MaxFields = 60, 2
			}
			two = relaxed || tight
			for _, c := range requests {
				try(func() *codec { return requestCodec(lim) }, c.raw)
			}
			for _, c := range responses {
				try(func() *codec { return responseCodec(lim, message.MethodGet) }, c.raw)
			}
		}
	}
}

// However the head of a request is cut, and whatever becomes of the buffers that its
// pieces came in, the outcome is that of the whole.
func FuzzRequestPieces(f *testing.F) {
	for _, c := range requests {
		if len(c.raw) < 1000 {
			f.Add([]byte(c.raw), []byte{3, 1, 20, 1}, false, uint16(0), uint8(0))
		}
	}
	f.Add([]byte(browserRequest), []byte{64, 70, 3, 66, 1, 1, 1}, true, uint16(200), uint8(3))
	f.Fuzz(func(t *testing.T, raw, steps []byte, relaxed bool, maxHead uint16, maxFields uint8) {
		lim := fuzzLimits(relaxed, maxHead, maxFields)
		samePieces(t, func() *codec { return requestCodec(lim) }, raw, cutsOf(raw, steps))
	})
}

// What FuzzRequestPieces is to requests.
func FuzzResponsePieces(f *testing.F) {
	for _, c := range responses {
		if len(c.raw) < 1000 {
			f.Add([]byte(c.raw), []byte{3, 1, 20, 1}, false, uint16(0), uint8(0), uint8(message.MethodGet))
		}
	}
	f.Add([]byte(smallResponse), []byte{64, 70, 3, 66, 1, 1, 1}, true, uint16(100), uint8(3), uint8(message.MethodHead))
	f.Fuzz(func(t *testing.T, raw, steps []byte, relaxed bool, maxHead uint16, maxFields, method uint8) {
		lim := fuzzLimits(relaxed, maxHead, maxFields)
		m := message.Method(method % uint8(message.MethodPatch+1))
		samePieces(t, func() *codec { return responseCodec(lim, m) }, raw, cutsOf(raw, steps))
	})
}

// fuzzLimits are limits that short heads may reach; 0 stands for the default.
func fuzzLimits(relaxed bool, maxHead uint16, maxFields uint8) Limits {
	lim := DefaultLimits()
	lim.Relaxed = relaxed
	if maxHead > 0 {
		lim.MaxHead = int(maxHead)
	}
	if maxFields > 0 {
		lim.MaxFields = int(maxFields)
	}
	return lim
}
