// Package resolver looks names up in the DNS for one "resolvers" section: it asks all
// name servers of the section at once, takes the first good answer, and asks again,
// also for the other kind of addresses, as the reference does (configuration manual,
// section 5.3.2). All of it runs on one event loop. What the answers are for may not
// enter here.
package resolver

import (
	"maps"
	"math/rand/v2"
	"strings"
	"sync/atomic"

	"github.com/miekg/dns"

	"bench/internal/loop"
	"bench/internal/sock"
	"bench/proxy/spec"
)

// Counters count what came of the questions to one name server. They are for all
// goroutines to read.
type Counters struct {
	Sent, SendErrors, Valid, CNAME, CNAMEErrors, Empty, NX, Timeout atomic.Uint64
	Refused, Other, Invalid, TooBig, Truncated, Outdated, Updates   atomic.Uint64
}

// Reset forgets everything.
func (c *Counters) Reset() {
	for _, n := range []*atomic.Uint64{
		&c.Sent, &c.SendErrors, &c.Valid, &c.CNAME, &c.CNAMEErrors, &c.Empty, &c.NX, &c.Timeout,
		&c.Refused, &c.Other, &c.Invalid, &c.TooBig, &c.Truncated, &c.Outdated, &c.Updates,
	} {
		n.Store(0)
	}
}

// Resolver looks names up for one section. All of it belongs to its loop, but for the
// counters and for Post.
type Resolver struct {
	Spec    *spec.Resolvers
	l       *loop.Loop
	servers []*nameserver
	lookups map[uint16]*lookup // that wait for answers, by the number of their question
	asked   map[Question]*lookup
	// kept are good answers to Ask, and swept is when they were last gone through.
	kept  map[Question]keptAnswer
	swept int64
}

// maxWishes is how many names are looked up at a time before rules are told that there is no
// address: clients choose these names, and each question needs a number of 16 bits that no
// other one has.
const maxWishes = 1 << 14

// keptAnswer is an answer and when it came.
type keptAnswer struct {
	Answer
	at int64
}

// New makes a resolver that works on a loop. Nothing is sent before the first question.
func New(s *spec.Resolvers, l *loop.Loop) *Resolver {
	r := &Resolver{Spec: s, l: l, lookups: map[uint16]*lookup{}, asked: map[Question]*lookup{}, kept: map[Question]keptAnswer{}}
	for i := range s.Nameservers {
		r.servers = append(r.servers, &nameserver{r: r, spec: &s.Nameservers[i], fd: -1})
	}
	return r
}

// Counters are those of a name server, by its index in the section.
func (r *Resolver) Counters(i int) *Counters { return &r.servers[i].Counters }

// Updated counts an answer by which a server's address changed, for the name server that
// gave it.
func (r *Resolver) Updated(from string) {
	for _, n := range r.servers {
		if n.spec.Name == from {
			n.Updates.Add(1)
		}
	}
}

// Post is Ask for other goroutines than the loop's. It reports false once the loop has
// ended.
func (r *Resolver) Post(q Question, done func(Answer)) bool {
	return r.l.Post(func() { r.Ask(q, done) })
}

// PostWish is Wish for other goroutines than the loop's.
func (r *Resolver) PostWish(q Question, done func(Answer)) bool {
	return r.l.Post(func() { r.Wish(q, done) })
}

// Wish is Ask for those who are content with what Ask was told a moment ago ("hold valid"),
// and with the answer to a question that is on its way.
func (r *Resolver) Wish(q Question, done func(Answer)) {
	if k, ok := r.kept[key(q)]; ok {
		if r.l.Now()-k.at < int64(r.Spec.Hold.Valid) {
			done(k.Answer)
			return
		}
		delete(r.kept, key(q))
	}
	if x := r.asked[key(q)]; x != nil {
		x.done = append(x.done, done)
		return
	}
	if len(r.lookups) >= maxWishes {
		done(Answer{Status: Other})
		return
	}
	r.look(q, done)
}

// key is a question by the sense of it.
func key(q Question) Question {
	q.Name = strings.ToLower(q.Name)
	return q
}

// Ask looks a name up, and calls done on the loop when all is known. Good answers are kept
// for Wish.
func (r *Resolver) Ask(q Question, done func(Answer)) {
	r.look(q, func(a Answer) {
		r.keep(key(q), a)
		done(a)
	})
}

// keep keeps a good answer, and lets go of those that do not hold any more: which hosts a
// service has is up to name servers.
func (r *Resolver) keep(q Question, a Answer) {
	now, hold := r.l.Now(), int64(r.Spec.Hold.Valid)
	if a.Status == Valid && hold > 0 {
		r.kept[q] = keptAnswer{a, now}
	} else {
		delete(r.kept, q)
	}
	if now-r.swept < hold {
		return
	}
	r.swept = now
	maps.DeleteFunc(r.kept, func(_ Question, k keptAnswer) bool { return now-k.at >= hold })
}

