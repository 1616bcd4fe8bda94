package h2

import "bench/proxy/h1"

// Settings are what the connections of one frontend, or to the servers of one backend, have
// in common. They must not change while one uses them.
type Settings struct {
	// What is announced to the peer.

	TableSize  int // of the dynamic table for requests, in bytes, from 4096 to 65536
	MaxStreams int // that may be open at once; towards servers, if they allow no less
	Window     int // of a stream, in bytes: how much of a body may be on its way
	MaxFrame   int // largest frame in bytes, from 16384

	// ConnWindow is the window of a whole connection, in bytes, from 65535.
	ConnWindow int
	// Limits are those of heads. A field counts for its text and 32 bytes more.
	Limits *h1.Limits
	// MaxTotal is how many streams a connection may have in its life; 0: any number.
	MaxTotal int
	// MaxGlitches is how many odd things a client may do that are no errors by
	// themselves but cost more than they are good for; 0: DefaultGlitches.
	MaxGlitches int
	// Extended: clients may ask for a websocket by an extended CONNECT (RFC 8441).
	Extended bool
}

// DefaultConnWindow lets several uploads go on at once although each is on its way for a
// while.
const DefaultConnWindow = 1 << 20

// DefaultGlitches is the bound of Settings.MaxGlitches that is in force without one.
const DefaultGlitches = 1000

func (s *Settings) glitches() int {
	if s.MaxGlitches > 0 {
		return s.MaxGlitches
	}
	return DefaultGlitches
}

// maxBlock is the longest header block taken, compressed. It is not far from what the
// fields may come to.
func (s *Settings) maxBlock() int { return max(minMaxFrame, s.Limits.MaxHead) }

// appendTo appends what a server begins a connection with.
func (s *Settings) appendTo(dst []byte) []byte {
	at := len(dst)
	dst = AppendHeader(dst, FrameHeader{Type: FrameSettings})
	if s.TableSize != 4096 {
		dst = appendSetting(dst, settingTableSize, uint32(s.TableSize))
	}
	dst = appendSetting(dst, settingMaxStreams, uint32(s.MaxStreams))
	if s.Extended {
		dst = appendSetting(dst, settingConnect, 1)
	}
	return s.endSettings(dst, at)
}

// endSettings appends what both sides announce, and ends the frame that begins at at.
func (s *Settings) endSettings(dst []byte, at int) []byte {
	if s.Window != startWindow {
		dst = appendSetting(dst, settingWindow, uint32(s.Window))
	}
	if s.MaxFrame != minMaxFrame {
		dst = appendSetting(dst, settingMaxFrame, uint32(s.MaxFrame))
	}
	dst = appendSetting(dst, settingMaxHead, uint32(s.Limits.MaxHead))
	dst[at+2] = byte(len(dst) - at - HeaderLen)
	if s.ConnWindow > startWindow {
		dst = appendUint32(AppendHeader(dst, FrameHeader{Length: 4, Type: FrameWindowUpdate}), uint32(s.ConnWindow-startWindow))
	}
	return dst
}

func appendUint32(dst []byte, n uint32) []byte {
	return append(dst, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
}
