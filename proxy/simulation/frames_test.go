package simulation

import (
	"errors"
	"testing"

	"bench/proxy/h2"
)

// Frames that are too short for what they say are malformed, and end nobody but their sender.
func TestShortFrames(t *testing.T) {
	for _, c := range []struct {
		h  h2.FrameHeader
		p  string
		ok bool
	}{
		{h2.FrameHeader{Type: h2.FrameData, Flags: h2.FlagPadded}, "", false},
		{h2.FrameHeader{Type: h2.FrameData, Flags: h2.FlagPadded}, "\x02ab", true},
		{h2.FrameHeader{Type: h2.FrameData, Flags: h2.FlagPadded}, "\x03ab", false},
		{h2.FrameHeader{Type: h2.FrameRSTStream}, "abc", false},
		{h2.FrameHeader{Type: h2.FrameWindowUpdate}, "abcd", true},
		{h2.FrameHeader{Type: h2.FrameGoAway}, "abcdefg", false},
		{h2.FrameHeader{Type: h2.FramePing}, "abcdefgh", true},
	} {
		c.h.Length = uint32(len(c.p))
		var f frames
		taken := false
		err := f.read(append(h2.AppendHeader(nil, c.h), c.p...), func(h2.FrameHeader, []byte) error { taken = true; return nil })
		if taken != c.ok || errors.Is(err, errMalformed) == c.ok {
			t.Errorf("frame %d with flags %x and %q: taken %v, %v", c.h.Type, c.h.Flags, c.p, taken, err)
		}
	}
}
