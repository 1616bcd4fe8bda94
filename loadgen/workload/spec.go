// Package workload is a load as data: its protocol and requests, when they become due, over
// how many connections, and who shares it. It reads and checks that, and has the table of
// protocols. What carries a load out may not enter.
package workload

import (
	"bench/loadgen/codec"
	"bench/loadgen/http1"
	"bench/loadgen/http2"
	"bench/loadgen/mysql"
	"bench/loadgen/redis"
	"bench/loadgen/tcp"
	"bench/loadgen/trace"
)

// AutoSpin as Spec.SpinUs measures how late wake-ups are on this machine and
// spins for as long.
const AutoSpin = -1

// Arrival is the law by which requests become due.
type Arrival string

// Arrival laws.
const (
	Constant Arrival = "constant" // evenly spaced, ramps included
	Poisson  Arrival = "poisson"  // independent users: exponential gaps
	Closed   Arrival = "closed"   // the next request after the previous answer
	Replay   Arrival = "trace"    // the requests of a trace, at its times
)

// Spec is one load; the hidden `bench agent load` reads it as JSON from its
// standard input. Fields named ...Us are microseconds.
type Spec struct {
	// Name is the load's name and the class under which origins count its
	// requests: 1 to 64 letters, digits, '-', '_', '.'.
	Name     string `json:"name"`
	Protocol string `json:"protocol"` // "http1" when empty
	// Targets are addresses as sock.Parse reads them: "127.0.0.1:80",
	// "[::1]:80", "/run/x.sock", "abns@name". Connections go round them in turn.
	Targets []string `json:"targets"`
	// OneName reports that the targets are the addresses of one name: connections go to
	// the one that takes them, and on to the next when it does not.
	OneName bool `json:"oneName,omitempty"`
	// Title names the target in reports; the first address when empty.
	Title string     `json:"title,omitempty"`
	HTTP  http1.Spec `json:"http"` // of http2, too
	HTTP2 http2.Spec `json:"http2,omitzero"`
	Redis redis.Spec `json:"redis,omitzero"`
	TCP   tcp.Spec   `json:"tcp,omitzero"`
	MySQL mysql.Spec `json:"mysql,omitzero"`
	// TLS secures the connections; nil leaves them in clear.
	TLS *TLS `json:"tls,omitempty"`

	// Integrity checks what passed; nil does not.
	Integrity *codec.Integrity `json:"integrity,omitempty"`
	// Pieces sends requests in pieces; nil sends them whole.
	Pieces *Pieces `json:"pieces,omitempty"`

	Arrival Arrival `json:"arrival"` // "constant" when empty
	// ThinkUs is the pause of a closed loop between an answer and the next request.
	ThinkUs int64 `json:"thinkUs,omitempty"`
	// Trace is what Arrival Replay sends.
	Trace       *trace.Spec `json:"trace,omitempty"`
	Phases      []Phase     `json:"phases"`
	Connections Connections `json:"connections"`
	// MaxRequests ends the schedule after this many requests, those of phases that are
	// not measured included; 0 is no limit.
	MaxRequests uint64 `json:"maxRequests,omitempty"`

	// TimeoutUs bounds a request from its intended start to the last byte of
	// the response, time in the wait queue included; 0 is 10 s.
	TimeoutUs int64 `json:"timeoutUs,omitempty"`
	// ConnectTimeoutUs bounds the opening of a connection; 0 is TimeoutUs.
	ConnectTimeoutUs int64 `json:"connectTimeoutUs,omitempty"`

	Seed uint64 `json:"seed"`
	// CPUs the generator's thread is pinned to; empty leaves it free.
	CPUs []int `json:"cpus,omitempty"`
	// Poller is the polling mechanism; "" is the best there is, and for a load that
	// sends as fast as it can the quickest.
	Poller string `json:"poller,omitempty"`
	// SpinUs is how long before a due time the thread stops sleeping and
	// watches the clock instead, and how long after an answer it watches the
	// sockets while requests wait for a connection or a closed loop has no
	// think time: steadier starts for more CPU time. AutoSpin measures it.
	SpinUs int64 `json:"spinUs,omitempty"`
	// SpinShare is the most of a processor's time, 0 to 1, that AutoSpin may take
	// for a load that keeps a schedule; 0 does not bound it.
	SpinShare float64 `json:"spinShare,omitempty"`
	// ProgressUs is the time between Progress lines; 0 is 250 ms.
	ProgressUs int64 `json:"progressUs,omitempty"`
	// Threads share the load, each with an event loop of its own; 0 is 1. With
	// as many CPUs each thread has its own.
	Threads int `json:"threads,omitempty"`
	// Share is the part of the load that is this worker's, where several
	// threads or processes carry it out together.
	Share Share `json:"share,omitzero"`
	// StartAt is the run's origin, CLOCK_MONOTONIC nanoseconds, common to all
	// agents of a run. 0 lets the agent wait for a Start line after it has
	// reported that it is ready.
	StartAt int64 `json:"startAt,omitempty"`
}

