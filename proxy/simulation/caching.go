package simulation

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Where there is a cache, several requests ask for the same content. The path of one is
// "/7/3": request 7 wants content 3. A rule makes it "/3" before the cache looks for it, and
// a field tells origins which request it is. What an origin sends is of the request that it
// answers, as everywhere: so two answers with the same content differ in every byte, and it
// shows which one a client has got, and whether that is all of it.

// caching draws a cache, and requests that share contents.
func (m *maker) caching() {
	p := m.p
	p.MaxAge = pick(m, 1, 2, 60, 60)
	p.Cache = []string{"total-max-size 1", "max-object-size " + pick(m, "2000", "100000", "500000"), "max-age " + strconv.Itoa(p.MaxAge)}
	if m.one(2) {
		p.Cache = append(p.Cache, "process-vary on", "max-secondary-entries "+pick(m, "1", "2", "10"))
	}
	const shared = " if { req.hdr(x-request) -m found }"
	p.Proxy = slices.Insert(p.Proxy, 0, "http-request set-path /%[path,field(3,/)]"+shared, "http-request cache-use c"+shared)
	at := len(p.Proxy)
	if m.one(2) {
		at = 0
	}
	p.Proxy = slices.Insert(p.Proxy, at, "http-response cache-store c")
	for range m.IntN(6) {
		m.client()
	}
	contents := pick(m, 1, 1, 2, 4)
	for i := range p.Clients {
		if c := &p.Clients[i]; m.one(3) {
			c.Pause, c.Sip = time.Millisecond, 500+m.IntN(3000)
		}
		for n := range p.Clients[i].Requests {
			if r := &p.Clients[i].Requests[n]; !m.one(5) {
				r.Content = 1 + m.IntN(contents)
				m.share(r)
			}
		}
	}
}

// share draws what a request for a shared content is like.
func (m *maker) share(r *Request) {
	a := &r.Answer
	if m.one(4) && (m.p.Reload == 0 || m.p.Hostile) {
		r.After = time.Duration(m.Int64N(int64(3 * time.Second)))
	}
	if m.one(2) && r.Method != "GET" {
		r.Method, r.Body, r.Chunked, a.Early = "GET", 0, false, false
	}
	if !m.one(4) {
		a.Status = 200
	}
	if a.Framing == ByClose && !m.one(4) {
		a.Framing = ByChunks
	}
	if a.Status == 200 && m.one(3) {
		a.Size = m.IntN(400_000)
	}
	r.From, r.Coded, r.Knows = m.IntN(3), m.one(3), m.one(8)
	if m.one(12) {
		r.Wish = pick(m, "no-cache", "no-store")
	}
	a.Tagged = m.one(2)
	a.Keep = pick(m, "max-age=1", "max-age=2", "max-age=100", "max-age=100", "max-age=100", "max-age=100", "s-maxage=2, max-age=100", "", "no-store", "private")
	if m.one(4) {
		a.Vary = pick(m, "accept-encoding", "referer", "x-other")
	}
}

// target is what the client asks for.
func (r *Request) target() string {
	switch {
	case r.Content > 0:
		return fmt.Sprintf("/%d/%d", r.ID, r.Content)
	case r.deed().silent:
		return "/alive"
	}
	return fmt.Sprintf("/%d", r.ID)
}

// path is what comes of that to origins.
func (r *Request) path() string {
	if r.Content > 0 {
		return fmt.Sprintf("/%d", r.Content)
	}
	return r.target()
}

// host is whom the client asks.
func (r *Request) host() string {
	if r.Content > 0 {
		return word(5, -r.Content) + ".example"
	}
	return word(5, r.ID) + ".example"
}

// fields are those of a request that come from its part in the plan.
func (r *Request) fields() (all []field) {
	add := func(name, value string) { all = append(all, field{name, value}) }
	if r.Pad > 0 {
		add("x-pad", word(r.Pad, r.ID))
	}
	switch {
	case r.Gzip && r.Coded:
		add("accept-encoding", "gzip, "+coding)
	case r.Gzip:
		add("accept-encoding", "gzip")
	case r.Coded:
		add("accept-encoding", coding)
	}
	if r.Content > 0 {
		add("x-request", strconv.Itoa(r.ID))
	}
	if r.From > 0 {
		add("referer", "http://from.example/"+strconv.Itoa(r.From))
	}
	if r.Wish != "" {
		add("cache-control", r.Wish)
	}
	if r.Knows {
		add("if-none-match", r.tag())
	}
	if r.Key > 0 {
		add("x-key", strconv.Itoa(r.Key))
	}
	if r.Do != "" {
		add("x-do", r.Do)
	}
	return all
}

