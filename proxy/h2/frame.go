package h2

import "encoding/binary"

// FrameType is the type of a frame (RFC 9113 §6).
type FrameType uint8

// The types of frames.
const (
	FrameData FrameType = iota
	FrameHeaders
	FramePriority
	FrameRSTStream
	FrameSettings
	FramePushPromise
	FramePing
	FrameGoAway
	FrameWindowUpdate
	FrameContinuation
)

// Flags are those of a frame. What a bit means depends on the type.
type Flags uint8

// The flags.
const (
	FlagEndStream  Flags = 0x1 // DATA, HEADERS
	FlagAck        Flags = 0x1 // SETTINGS, PING
	FlagEndHeaders Flags = 0x4 // HEADERS, CONTINUATION
	FlagPadded     Flags = 0x8 // DATA, HEADERS
	FlagPriority   Flags = 0x20
)

// HeaderLen is the length of a frame's header in bytes.
const HeaderLen = 9

// FrameHeader is what each frame begins with.
type FrameHeader struct {
	Length uint32 // of what follows, in bytes, up to 2²⁴−1
	Type   FrameType
	Flags  Flags
	Stream uint32
}

// ParseHeader reads the header that the first HeaderLen bytes of b are.
func ParseHeader(b []byte) FrameHeader {
	return FrameHeader{
		Length: uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2]),
		Type:   FrameType(b[3]), Flags: Flags(b[4]), Stream: binary.BigEndian.Uint32(b[5:]) & maxID,
	}
}

// AppendHeader appends the header of a frame.
func AppendHeader(dst []byte, h FrameHeader) []byte {
	return append(dst, byte(h.Length>>16), byte(h.Length>>8), byte(h.Length), byte(h.Type), byte(h.Flags),
		byte(h.Stream>>24), byte(h.Stream>>16), byte(h.Stream>>8), byte(h.Stream))
}

const (
	maxID       = 1<<31 - 1 // the highest number of a stream
	maxWindow   = 1<<31 - 1
	minMaxFrame = 1 << 14 // what every receiver takes
	maxMaxFrame = 1<<24 - 1
	startWindow = 65535 // of connections, and of streams before any setting
)

// Code says why a stream or a connection ends (RFC 9113 §7).
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
	return "unknown"
}

// settingID is a parameter of a SETTINGS frame.
type settingID uint16

const (
	settingTableSize  settingID = 1
	settingPush       settingID = 2
	settingMaxStreams settingID = 3
	settingWindow     settingID = 4
	settingMaxFrame   settingID = 5
	settingMaxHead    settingID = 6
	settingConnect    settingID = 8 // RFC 8441
	settingLen                  = 6 // bytes
)

func appendSetting(dst []byte, id settingID, value uint32) []byte {
	return append(dst, byte(id>>8), byte(id), byte(value>>24), byte(value>>16), byte(value>>8), byte(value))
}

// Preface is what a client sends before its first frame (RFC 9113 §3.4).
const Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// Announces tells whether data is the preface, or as much of it as tells it from a
// request of HTTP/1.
func Announces(data []byte) (whole, begun bool) {
	const told = len("PRI * H")
	n := min(len(data), len(Preface))
	if n < told || string(data[:n]) != Preface[:n] {
		return false, false
	}
	return n == len(Preface), true
}
