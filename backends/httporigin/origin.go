package httporigin

import (
	"crypto/tls"

	"bench/backends/fault"
	"bench/backends/origin"
	"bench/internal/h2wire"
	"bench/internal/loop"
)

// Options describe the origins of a process.
type Options struct {
	// Answer is the response to requests whose path says nothing else.
	Answer Answer
	// Check recognises health checks.
	Check Check
	// Limits of connections and requests.
	Limits Limits
	// TLS is what clients are served with; nil: in clear.
	TLS *tls.Config
	// HTTP2 serves HTTP/2 besides: in TLS to those who agree on it, in clear to those
	// who begin with it.
	HTTP2 bool
}

// Config is what the replicas of a process have in common. It is not changed
// once an Origin uses it. It implements origin.Kind.
type Config struct {
	Options

	payload *payload
	path    []byte
	agent   []byte
	method  []byte
	script  map[string]*Scripted
}

// Protocol is the name faults know these origins by.
const Protocol = "http"

// Protocol implements origin.Kind.
func (*Config) Protocol() string { return Protocol }

// InTLS implements origin.Kind.
func (cfg *Config) InTLS() bool { return cfg.TLS != nil }

// OneThread implements origin.Kind: nothing is shared.
func (*Config) OneThread() bool { return false }

// NewConfig completes a configuration. Headers that the origin writes itself
// are errors.
func NewConfig(o Options) (*Config, error) {
	cfg := &Config{Options: o, payload: newPayload()}
	if cfg.Limits.Head == 0 {
		cfg.Limits.Head = loop.ScratchSize
	}
	cfg.path, cfg.agent = []byte(o.Check.Path), []byte(o.Check.Agent)
	switch o.Check.Method {
	case "":
		cfg.method = []byte("OPTIONS")
	case "-":
	default:
		cfg.method = []byte(o.Check.Method)
	}
	if o.HTTP2 && o.TLS != nil {
		cfg.TLS = o.TLS.Clone()
		cfg.TLS.NextProtos = []string{h2wire.ALPN, "http/1.1"}
	}
	var err error
	if cfg.script, err = script(o.Answer.Scripted); err != nil {
		return nil, err
	}
	return cfg, o.Answer.checkFields()
}

// Origin is one replica on one loop. Its methods are for the loop's goroutine.
type Origin struct {
	origin.Lines
	name     string
	cfg      *Config
	prepared preparedSet
	gzips    gzips
	heads    headReader
	streams  []*stream // that are not used
}

// Start implements origin.Kind.
func (cfg *Config) Start(at *origin.Place) (origin.Replica, error) {
	o := &Origin{name: at.Name, cfg: cfg, gzips: gzips{}}
	o.prepared.init(at.Name, &cfg.Answer, cfg.payload)
	terms := origin.Terms{Idle: cfg.Limits.Idle, Backlog: cfg.Limits.Backlog, TLS: cfg.TLS}
	err := o.Serve(at, terms, o, func() (*origin.Line, origin.User) {
		c := &conn{o: o}
		return &c.Line, c
	})
	return o, err
}

// Changed implements fault.Subject.
func (o *Origin) Changed(was, now *fault.Force) {
	o.Lines.Changed(was, now)
	if was.Stalled && !now.Stalled {
		o.Each(func(u origin.User) {
			if c, ok := u.(*conn); ok && c.owed {
				c.sayContinue()
			}
		})
	}
	if now.Drain && !was.Drain {
		o.Each(func(u origin.User) {
			if s, ok := u.(*session); ok {
				s.leave()
			}
		})
	}
}