// coding is one that origins know, and that changes nothing.
const coding = "x-whole"

// coded tells whether an origin uses it.
func (r *Request) coded() bool { return r.Coded && r.Answer.Vary == "accept-encoding" }

// tag is that of a content.
func (r *Request) tag() string { return fmt.Sprintf("%q", "c"+strconv.Itoa(r.Content)) }

// fields are those of an answer that come from its part in the plan.
func (a *Answer) fields(r *Request) (all []field) {
	add := func(name, value string) { all = append(all, field{name, value}) }
	add("x-id", strconv.Itoa(r.ID))
	if a.Pad > 0 {
		add("x-pad", word(a.Pad, -r.ID))
	}
	if a.Keep != "" {
		add("cache-control", a.Keep)
	}
	if a.Vary != "" {
		add("vary", a.Vary)
	}
	if a.Tagged {
		add("etag", r.tag())
	}
	if r.coded() {
		add("content-encoding", coding)
	}
	if r.deed().late {
		add("x-do", r.Do)
	}
	return all
}

// lifetime is how long the answer may be given to others.
func (a *Answer) lifetime(most int) time.Duration {
	for part := range strings.SplitSeq(a.Keep, ", ") {
		if _, text, ok := strings.Cut(part, "="); ok {
			if n, err := strconv.Atoi(text); err == nil {
				most = min(most, n)
			}
			break // what is for shared caches comes first
		}
	}
	return time.Duration(most) * time.Second
}

// errKept is about an answer that no cache should have given.
var errKept = errors.New("not to be had from a cache")

// kept judges an answer to e that was made for another request, of.
func (w *world) kept(e, of *entry, status int) error {
	a, why := &of.Answer, ""
	switch {
	case e.Content == 0 || e.Content != of.Content:
		why = "another content"
	case e.Method != "GET" && e.Method != "HEAD" || e.Old || e.Wish != "":
		why = "asked of the origin"
	case of.Method != "GET" || a.Status != 200 || of.served == 0:
		why = "no answer that could be kept"
	case a.Framing == ByClose && !w.p.InnerH2:
		why = "without an end that could be known"
	case !of.given:
		why = "not sent completely"
	case of.Wish == "no-store" || a.Keep == "no-store" || a.Keep == "private":
		why = "a secret"
	case a.Vary != "" && !slices.Contains(w.p.Cache, "process-vary on"), a.Vary == "x-other", a.Vary == "referer" && e.From != of.From, of.coded() && !e.Coded:
		why = "of another variety"
	case of.deed().own || of.Do == "empty":
		why = "not what its client was to see"
	case status != 200 && status != of.wanted() && (status != 304 || !e.Knows || !a.Tagged):
		why = fmt.Sprintf("status %d", status)
	case of.headSeen > 0 && e.askedAt >= of.headSeen+a.lifetime(w.p.MaxAge):
		why = "too old"
	case w.p.Reload == 0 && w.books.changed(e, of):
		why = "from before it has changed"
	}
	if why != "" {
		return fmt.Errorf("request %d gets the answer to %d: %w: %s", e.ID, of.ID, errKept, why)
	}
	e.cached = true
	w.hits++
	return nil
}

// changed tells whether a content has changed between an answer and another request for it:
// after the one had passed the proxy, and before the other was sent.
func (b *books) changed(e, of *entry) bool {
	if of.headSeen == 0 {
		return false
	}
	for _, x := range b.requests {
		unsafe := x.Method == "PUT" || x.Method == "POST" || x.Method == "DELETE"
		if x.Content == e.Content && unsafe && !x.Old && x.Answer.Status < 400 && x.headSeen > 0 &&
			!x.deed().own && x.wanted() < 400 && of.headSeen < x.answeredAt && x.headSeen <= e.askedAt {
			return true
		}
	}
	return false
}

// caches looks for what caches have not given back.
func (b *books) caches(e *engine) {
	for _, c := range e.shared.Caches {
		if n := c.Filling(); n > 0 {
			b.complain("responses on their way into a cache: %d when all clients have gone", n)
		}
		list, used := c.List()
		sum := 0
		for _, x := range list {
			sum += x.Size
		}
		if sum != used || used > c.Spec.Total {
			b.complain("a cache of %d bytes says that %d are used, and has %d", c.Spec.Total, used, sum)
		}
	}
}
