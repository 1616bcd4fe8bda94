package http1

import (
	"bench/loadgen/codec"
	"bench/loadgen/trace"
)

// Streams are the requests of a load for protocols that put several messages of HTTP on a
// connection at a time. Their bodies follow the head as they are: what carries them says
// where they end.
type Streams struct{ c *client }

// NewStreams prepares the requests of a load, as New does.
func NewStreams(l *codec.Load, h *Spec, t *trace.Trace) (*Streams, error) {
	c, err := newClient(l, h, t, true)
	return &Streams{c}, err
}

// Classes are those of a [codec.Codec].
func (s *Streams) Classes() []codec.Class { return s.c.classes }

// ClassOf is that of a [codec.Replayer].
func (s *Streams) ClassOf(item int) int { return s.c.ClassOf(item) }

// User is a virtual user, whose requests share their cookies.
type User struct {
	c      *client
	number int
	kept   kept
}

// User is the one with this number.
func (s *Streams) User(number int) *User { return &User{c: s.c, number: number} }

// Stream writes requests of the user and reads their answers, one at a time.
func (u *User) Stream() codec.Session { return u.c.session(u.number, &u.kept) }
