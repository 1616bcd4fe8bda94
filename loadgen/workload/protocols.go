package workload

import (
	"fmt"
	"strings"

	"bench/internal/h2wire"
	"bench/loadgen/codec"
	"bench/loadgen/http1"
	"bench/loadgen/http2"
	"bench/loadgen/mysql"
	"bench/loadgen/redis"
	"bench/loadgen/tcp"
	"bench/loadgen/trace"
)

// protocol is a row of the table of protocols.
type protocol struct {
	name     string
	counting Counting
	// upgrades: connections begin in clear, and its sessions ask for TLS themselves.
	upgrades bool
	// validate reports what is wrong with the protocol's part of a Spec.
	validate func(s *Spec, bad func(format string, args ...any))
	// Open prepares the requests; it may read files. t is the trace to replay,
	// nil without one; the codec must be a Replayer then.
	open func(s *Spec, l *codec.Load, t *trace.Trace) (codec.Codec, error)
}

// protocols lists what the generator speaks; the first is the default.
func protocols() []protocol {
	return []protocol{
		{"http1", ByNumber, false, validateHTTP1, func(s *Spec, l *codec.Load, t *trace.Trace) (codec.Codec, error) { return http1.New(l, &s.HTTP, t) }},
		{"http2", ByNumber, false, validateHTTP2, func(s *Spec, l *codec.Load, t *trace.Trace) (codec.Codec, error) {
			return http2.New(l, &s.HTTP2, &s.HTTP, t, s.TLS != nil)
		}},
		{"redis", ByName, false, validateRedis, func(s *Spec, l *codec.Load, _ *trace.Trace) (codec.Codec, error) { return redis.New(l, &s.Redis) }},
		{"mysql", ByName, true, validateMySQL, func(s *Spec, l *codec.Load, _ *trace.Trace) (codec.Codec, error) {
			return mysql.New(l, &s.MySQL, s.TLS != nil)
		}},
		{"tcp", Uncounted, false, validateTCP, func(s *Spec, l *codec.Load, _ *trace.Trace) (codec.Codec, error) { return tcp.New(l, &s.TCP) }},
	}
}

// Counting is how origins count the requests of a protocol.
type Counting uint8

// Ways of counting.
const (
	// ByNumber: each request carries its number, as [http1.HeaderID] does.
	ByNumber Counting = iota
	// ByName: each connection of a scenario carries the name of its load.
	ByName
	// Uncounted: what origins count is something else.
	Uncounted
)

// CountingOf is how origins count the requests of a protocol of the generator's.
func CountingOf(protocol string) Counting {
	p, _ := findProtocol(protocol)
	return p.counting
}

func findProtocol(name string) (protocol, error) {
	var names []string
	for _, p := range protocols() {
		if name == p.name || name == "" {
			return p, nil
		}
		names = append(names, p.name)
	}
	return protocol{}, fmt.Errorf("unknown protocol %q: want %s", name, strings.Join(names, " or "))
}

// ProtocolName is the name of the load's protocol, the default one's where it has none.
func (s *Spec) ProtocolName() string {
	if s.Protocol == "" {
		return protocols()[0].name
	}
	return s.Protocol
}

// Open prepares the requests of a valid load; t is the trace it replays, if it does.
func (s *Spec) Open(t *trace.Trace) (codec.Codec, error) {
	p, err := findProtocol(s.Protocol)
	if err != nil {
		return nil, err
	}
	return p.open(s, &codec.Load{Name: s.Name, Seed: s.Seed, Targets: s.Targets, Integrity: s.Integrity}, t)
}

// reportAll passes on what is wrong with a protocol's part of a load, and with its
// requests, by their names.
func reportAll[R any](bad func(string, ...any), part []codec.Problem, requests []R, name func(*R) string, of func(*R) []codec.Problem) {
	for _, p := range part {
		bad("%s", p.Text)
	}
	for i := range requests {
		in := ""
		if n := name(&requests[i]); n != "" {
			in = fmt.Sprintf("request %s: ", n)
		}
		for _, p := range of(&requests[i]) {
			bad("%s%s", in, p.Text)
		}
	}
}

func validateHTTP1(s *Spec, bad func(string, ...any)) {
	h := &s.HTTP
	reportAll(bad, h.Problems(), h.Requests, func(r *http1.Request) string { return r.Name }, func(r *http1.Request) []codec.Problem { return r.Problems(h) })
}

func validateHTTP2(s *Spec, bad func(string, ...any)) {
	validateHTTP1(s, bad)
	if s.Connections.Pipeline > 1 {
		bad("protocol http2 sends nothing ahead on a connection: it has streams instead")
	}
	for _, p := range s.HTTP2.Problems() {
		bad("http2: %s", p.Text)
	}
}

// Depth is how many requests are under way on a connection at a time.
func (s *Spec) Depth() int {
	if s.Protocol == "http2" {
		return s.HTTP2.Depth()
	}
	return max(1, s.Connections.Pipeline)
}

// Upgrades reports that connections begin in clear, and that TLS is asked for on them.
func (s *Spec) Upgrades() bool {
	p, _ := findProtocol(s.Protocol)
	return p.upgrades
}

// ALPN is what the protocol is called in TLS; nothing where it is not asked for.
func (s *Spec) ALPN() []string {
	if s.Protocol == "http2" {
		return []string{h2wire.ALPN}
	}
	return nil
}

// without reports what only HTTP can do.
func without(s *Spec, bad func(string, ...any)) {
	if s.Trace != nil {
		bad("protocol %s cannot replay traces: only http1 and http2 can", s.Protocol)
	}
}

func validateRedis(s *Spec, bad func(string, ...any)) {
	without(s, bad)
	reportAll(bad, s.Redis.Problems(), s.Redis.Commands, func(c *redis.Command) string { return c.Name }, (*redis.Command).Problems)
}

func validateTCP(s *Spec, bad func(string, ...any)) {
	without(s, bad)
	reportAll(bad, s.TCP.Problems(), s.TCP.Exchanges, func(x *tcp.Exchange) string { return x.Name },
		func(x *tcp.Exchange) []codec.Problem { return x.Problems(s.Connections.Pipeline) })
}

func validateMySQL(s *Spec, bad func(string, ...any)) {
	without(s, bad)
	if s.Connections.Pipeline > 1 {
		bad("protocol mysql cannot send requests ahead: want pipeline 1")
	}
	reportAll(bad, s.MySQL.Problems(), s.MySQL.Statements, func(t *mysql.Statement) string { return t.Name }, (*mysql.Statement).Problems)
}
