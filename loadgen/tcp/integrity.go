package tcp

import (
	"bytes"

	"bench/internal/integrity"
	"bench/loadgen/codec"
)

// check is what is checked of protocol tcp: echoes always, downloads where a mock
// origin of mode source says known bytes.
type check struct {
	source []byte // what a source says, over and over; nil where it is not known
}

func newCheck(i *codec.Integrity) *check {
	if i == nil {
		return nil
	}
	c := &check{}
	if i.Source {
		c.source = make([]byte, 1024*integrity.SourcePeriod)
		for at := range c.source {
			c.source[at] = integrity.SourceByte(int64(at))
		}
	}
	return c
}

// different keeps where a message differs from what was expected, the first time.
func (s *session) different(part string, before int64, expected, got []byte) {
	if s.answer.Check == codec.WrongAnswer {
		return
	}
	s.answer.Check = codec.WrongAnswer
	d, _ := integrity.Compare(expected, got, len(got))
	s.difference = codec.Difference{Part: part, Offset: before + d.Offset, Expected: d.Expected, Got: d.Got}
}

// downloaded compares what a source has said with what it says.
func (s *session) downloaded(p []byte) {
	c := s.codec.check
	if c == nil || c.source == nil {
		return
	}
	if s.answer.Check == codec.Unchecked {
		s.answer.Check = codec.Intact
	}
	for at := s.answer.Bytes; len(p) > 0; {
		want := c.source[at%integrity.SourcePeriod:]
		n := min(len(p), len(want))
		if !bytes.Equal(p[:n], want[:n]) {
			s.different("download", at, want[:n], p[:n])
		}
		at, p = at+int64(n), p[n:]
	}
}

// Explain implements explainer.
func (s *session) Explain(*codec.Order) codec.Difference { return s.difference }
