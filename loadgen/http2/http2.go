// Package http2 is HTTP/2 (RFC 9113), the client's side: many requests on a connection at a
// time, each on a stream of its own. What requests are and what answers are to be is as in
// HTTP/1.1; a stream has a session of that, which sees its messages as text.
package http2

import (
	"bench/loadgen/codec"
	"bench/loadgen/http1"
	"bench/loadgen/trace"
)

// Spec is what a load says of HTTP/2 beside its requests.
type Spec struct {
	// Streams is how many requests are under way on a connection at a time; 0 is 100. The
	// peer may allow fewer.
	Streams int `json:"streams,omitempty"`
	// Window is how much of a body may be sent to the client before it has read any of it;
	// 0 is 1 MiB. A connection's is that of all its streams.
	Window int64 `json:"window,omitempty"`
}

// Bounds of a Spec.
const (
	defaultStreams = 100
	maxStreams     = 10_000
	defaultWindow  = 1 << 20
	maxWindow      = 1<<31 - 1
)

// Depth is how many requests are under way on a connection at a time.
func (s *Spec) Depth() int {
	if s.Streams == 0 {
		return defaultStreams
	}
	return s.Streams
}

func (s *Spec) window() int64 {
	if s.Window == 0 {
		return defaultWindow
	}
	return s.Window
}

// Problems says what is wrong with s.
func (s *Spec) Problems() []codec.Problem {
	var bad codec.Problems
	if s.Streams < 0 || s.Streams > maxStreams {
		bad.Add("streams", "%d streams: want 1 to %d", s.Streams, maxStreams)
	}
	if s.Window < 0 || s.Window > maxWindow {
		bad.Add("window", "a window of %d bytes: want 1 to %d", s.Window, maxWindow)
	}
	return bad
}

// client is HTTP/2, the client's side.
type client struct {
	requests *http1.Streams
	depth    int
	window   int64
	scheme   []byte
}

// New prepares the requests of a load, or those of the trace it replays. secure says that
// its connections are in TLS.
func New(l *codec.Load, s *Spec, h *http1.Spec, t *trace.Trace, secure bool) (codec.Codec, error) {
	requests, err := http1.NewStreams(l, h, t)
	if err != nil {
		return nil, err
	}
	c := &client{requests: requests, depth: s.Depth(), window: s.window(), scheme: []byte("http")}
	if secure {
		c.scheme = []byte("https")
	}
	return c, nil
}

func (c *client) Classes() []codec.Class { return c.requests.Classes() }

// ClassOf implements Replayer.
func (c *client) ClassOf(item int) int { return c.requests.ClassOf(item) }

func (c *client) Session(user int) codec.Session {
	n := 1
	for n < 2*c.depth {
		n *= 2
	}
	s := &session{client: c, user: c.requests.User(user), streams: make([]stream, n)}
	s.Open()
	return s
}
