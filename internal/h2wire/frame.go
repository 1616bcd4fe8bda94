// Package h2wire is what HTTP/2 (RFC 9113) puts on the wire, frames and field blocks
// (RFC 7541), for the generator and the origins. The engine has a codec of its own, so
// that a mistake of either shows against the other.
//
// Both sides here speak HTTP/1.1 already, with all that belongs to it: templates,
// expectations, digests, faults. So messages pass between the two forms as text, and only
// what is on the wire is made anew.
package h2wire

import "encoding/binary"

// Type is the type of a frame.
type Type uint8

// The types of frames.
const (
	Data Type = iota
	Headers
	Priority
	RSTStream
	Settings
	PushPromise
	Ping
	GoAway
	WindowUpdate
	Continuation
)

// The flags of frames. What a bit means depends on the type.
const (
	EndStream  = 0x1 // Data, Headers
	Ack        = 0x1 // Settings, Ping
	EndHeaders = 0x4
	Padded     = 0x8
	HasOrder   = 0x20 // Headers with a priority
)

// Sizes and bounds of the protocol.
const (
	HeaderLen     = 9
	MaxFrame      = 1 << 14 // that every receiver takes
	MaxWindow     = 1<<31 - 1
	MaxStream     = 1<<31 - 1
	DefaultWindow = 65535 // of connections, and of streams before any setting
	SettingLen    = 6
	PingLen       = 8
)

// Frame is what a frame begins with.
type Frame struct {
	Length int
	Type   Type
	Flags  uint8
	Stream uint32
}

// Has tells whether a flag is set.
func (f Frame) Has(flag uint8) bool { return f.Flags&flag != 0 }

// ParseFrame reads the header that the first HeaderLen bytes of b are.
func ParseFrame(b []byte) Frame {
	return Frame{int(b[0])<<16 | int(b[1])<<8 | int(b[2]), Type(b[3]), b[4], binary.BigEndian.Uint32(b[5:]) & MaxStream}
}

// AppendFrame appends the header of a frame.
func AppendFrame(dst []byte, f Frame) []byte {
	return binary.BigEndian.AppendUint32(append(dst, byte(f.Length>>16), byte(f.Length>>8), byte(f.Length), byte(f.Type), f.Flags), f.Stream)
}

// PutLength writes the length of the frame that begins at b.
func PutLength(b []byte, n int) { b[0], b[1], b[2] = byte(n>>16), byte(n>>8), byte(n) }

// Code says why a stream or a connection ends.
type Code uint32

// The codes.
const (
	NoError Code = iota
	ProtocolError
	InternalError
	FlowControlError
	SettingsTimeout
	StreamClosed
	FrameSizeError
	RefusedStream
	Cancel
	CompressionError
	ConnectError
	EnhanceYourCalm
	InadequateSecurity
	HTTP11Required
)

var codeNames = [...]string{
	"NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED", "FRAME_SIZE_ERROR",
	"REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
}

// String is the name that RFC 9113 has for the code.
func (c Code) String() string {
	if int(c) < len(codeNames) {
		return codeNames[c]
	}
	return "an unknown code"
}

// Setting is a parameter of a SETTINGS frame.
type Setting uint16

// The settings.
const (
	TableSize Setting = iota + 1
	EnablePush
	MaxStreams
	InitialWindow
	MaxFrameSize
	MaxHead
)

// AppendSetting appends one setting to the payload of a SETTINGS frame.
func AppendSetting(dst []byte, s Setting, value uint32) []byte {
	return binary.BigEndian.AppendUint32(append(dst, byte(s>>8), byte(s)), value)
}

// AppendReset appends a RST_STREAM frame.
func AppendReset(dst []byte, stream uint32, c Code) []byte {
	return binary.BigEndian.AppendUint32(AppendFrame(dst, Frame{4, RSTStream, 0, stream}), uint32(c))
}

// AppendGoAway appends a GOAWAY frame without a text.
func AppendGoAway(dst []byte, last uint32, c Code) []byte {
	dst = binary.BigEndian.AppendUint32(AppendFrame(dst, Frame{8, GoAway, 0, 0}), last)
	return binary.BigEndian.AppendUint32(dst, uint32(c))
}

// AppendCredit appends a WINDOW_UPDATE frame.
func AppendCredit(dst []byte, stream uint32, n int64) []byte {
	return binary.BigEndian.AppendUint32(AppendFrame(dst, Frame{4, WindowUpdate, 0, stream}), uint32(n))
}

// Preface is what a client sends before its first frame.
const Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// ALPN is the protocol's name in TLS.
const ALPN = "h2"

// Unpad takes the padding, and the priority of a HEADERS frame, off a payload.
func Unpad(f Frame, p []byte) (rest []byte, ok bool) {
	pad := 0
	if f.Has(Padded) {
		if len(p) == 0 {
			return nil, false
		}
		pad, p = int(p[0]), p[1:]
	}
	if f.Type == Headers && f.Has(HasOrder) {
		if len(p) < 5 {
			return nil, false
		}
		p = p[5:]
	}
	if pad > len(p) {
		return nil, false
	}
	return p[:len(p)-pad], true
}
