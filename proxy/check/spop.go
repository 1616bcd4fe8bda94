package check

import "encoding/binary"

// spopSteps: an agent of stream processing answers a greeting.
func spopSteps() []step {
	return []step{
		{say: speech(spopHello())},
		{expect: func(d *dialogue) reading {
			if len(d.in) < 4 && !d.ended {
				return reading{wait: true}
			}
			var frame []byte
			whole := false
			if len(d.in) >= 4 {
				size := int(binary.BigEndian.Uint32(d.in))
				whole = len(d.in)-4 >= size
				frame = d.in[4:min(len(d.in), 4+size)]
			}
			if !whole && !d.ended {
				return reading{wait: true}
			}
			if why := spopAnswer(frame, whole); why != "" {
				return fails(L7Rsp, why)
			}
			return reading{remark: "SPOA server is ok"}
		}},
	}
}

// Types of frames, and of values in them.
const (
	spopFromProxy = 1
	spopFromAgent = 101
	spopLeaves    = 102
	spopString    = 8
	spopBool      = 0x11 // true
	spopUint32    = 3
)

// spopVersion is the one that is spoken.
const spopVersion = "2.0"

// spopFrameSize is the largest frame that is taken.
const spopFrameSize = maxAnswer - 4

// spopHello is the greeting of a proxy that only wants to know.
func spopHello() []byte {
	b := []byte{spopFromProxy, 0, 0, 0, 1, 0, 0} // all of a frame, of no stream
	text := func(s string) { b = append(append(b, byte(len(s))), s...) }
	text("supported-versions")
	b = append(b, spopString)
	text(spopVersion)
	text("max-frame-size")
	b = appendSPOPInt(append(b, spopUint32), spopFrameSize)
	text("capabilities")
	b = append(b, spopString)
	text("") // none is needed
	text("healthcheck")
	b = append(b, spopBool)
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...)
}

// appendSPOPInt writes a number: what is above 239 goes on in further bytes of seven bits,
// behind four of the first one.
func appendSPOPInt(b []byte, n uint64) []byte {
	if n < 240 {
		return append(b, byte(n))
	}
	b = append(b, byte(n)|240)
	for n = (n - 240) >> 4; n >= 128; n = (n - 128) >> 7 {
		b = append(b, byte(n)|128)
	}
	return append(b, byte(n))
}

// spopInt reads such a number.
func spopInt(b []byte) (n uint64, rest []byte, ok bool) {
	if len(b) == 0 {
		return 0, nil, false
	}
	n, b = uint64(b[0]), b[1:]
	if n < 240 {
		return n, b, true
	}
	for shift := 4; len(b) > 0 && shift < 60; shift += 7 {
		x := uint64(b[0])
		b = b[1:]
		n += x << shift
		if x < 128 {
			return n, b, true
		}
	}
	return 0, nil, false
}

// spopAnswer says what is wrong with an answer, "" if nothing is.
func spopAnswer(frame []byte, whole bool) string {
	const invalid = "invalid frame received"
	if !whole || len(frame) < 7 || frame[0] != spopFromAgent && frame[0] != spopLeaves || frame[4]&1 == 0 || frame[5] != 0 || frame[6] != 0 {
		return invalid
	}
	var version, size bool
	for b := frame[7:]; len(b) > 0; {
		var name, text []byte
		var ok bool
		if name, b, ok = spopText(b); !ok || len(b) == 0 {
			return invalid
		}
		kind := b[0]
		b = b[1:]
		var n uint64
		switch {
		case kind == spopString || kind == spopString+1:
			text, b, ok = spopText(b)
		case kind&0x0f >= 2 && kind&0x0f <= 5:
			n, b, ok = spopInt(b)
		case kind&0x0f > 1:
			return invalid
		}
		if !ok {
			return invalid
		}
		switch string(name) {
		case "version":
			if string(text) != spopVersion {
				return "unsupported version"
			}
			version = true
		case "max-frame-size":
			if n < 256 || n > spopFrameSize {
				return "max-frame-size too big or too small"
			}
			size = true
		}
	}
	switch {
	case frame[0] == spopLeaves:
		return invalid
	case !version:
		return "version value not found"
	case !size:
		return "max-frame-size value not found"
	}
	return ""
}

// spopText reads a text with its length before it.
func spopText(b []byte) (text, rest []byte, ok bool) {
	n, b, ok := spopInt(b)
	if !ok || n > uint64(len(b)) {
		return nil, nil, false
	}
	return b[:n], b[n:], true
}
