package simulation

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"bench/internal/sock"
	"bench/proxy/sample"
	"bench/proxy/txn"
)

// books is what is known of a run from outside the engine, and what the engine says of it.
type books struct {
	p        *Plan
	requests map[int]*entry
	callers  map[sock.Addr]*caller // connections of clients, by the address they came from
	// lines are the records of the log; nameless are those of no request.
	lines    []line
	silent   uint64 // requests that were not logged, on purpose
	alive    uint64 // of these, those that have asked whether the proxy lives
	doubtful uint64 // and those of which nobody knows whether the proxy had them
	broken   []Complaint
	clientIn uint64 // bytes that clients have received
	falls    int    // times that checks have taken a server down
	tell     func(string, ...any)
}

// entry is one request.
type entry struct {
	*Request
	served   int  // how many origins have received its head
	complete int  // and its body
	status   int  // of the answer; 0: none
	answered bool // and whole
	logged   int
	cached   bool // the answer was made for another request
	given    bool // an origin has sent its answer completely
	// When the client began to send it, when an origin began to answer, and when the head of
	// that answer came to the client; 0: never.
	askedAt, answeredAt, headSeen time.Duration
}

// caller is one connection of a client.
type caller struct {
	logged int
}

// line is what the log says of a stream.
type line struct {
	id, status int
	method     string
	flags      string
	out, in    uint64
}

func newBooks(p *Plan) *books {
	b := &books{p: p, requests: map[int]*entry{}, callers: map[sock.Addr]*caller{}}
	for _, c := range p.Clients {
		for i := range c.Requests {
			b.requests[c.Requests[i].ID] = &entry{Request: &c.Requests[i]}
		}
	}
	return b
}

// complain notes that something should not have happened.
func (b *books) complain(format string, args ...any) {
	if len(b.broken) < maxComplaints {
		b.broken = append(b.broken, Complaint{format, fmt.Sprintf(format, args...)})
	}
}

// maxComplaints is how many are kept: the first one says most.
const maxComplaints = 20

// Complaint is something that should not have happened.
type Complaint struct {
	Kind string // the same for all of a kind
	Text string
}

// Log implements log.Sink.
func (b *books) Log(r *txn.Record, _ *sample.Context) {
	l := line{method: string(r.Method), status: r.Status, flags: string(r.Flags[:]), out: r.BytesOut, in: r.BytesIn}
	c := b.callers[r.Client]
	if c == nil {
		b.complain("a line is logged for %s, from where nobody came", r.Client.String())
		return
	}
	c.logged++
	if b.tell != nil {
		b.tell("log: %s %s %d %s", r.Method, r.URI, r.Status, r.Flags[:])
	}
	if len(r.URI) > 0 {
		e := b.byURI(string(r.URI))
		switch {
		case e == nil:
			b.complain("a line is logged for %q, which nobody has asked for", r.URI)
			return
		case e.Method != l.method:
			b.complain("request %d is logged as %q", e.ID, r.Method)
		}
		l.id = e.ID
		e.logged++
		if e.logged > 1 {
			b.complain("request %d is logged %d times", e.ID, e.logged)
		}
		if e.status != 0 && e.status != r.Status && !b.p.Hostile {
			b.complain("request %d is logged with status %d, and its client got %d", e.ID, r.Status, e.status)
		}
	}
	b.lines = append(b.lines, l)
}

// Failure implements log.Sink.
func (b *books) Failure(r *txn.Record, _ *sample.Context, _, why string) {
	if !b.p.Hostile {
		b.complain("a connection from %s has failed: %s", r.Client.String(), why)
	}
}

// byURI finds a request by what the log says of it.
func (b *books) byURI(uri string) *entry {
	path := uri
	if b.p.H2 {
		_, path, _ = strings.Cut(strings.TrimPrefix(uri, "http://"), "/")
	}
	text, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	id, _ := strconv.Atoi(text)
	e := b.requests[id]
	if e == nil {
		return nil
	}
	want := e.target()
	if b.p.H2 {
		want = "http://" + e.host() + want
	}
	if uri != want {
		return nil
	}
	return e
}
