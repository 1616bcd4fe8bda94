// Package tcporigin is the mock TCP origin: it echoes, swallows, pours out
// bytes, or follows a script. What several kinds of origins share belongs into
// package origin.
package tcporigin

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"time"

	"bench/backends/origin"
	"bench/internal/dist"
	"bench/internal/integrity"
)

// Mode is what the origin does with a connection.
type Mode string

// Modes.
const (
	Echo   Mode = "echo"   // answer each piece that is read with itself
	Sink   Mode = "sink"   // read all and say nothing
	Source Mode = "source" // write Options.Bytes and close, whatever comes
	Script Mode = "script" // follow Options.Script
)

// Options describe the origins of a process. The zero value echoes.
type Options struct {
	Mode Mode
	// Bytes that mode source writes on each connection; 0 is no end.
	Bytes int64
	// Script of mode script, see ParseScript.
	Script []Step
	// Latency from a request to its answer: of each piece echoed, from the
	// connection to the first byte of a source, from a match of expect to what
	// follows it.
	Latency dist.Duration
	// Idle is how long a connection may wait for the client; 0 is no limit.
	Idle time.Duration
	// Backlog of the listeners; 0 is the system's.
	Backlog int
	// TLS is what clients are served with; nil: in clear.
	TLS *tls.Config
}

// Config is what the replicas of a process have in common. It implements
// origin.Kind.
type Config struct {
	Options
	payload []byte
}

// payloadSize is how much a source writes in one call, if the kernel takes it.
const payloadSize = 256 << 10

// NewConfig checks and completes a configuration.
func NewConfig(o Options) (*Config, error) {
	cfg := &Config{Options: o}
	switch {
	case o.Mode == "":
		cfg.Mode = Echo
	case o.Mode != Echo && o.Mode != Sink && o.Mode != Source && o.Mode != Script:
		return nil, fmt.Errorf("unknown mode %q: want echo, sink, source or script", o.Mode)
	case o.Mode == Script && len(o.Script) == 0:
		return nil, fmt.Errorf("mode script has no script: want steps like expect PING, send PONG")
	}
	if o.Mode != Script && len(o.Script) > 0 {
		return nil, fmt.Errorf("mode %s takes no script: want mode script", cfg.Mode)
	}
	if o.Mode != Source && o.Bytes != 0 {
		return nil, fmt.Errorf("mode %s takes no number of bytes: want mode source", cfg.Mode)
	}
	if o.Bytes < 0 {
		return nil, fmt.Errorf("invalid number of bytes %d: want 0 (no end) or more", o.Bytes)
	}
	if cfg.Mode == Source {
		cfg.payload = bytes.Repeat(alphabet(), payloadSize/integrity.SourcePeriod)
	}
	return cfg, nil
}

// alphabet is the line a source repeats.
func alphabet() []byte {
	line := make([]byte, integrity.SourcePeriod)
	for i := range line {
		line[i] = integrity.SourceByte(int64(i))
	}
	return line
}

// Protocol is the name faults know these origins by.
const Protocol = "tcp"

// Protocol implements origin.Kind.
func (*Config) Protocol() string { return Protocol }

// InTLS implements origin.Kind.
func (cfg *Config) InTLS() bool { return cfg.TLS != nil }

// OneThread implements origin.Kind: nothing is shared.
func (*Config) OneThread() bool { return false }

// Start implements origin.Kind.
func (cfg *Config) Start(at *origin.Place) (origin.Replica, error) {
	return origin.Serve(at, origin.Behaviour{
		Latency: cfg.Latency, HalfClose: true, Idle: cfg.Idle, Backlog: cfg.Backlog, TLS: cfg.TLS,
		Open: func(c *origin.Conn) origin.Session { return cfg.open(c) },
	})
}

// open begins a session, with what is left of one before on the same Conn.
func (cfg *Config) open(c *origin.Conn) origin.Session {
	switch cfg.Mode {
	case Source:
		s, ok := c.Session().(*source)
		if !ok {
			s = &source{}
		}
		*s = source{payload: cfg.payload, left: cfg.Bytes, endless: cfg.Bytes == 0}
		s.begin(c)
		return s
	case Script:
		s, ok := c.Session().(*script)
		if !ok {
			s = &script{}
		}
		*s = script{steps: cfg.Script}
		s.greet(c)
		return s
	case Sink:
		return sink{}
	case Echo:
	}
	return echo{}
}

// echo answers each piece with itself.
type echo struct{}

// Consume implements origin.Session.
func (echo) Consume(c *origin.Conn, in []byte) int {
	if len(in) == 0 || !c.Take(nil) {
		return 0
	}
	c.Reply(in, 0)
	return len(in)
}

// Closed implements origin.Session.
func (echo) Closed(*origin.Conn) {}

// sink reads all.
type sink struct{}

// Consume implements origin.Session.
func (sink) Consume(_ *origin.Conn, in []byte) int { return len(in) }

// Closed implements origin.Session.
func (sink) Closed(*origin.Conn) {}

// source writes; the connection is its one request.
type source struct {
	payload []byte
	left    int64
	endless bool
	begun   bool
}

func (s *source) begin(c *origin.Conn) {
	if s.begun || !c.Take(nil) {
		return
	}
	s.begun = true
	s.Refill(c)
}

// Consume implements origin.Session.
func (s *source) Consume(c *origin.Conn, in []byte) int {
	s.begin(c)
	return len(in)
}

// Refill implements origin.Refiller.
func (s *source) Refill(c *origin.Conn) (more bool) {
	size := int64(len(s.payload))
	switch {
	case !s.begun:
		return false
	case s.endless || s.left > size:
		s.left -= size
		if out := c.Output(); len(out) == 0 {
			c.SetOutput(append(out, s.payload...))
		}
		return true
	}
	c.SetOutput(append(c.Output()[:0], s.payload[:s.left]...))
	s.begun = false
	c.Done(0)
	c.Finish()
	return true
}

// Closed implements origin.Session.
func (*source) Closed(*origin.Conn) {}