func (r *Resolver) look(q Question, done func(Answer)) {
	x := &lookup{r: r, q: q, done: []func(Answer){done}, tries: r.Spec.Retries - 1, status: Timeout}
	r.asked[key(q)] = x
	for taken := true; taken; _, taken = r.lookups[x.id] {
		x.id = uint16(rand.Uint32())
	}
	r.lookups[x.id] = x
	switch {
	case q.Service:
		x.preferred = dns.TypeSRV
	case q.PreferIPv4:
		x.preferred = dns.TypeA
	default:
		x.preferred = dns.TypeAAAA
	}
	x.kind = x.preferred
	x.send()
}

// Close closes the sockets, once the loop has ended.
func (r *Resolver) Close() {
	for _, n := range r.servers {
		if n.fd >= 0 {
			sock.Close(n.fd)
			n.fd = -1
		}
	}
}

// lookup is one name that is being looked up.
type lookup struct {
	r               *Resolver
	q               Question
	done            []func(Answer)
	timer           loop.Timer
	id              uint16
	kind, preferred uint16
	tries           int // left
	asked           int // name servers, this time
	from            map[*nameserver]bool
	status          Status // of the last answer that was not good
}

// other is the other kind of addresses, and the same one where there is none.
func other(kind uint16) uint16 {
	switch kind {
	case dns.TypeA:
		return dns.TypeAAAA
	case dns.TypeAAAA:
		return dns.TypeA
	}
	return kind
}

// send asks all name servers. The number of the question stays the same, so that answers
// count as well that come only when it has been asked again.
func (x *lookup) send() {
	r := x.r
	x.asked, x.from = 0, map[*nameserver]bool{}
	msg, err := pack(x.q.Name, x.kind, x.id, r.Spec.PayloadSize)
	if err != nil {
		x.finish(Answer{Status: Other})
		return
	}
	for _, n := range r.servers {
		if n.ask(msg) {
			n.Sent.Add(1)
			x.asked++
		} else {
			n.SendErrors.Add(1)
		}
	}
	r.l.SetTimer(&x.timer, r.l.Now()+int64(r.Spec.Retry), x)
}

// forget takes the lookup from those that wait.
func (x *lookup) forget() {
	if x.r.lookups[x.id] == x {
		delete(x.r.lookups, x.id)
	}
}

// Expired implements loop.TimerHandler: not all have answered in time.
func (x *lookup) Expired(*loop.Timer) {
	for _, n := range x.r.servers {
		if !x.from[n] {
			n.Timeout.Add(1)
		}
	}
	if len(x.from) == 0 {
		x.status = Timeout
	}
	switch {
	case x.tries <= 0:
		x.finish(Answer{Status: x.status})
	case len(x.from) == 0 || x.kind != x.preferred || other(x.kind) == x.kind:
		x.tries--
		x.kind = x.preferred
		x.send()
	default:
		x.kind = other(x.kind)
		x.send()
	}
}

// fail notes an answer that is not good. When all have given one the question is asked
// again: for the other kind of addresses at once, and from the beginning when time is up,
// or name servers that fail would be asked without a pause.
func (x *lookup) fail(n *nameserver, s Status) {
	x.from[n], x.status = true, s
	if len(x.from) < x.asked {
		return
	}
	switch {
	case x.kind == x.preferred && other(x.kind) != x.kind:
		x.kind = other(x.kind)
		x.send()
	case x.kind != x.preferred && x.tries <= 0:
		x.finish(Answer{Status: s})
	}
}

func (x *lookup) finish(a Answer) {
	x.forget()
	x.r.l.StopTimer(&x.timer)
	if k := key(x.q); x.r.asked[k] == x {
		delete(x.r.asked, k)
	}
	for _, done := range x.done {
		done(a)
	}
}

// received takes a message of a name server.
func (r *Resolver) received(n *nameserver, b []byte) {
	if len(b) < 2 {
		n.Invalid.Add(1)
		return
	}
	x := r.lookups[uint16(b[0])<<8|uint16(b[1])]
	if x == nil || x.from[n] {
		n.Outdated.Add(1)
		return
	}
	if len(b) > r.Spec.PayloadSize && !n.spec.TCP {
		n.TooBig.Add(1) // as if it had not come
		return
	}
	a, cname, f := unpack(b, x.q.Name, x.preferred)
	if cname {
		n.CNAME.Add(1)
	}
	n.count(f)
	if f != noFault {
		x.fail(n, f.status())
		return
	}
	a.From = n.spec.Name
	x.finish(a)
}

func (c *Counters) count(f fault) {
	switch f {
	case noFault:
		c.Valid.Add(1)
	case faultNX:
		c.NX.Add(1)
	case faultRefused:
		c.Refused.Add(1)
	case faultInvalid:
		c.Invalid.Add(1)
	case faultTruncated:
		c.Truncated.Add(1)
	case faultEmpty:
		c.Empty.Add(1)
	case faultCNAME:
		c.CNAMEErrors.Add(1)
	case faultOther:
		c.Other.Add(1)
	}
}

// ValidName tells whether a name can be asked for: labels of 1 to 63 bytes.
func ValidName(name string) bool {
	for label := range strings.SplitSeq(name, ".") {
		if len(label) == 0 || len(label) > 63 {
			return false
		}
	}
	return true
}