// Timed reports that requests are due at times of their own, and not when the answers
// before them have come.
func (s *Spec) Timed() bool { return s.Arrival != Closed || s.ThinkUs > 0 }

// Share is one of several equal parts of a load. The parts of an open loop make
// up its schedule exactly: part i of n has the requests i, i+n, i+2n and so on.
type Share struct {
	Index int `json:"index"` // from 0
	Of    int `json:"of"`    // 0 is 1: the whole
}

func (s Share) Parts() int { return max(1, s.Of) }

// Part is this share of n connections; 0 is no limit and stays so.
func (s Share) Part(n int) int {
	if n == 0 {
		return 0
	}
	return (n + s.Parts() - 1 - s.Index) / s.Parts()
}

// Part is the spec of thread i of those that s asks for.
func (s *Spec) Part(i int) *Spec {
	p := *s
	n := max(1, s.Threads)
	p.Threads = 1
	p.Share = Share{Index: s.Share.Index*n + i, Of: s.Share.Parts() * n}
	if len(s.CPUs) >= n { // one for each; fewer are shared by all
		p.CPUs = s.CPUs[i : i+1]
	}
	return &p
}

// Split returns the specs of n processes that carry out s together.
func (s *Spec) Split(n int) []*Spec {
	all := make([]*Spec, n)
	for i := range all {
		p := *s
		p.Share = Share{Index: i, Of: n}
		if n == 1 {
			p.Share = Share{}
		}
		all[i] = &p
	}
	return all
}

// Phase is a stretch of the schedule. Rates are requests per second and mean
// nothing in a closed loop and in a replay; the rate goes from From to To in a straight line.
type Phase struct {
	Name     string  `json:"name"`
	From     float64 `json:"from"`
	To       float64 `json:"to"`
	LengthUs int64   `json:"lengthUs"`
	Measure  bool    `json:"measure"`
	// Steps makes the rate change in this many equal steps, both ends included,
	// instead of in a straight line; 0 and 1 do not.
	Steps int `json:"steps,omitempty"`
	// Burst lets so many requests become due at the same time; 0 is 1.
	Burst int `json:"burst,omitempty"`
	// Connections replaces Spec.Connections.Pool from this phase on; nil keeps
	// what is in force.
	Connections *int `json:"connections,omitempty"`
}

// Connections says how many connections there are and how long they live.
type Connections struct {
	// Pool is the most connections open at a time, 0 for no limit. A closed
	// loop has exactly this many users.
	Pool int `json:"pool"`
	// RequestsPerConnection closes a connection after this many requests; 0 is
	// never, 1 is a connection for each request.
	RequestsPerConnection int `json:"requestsPerConnection,omitempty"`
	// MaxAgeUs makes the first request on a connection of this age its last; 0
	// is no limit.
	MaxAgeUs int64 `json:"maxAgeUs,omitempty"`
	// Pipeline is how many requests are sent on a connection ahead of their
	// answers, the one being answered included; 0 is 1.
	Pipeline int `json:"pipeline,omitempty"`
}

// Pieces sends requests in pieces, each some time after the one before, so that they
// come apart. How many there are and where they begin follows from the seed and the
// request's number.
type Pieces struct {
	// Min and Max bound the number of pieces of a head, and again of a body; of
	// protocols without heads, of a request.
	Min int `json:"min"`
	Max int `json:"max"`
	// PauseUs is the longest time between two pieces; 0 is 1 ms.
	PauseUs int64 `json:"pauseUs,omitempty"`
}
