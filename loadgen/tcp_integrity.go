package loadgen

import (
	"bytes"

	"bench/internal/integrity"
)

// tcpCheck is what is checked of protocol tcp: echoes always, downloads where a mock
// origin of mode source says known bytes.
type tcpCheck struct {
	source []byte // what a source says, over and over; nil where it is not known
}

func newTCPCheck(spec *Spec) *tcpCheck {
	if spec.Integrity == nil {
		return nil
	}
	c := &tcpCheck{}
	if spec.Integrity.Source {
		c.source = make([]byte, 1024*integrity.SourcePeriod)
		for i := range c.source {
			c.source[i] = integrity.SourceByte(int64(i))
		}
	}
	return c
}

// different keeps where a message differs from what was expected, the first time.
func (s *tcpSession) different(part string, before int64, expected, got []byte) {
	if s.answer.check == wrongAnswer {
		return
	}
	s.answer.check = wrongAnswer
	d, _ := integrity.Compare(expected, got, len(got))
	s.difference = difference{part, before + d.Offset, d.Expected, d.Got}
}

// downloaded compares what a source has said with what it says.
func (s *tcpSession) downloaded(p []byte) {
	c := s.codec.check
	if c == nil || c.source == nil {
		return
	}
	if s.answer.check == unchecked {
		s.answer.check = intact
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

// explain implements explainer.
func (s *tcpSession) explain(*Order) difference { return s.difference }
