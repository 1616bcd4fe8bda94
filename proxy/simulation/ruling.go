package simulation

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Rules answer some requests, or change the answer of an origin. A request says by a field
// what is to become of it, and an origin says by the same field what is to become of its
// answer, so that all depends on the plan and nothing on the configuration's order.

// deed is what a rule does to a request.
type deed struct {
	rule   string
	status int    // that the client sees
	flags  string // in the log
	// own: the proxy answers itself. late: by the answer of an origin, not by the request.
	own, late bool
	content   string // of an answer of the proxy's own; "": whatever
	silent    bool   // there is no line in the log
	waits     bool   // the answer takes its time
}

const (
	says    = " if { req.hdr(x-do) -m str %s }"
	replies = " if { res.hdr(x-do) -m str %s }"
)

// large is a content that does not go at once to a slow reader.
var large = word(2500, 1)

// deeds are all of them, by the word for each.
var deeds = map[string]deed{
	"deny":     {rule: "http-request deny deny_status 403" + says, status: 403, flags: "PR", own: true},
	"give":     {rule: "http-request return status 200 content-type text/plain string " + large + says, status: 200, flags: "LR", own: true, content: large},
	"redirect": {rule: "http-request redirect location /elsewhere code 302" + says, status: 302, flags: "LR", own: true},
	"tarpit":   {rule: "http-request tarpit deny_status 429" + says, status: 429, flags: "PT", own: true, waits: true},
	"reject":   {rule: "http-request reject" + says, flags: "PR", own: true},
	"drop":     {rule: "http-request silent-drop" + says, flags: "PR", own: true},
	"refuse":   {rule: "http-response deny deny_status 503" + replies, status: 503, flags: "PH", own: true, late: true},
	"replace":  {rule: "http-response return status 202 content-type text/plain string instead" + replies, status: 202, flags: "LH", own: true, late: true, content: "instead"},
	"status":   {rule: "http-response set-status 404" + replies, status: 404, flags: "--", late: true},
	"alive":    {rule: monitor, status: 200, own: true, silent: true},
	"empty":    {rule: "http-response set-status 204" + replies, status: 204, flags: "--", late: true},
}

// deed is what becomes of the request by rules; the zero one is nothing.
func (r *Request) deed() deed { return deeds[r.Do] }

// monitor is the line about what is asked to see whether the proxy lives.
const monitor = "monitor-uri /alive"

// afterwards is the rule that sees all answers.
const afterwards = "http-after-response set-header x-after yes"

// ruling draws rules that answer.
func (m *maker) ruling() {
	p := m.p
	words := []string{"deny", "give", "redirect", "tarpit", "refuse", "replace", "status", "empty"}
	if p.Hostile {
		words = append(words, "reject", "drop")
	} else {
		words = append(words, "alive") // what is not logged may not have come whole
	}
	m.Shuffle(len(words), func(i, j int) { words[i], words[j] = words[j], words[i] })
	words = words[:1+m.IntN(len(words))]
	for _, word := range words {
		d := deeds[word]
		at := 0
		if d.late && m.one(2) {
			at = len(p.Proxy) // also behind the one that keeps answers
		}
		rule := d.rule
		if strings.Contains(rule, "%") {
			rule = fmt.Sprintf(rule, word)
		}
		p.Proxy = slices.Insert(p.Proxy, at, rule)
	}
	p.Proxy = append(p.Proxy, "timeout tarpit "+pick(m, "1ms", "50ms"))
	if m.one(3) {
		p.Proxy = append(p.Proxy, "capture request header x-pad len 20", "capture response header x-id len 5", "capture cookie SRV len 3")
	}
	if m.one(3) {
		p.Proxy = append(p.Proxy, "http-request capture req.hdr(host) len 4")
	}
	if m.one(2) {
		p.Proxy = append(p.Proxy, afterwards)
	}
	if m.one(3) {
		p.Proxy = append(p.Proxy, "http-error status 403 content-type text/html string "+pick(m, "no", large)+" hdr x-own yes")
	}
	for i := range p.Clients {
		c := &p.Clients[i]
		for n := range c.Requests {
			if r := &c.Requests[n]; m.one(2) {
				m.rule(c, r, pick(m, words...))
			}
		}
	}
}

// rule has a rule meet a request, if that spoils nothing which is to be relied on.
func (m *maker) rule(c *Client, r *Request, word string) {
	d := deeds[word]
	body := r.Body > 0 || r.Chunked
	switch {
	case m.p.Hostile:
	case body && d.own && c.Link.Piece > 0 && (c.Link.Delay > 0 || m.p.Turn > time.Millisecond):
		return // a client that goes on sending for seconds is cut off in the end
	case c.Ahead > 0 && !m.p.H2 && d.own && (body || d.waits):
		return // the proxy may close while more is on its way, and destroy the answer
	}
	if (d.late && d.own || d.silent) && r.Content > 0 {
		return
	}
	r.Do = word
}

// wanted is the status that the client is to see, unless the proxy has reasons of its own.
func (e *entry) wanted() int {
	if d := e.deed(); d.status != 0 {
		return d.status
	}
	return e.Answer.Status
}

// ruled judges an answer of the proxy's own.
func (w *world) ruled(e *entry, status int) error {
	d := e.deed()
	switch {
	case d.own && status == d.status:
		return nil
	case w.p.Hostile:
		return nil
	}
	return fmt.Errorf("request %d: the proxy itself answers with %d", e.ID, status)
}

// owned judges the content of one.
func (e *entry) owned(content []byte) error {
	d := e.deed()
	if !d.own || e.status != d.status || d.content == "" || e.Method == "HEAD" || string(content) == d.content {
		return nil
	}
	return fmt.Errorf("request %d: the proxy's own answer is %.100q", e.ID, content)
}
