package simulation

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	"bench/proxy/h2"
	"bench/proxy/h2/hpack"
)

// frames is a connection of HTTP/2 as either side of it reads and writes it.
type frames struct {
	out     *[]byte
	in      []byte // an unfinished frame
	dec     hpack.Decoder
	block   []byte // of fields, unfinished
	blockOf uint32
	last    bool // the stream ends behind the block

	window  int // what may be sent on the connection
	initial int // and on a new stream
}

func (f *frames) init(out *[]byte) {
	f.out = out
	f.window, f.initial = usualWindow, usualWindow
	f.dec.Init(hpack.MaxTableSize)
}

// frame writes a frame.
func (f *frames) frame(kind h2.FrameType, flags h2.Flags, id uint32, p []byte) {
	*f.out = h2.AppendHeader(*f.out, h2.FrameHeader{Length: uint32(len(p)), Type: kind, Flags: flags, Stream: id})
	*f.out = append(*f.out, p...)
}

func (f *frames) number(kind h2.FrameType, id, n uint32) {
	f.frame(kind, 0, id, binary.BigEndian.AppendUint32(nil, n))
}

// fieldBlock writes a block of fields, cut at random.
func (f *frames) fieldBlock(rng *rand.Rand, flags h2.Flags, id uint32, b []byte) {
	kind := h2.FrameHeaders
	for len(b) > frameSize || len(b) > 1 && rng.IntN(4) == 0 {
		n := 1 + rng.IntN(min(len(b)-1, frameSize))
		f.frame(kind, flags, id, b[:n])
		kind, flags, b = h2.FrameContinuation, 0, b[n:]
	}
	f.frame(kind, flags|h2.FlagEndHeaders, id, b)
}

// appendField appends a field to a block: a literal, not to be remembered.
func appendField(b []byte, name, value string) []byte {
	return appendText(appendText(append(b, 0), name), value)
}

// appendText appends a string of a header block.
func appendText(b []byte, text string) []byte {
	n := len(text)
	if n < 127 {
		return append(append(b, byte(n)), text...)
	}
	b = append(b, 127)
	for n -= 127; n >= 128; n >>= 7 {
		b = append(b, byte(n)|128)
	}
	return append(append(b, byte(n)), text...)
}

// read takes bytes in, and gives frames on.
func (f *frames) read(p []byte, take func(h h2.FrameHeader, p []byte) error) error {
	f.in = append(f.in, p...)
	for len(f.in) >= h2.HeaderLen {
		h := h2.ParseHeader(f.in)
		end := h2.HeaderLen + int(h.Length)
		if h.Length > frameSize {
			return fmt.Errorf("%w: a frame of %d bytes", errMalformed, h.Length)
		}
		if len(f.in) < end {
			return nil
		}
		if f.blockOf != 0 && (h.Type != h2.FrameContinuation || h.Stream != f.blockOf) {
			return fmt.Errorf("%w: frame %d within a block of fields", errMalformed, h.Type)
		}
		if !sized(h, f.in[h2.HeaderLen:end]) {
			return fmt.Errorf("%w: frame %d of %d bytes", errMalformed, h.Type, h.Length)
		}
		if err := take(h, f.in[h2.HeaderLen:end]); err != nil {
			return err
		}
		f.in = f.in[end:]
	}
	return nil
}

// sized tells whether a frame has room for what its type needs.
func sized(h h2.FrameHeader, p []byte) bool {
	switch h.Type {
	case h2.FrameData:
		return h.Flags&h2.FlagPadded == 0 || len(p) > 0 && int(p[0]) < len(p)
	case h2.FrameRSTStream, h2.FrameWindowUpdate:
		return len(p) == 4
	case h2.FramePing:
		return len(p) == 8
	case h2.FrameGoAway:
		return len(p) >= 8
	case h2.FrameHeaders, h2.FramePriority, h2.FrameSettings, h2.FramePushPromise, h2.FrameContinuation:
	}
	return true
}

// control takes in what either side does alike: the other's settings, pings and windows.
// widen is told of windows of single streams, widenAll of those of all that are open.
func (f *frames) control(h h2.FrameHeader, p []byte, widen func(id uint32, n int), widenAll func(n int)) (taken bool) {
	switch ack := h.Flags&h2.FlagAck != 0; {
	case h.Type == h2.FrameSettings && !ack:
		for ; len(p) >= 6; p = p[6:] {
			if v := int(binary.BigEndian.Uint32(p[2:])); binary.BigEndian.Uint16(p) == windowSetting {
				widenAll(v - f.initial)
				f.initial = v
			}
		}
		f.frame(h2.FrameSettings, h2.FlagAck, 0, nil)
	case h.Type == h2.FramePing:
		if !ack {
			f.frame(h2.FramePing, h2.FlagAck, 0, p)
		}
	case h.Type == h2.FrameWindowUpdate && h.Stream == 0:
		f.window += int(binary.BigEndian.Uint32(p))
	case h.Type == h2.FrameWindowUpdate:
		widen(h.Stream, int(binary.BigEndian.Uint32(p)))
	default:
		return false
	}
	return true
}

// unpadded is the content of a DATA frame.
func unpadded(h h2.FrameHeader, p []byte) []byte {
	if h.Flags&h2.FlagPadded != 0 {
		return p[1 : len(p)-int(p[0])]
	}
	return p
}

// collect keeps a part of a block of fields, and tells whether it was the last.
func (f *frames) collect(h h2.FrameHeader, p []byte) (whole bool) {
	if h.Type == h2.FrameHeaders {
		f.blockOf, f.block, f.last = h.Stream, nil, h.Flags&h2.FlagEndStream != 0
	}
	f.block = append(f.block, p...)
	if whole = h.Flags&h2.FlagEndHeaders != 0; whole {
		f.blockOf = 0
	}
	return whole
}

// decode reads the fields of a block.
func (f *frames) decode() (all []field, err error) {
	f.dec.Begin(f.block, make([]byte, hpack.MemoryFor(len(f.block), mostFieldBytes)))
	for {
		var x hpack.Field
		more, err := f.dec.Next(&x, true)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errMalformed, err)
		}
		if !more {
			return all, nil
		}
		all = append(all, field{string(x.Name), string(x.Value)})
	}
}
