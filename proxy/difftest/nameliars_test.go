package difftest

import (
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"bench/internal/testpeer"
)

// spoken is a message of a name server, sent so long after its question.
type spoken struct {
	after time.Duration
	text  []byte
}

// nameLiar is a name server that says what it must not, or late.
type nameLiar struct {
	name string
	of   string // what is asked for; by default "web.test", a service if it begins with "_"
	// says is what it says to the nth question, from 0.
	says func(q *dns.Msg, n int) []spoken
	// The reference makes something else of it, for this reason.
	why string
}

// zone is an answer of records.
func zone(q *dns.Msg, lines ...string) *dns.Msg {
	m := new(dns.Msg)
	m.SetReply(q)
	for _, l := range lines {
		extra := strings.HasPrefix(l, "+")
		r, err := dns.NewRR(strings.Replace(strings.TrimPrefix(l, "+"), " ", " 1 IN ", 1))
		if err != nil {
			panic(err)
		}
		if extra {
			m.Extra = append(m.Extra, r)
		} else {
			m.Answer = append(m.Answer, r)
		}
	}
	return m
}

func packed(m *dns.Msg) []byte {
	b, err := m.Pack()
	if err != nil {
		panic(err)
	}
	return b
}

// always says the same at once.
func always(answer func(q *dns.Msg) []byte) func(*dns.Msg, int) []spoken {
	return func(q *dns.Msg, _ int) []spoken { return []spoken{{0, answer(q)}} }
}

// changed is a good answer with a change.
func changed(change func(m *dns.Msg)) func(*dns.Msg, int) []spoken {
	return always(func(q *dns.Msg) []byte {
		m := zone(q, right(q))
		change(m)
		return packed(m)
	})
}

// right is a good record for a question.
func right(q *dns.Msg) string {
	switch q.Question[0].Qtype {
	case dns.TypeA:
		return "web.test. A 127.0.0.4"
	case dns.TypeSRV:
		return "_http._tcp.test. SRV 1 256 8004 web.test."
	}
	return "web.test. AAAA ::4"
}

// damaged is a good answer whose bytes are changed.
func damaged(change func(b []byte) []byte) func(*dns.Msg, int) []spoken {
	return always(func(q *dns.Msg) []byte { return change(packed(zone(q, right(q)))) })
}

func code(rcode int) func(*dns.Msg, int) []spoken {
	return always(func(q *dns.Msg) []byte {
		m := new(dns.Msg)
		m.SetRcode(q, rcode)
		return packed(m)
	})
}

// liarRetry is how long is waited for an answer.
const liarRetry = 200 * time.Millisecond

const srvName = "_http._tcp.test"

// answering answers questions about the service by records, and all others well.
func answering(lines ...string) func(*dns.Msg, int) []spoken {
	return always(func(q *dns.Msg) []byte {
		if q.Question[0].Qtype == dns.TypeSRV {
			return packed(zone(q, lines...))
		}
		return packed(zone(q, right(q)))
	})
}

var nameLiars = []nameLiar{
	{name: "good", says: changed(func(*dns.Msg) {})},
	{name: "silent", says: func(*dns.Msg, int) []spoken { return nil }},
	{name: "no such name", says: code(dns.RcodeNameError)},
	{name: "refused", says: code(dns.RcodeRefused)},
	{name: "failed", says: code(dns.RcodeServerFailure)},
	{name: "nothing", says: changed(func(m *dns.Msg) { m.Answer = nil })},
	{name: "truncated", says: changed(func(m *dns.Msg) { m.Truncated = true })},
	{name: "wrong number", says: changed(func(m *dns.Msg) { m.Id++ })},
	{name: "wrong name in the question", says: changed(func(m *dns.Msg) { m.Question[0].Name = "other.test." })},
	{name: "wrong type in the question", why: "it takes an answer to another question", says: changed(func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeTXT })},
	{name: "no question", says: changed(func(m *dns.Msg) { m.Question = nil })},
	{name: "two questions", says: changed(func(m *dns.Msg) { m.Question = append(m.Question, m.Question[0]) })},
	{name: "a question", why: "it takes a question for an answer", says: changed(func(m *dns.Msg) { m.Response = false })},
	{name: "record of another name", says: changed(func(m *dns.Msg) { m.Answer[0].Header().Name = "other.test." })},
	{name: "second record of another name", says: changed(func(m *dns.Msg) {
		r := dns.Copy(m.Answer[0])
		r.Header().Name = "other.test."
		m.Answer = append(m.Answer, r)
	})},
	{name: "the name in capitals", why: "it tells capitals from small letters in names", says: changed(func(m *dns.Msg) { m.Answer[0].Header().Name = "WEB.test." })},
	{name: "TTL 0", says: changed(func(m *dns.Msg) { m.Answer[0].Header().Ttl = 0 })},
	{name: "a TTL below 0", says: changed(func(m *dns.Msg) { m.Answer[0].Header().Ttl = 1<<32 - 1 })},
	{name: "the other type of record", why: "it takes a record that was not asked for", says: always(func(q *dns.Msg) []byte {
		if q.Question[0].Qtype == dns.TypeA {
			return packed(zone(q, "web.test. AAAA ::4"))
		}
		return packed(zone(q, "web.test. A 127.0.0.4"))
	})},
	{name: "a text before the address", says: always(func(q *dns.Msg) []byte { return packed(zone(q, "web.test. TXT x", right(q))) })},
	{name: "a text", why: "an answer without any record that counts is good there", says: always(func(q *dns.Msg) []byte { return packed(zone(q, "web.test. TXT x")) })},
	{name: "a chain of names", says: always(func(q *dns.Msg) []byte {
		return packed(zone(q, "web.test. CNAME a.test.", "a.test. CNAME b.test.", "b.test. CNAME c.test.", "c.test. CNAME d.test.", strings.Replace(right(q), "web", "d", 1)))
	})},
	{name: "a chain that leads nowhere", says: always(func(q *dns.Msg) []byte { return packed(zone(q, "web.test. CNAME a.test.", "a.test. CNAME b.test.")) })},
	{name: "a chain with a gap", says: always(func(q *dns.Msg) []byte {
		return packed(zone(q, "web.test. CNAME a.test.", strings.Replace(right(q), "web", "d", 1)))
	})},
	{name: "a chain in the wrong order", says: always(func(q *dns.Msg) []byte {
		return packed(zone(q, strings.Replace(right(q), "web", "a", 1), "web.test. CNAME a.test."))
	})},
	{name: "a chain that turns round", says: always(func(q *dns.Msg) []byte {
		return packed(zone(q, "web.test. CNAME a.test.", "a.test. CNAME web.test.", right(q)))
	})},
	{name: "more than 512 bytes", says: always(func(q *dns.Msg) []byte {
		var all []string
		for i := range 40 {
			all = append(all, strings.Replace(right(q), "4", fmt.Sprint(i+1), 1))
		}
		return packed(zone(q, all...))
	})},
	{name: "30 addresses", says: always(func(q *dns.Msg) []byte {
		m := zone(q)
		for range 14 {
			r := zone(q, right(q)).Answer
			m.Answer = append(m.Answer, r...)
		}
		return packed(m)
	})},
	{name: "more records announced than come", says: damaged(func(b []byte) []byte { b[7] = 5; return b })},
	{name: "half of it", says: damaged(func(b []byte) []byte { return b[:len(b)/2] })},
	{name: "all but a byte", says: damaged(func(b []byte) []byte { return b[:len(b)-1] })},
	{name: "the head only", says: damaged(func(b []byte) []byte { return b[:12] })},
	{name: "one byte", says: damaged(func(b []byte) []byte { return b[:1] })},
	{name: "two bytes", says: damaged(func(b []byte) []byte { return b[:2] })},
	{name: "no byte", says: damaged(func([]byte) []byte { return nil })},
	{name: "more behind it", says: damaged(func(b []byte) []byte { return append(b, "more"...) })},
	{name: "a name that points to itself", says: damaged(func(b []byte) []byte {
		at := 12 + len("\x03web\x04test\x00") + 4
		return append(append(b[:at:at], 0xc0, byte(at)), b[at+10:]...)
	})},
	{name: "names that point to each other", says: damaged(func(b []byte) []byte {
		at := 12 + len("\x03web\x04test\x00") + 4
		return append(append(b[:at:at], 0xc0, byte(at+2), 0xc0, byte(at)), b[at+10:]...)
	})},
	{name: "a name that points beyond the end", says: damaged(func(b []byte) []byte {
		at := 12 + len("\x03web\x04test\x00") + 4
		return append(append(b[:at:at], 0xc3, 0xff), b[at+10:]...)
	})},
	{name: "an address of another length", says: damaged(func(b []byte) []byte {
		b = b[:len(b)-1]
		if i := len(b) - 3; b[i-1] == 4 || b[i-1] == 0 { // the length in front of an IPv4 address
			b[i-1] = 3
		}
		return b
	})},
	{name: "additional records that are broken", says: damaged(func(b []byte) []byte { b[11] = 3; return append(b, 1, 2, 3) })},
	{name: "late at first", says: func(q *dns.Msg, n int) []spoken {
		if n == 0 {
			return []spoken{{liarRetry * 3 / 2, packed(zone(q, right(q)))}}
		}
		return nil
	}},
	{name: "always late", says: func(q *dns.Msg, _ int) []spoken { return []spoken{{liarRetry * 3 / 2, packed(zone(q, right(q)))}} }},
	{name: "very late", says: func(q *dns.Msg, n int) []spoken {
		if n == 0 {
			return []spoken{{liarRetry * 9 / 2, packed(zone(q, right(q)))}}
		}
		return nil
	}},
	{name: "bad, and late good", says: func(q *dns.Msg, n int) []spoken {
		if n == 0 {
			bad := new(dns.Msg)
			bad.SetRcode(q, dns.RcodeServerFailure)
			return []spoken{{0, packed(bad)}, {liarRetry / 2, packed(zone(q, right(q)))}}
		}
		return nil
	}},
	{name: "good at the second question", says: func(q *dns.Msg, n int) []spoken {
		m := zone(q, right(q))
		if n == 0 {
			m = new(dns.Msg)
			m.SetRcode(q, dns.RcodeNameError)
		}
		return []spoken{{0, packed(m)}}
	}},
	{name: "good at the third question", says: func(q *dns.Msg, n int) []spoken {
		m := zone(q, right(q))
		if n < 2 {
			m = new(dns.Msg)
			m.SetRcode(q, dns.RcodeServerFailure)
		}
		return []spoken{{0, packed(m)}}
	}},
	{name: "good twice", says: func(q *dns.Msg, _ int) []spoken {
		b := packed(zone(q, right(q)))
		return []spoken{{0, b}, {0, b}}
	}},
	{name: "service, good", of: srvName, says: answering("_http._tcp.test. SRV 1 256 8004 web.test.")},
	{name: "service, no such name", of: srvName, says: code(dns.RcodeNameError)},
	{name: "service, nothing", of: srvName, says: answering()},
	{name: "service, truncated", of: srvName, says: always(func(q *dns.Msg) []byte {
		m := zone(q, right(q))
		m.Truncated = q.Question[0].Qtype == dns.TypeSRV
		return packed(m)
	})},
	{name: "service, of another name", why: "it does not look at whose record it is", of: srvName, says: answering("other.test. SRV 1 256 8004 web.test.")},
	{name: "service, by another name", of: srvName, says: answering("_http._tcp.test. CNAME other.test.", "other.test. SRV 1 256 8004 web.test.")},
	{name: "service, with an address besides", of: srvName, says: answering("_http._tcp.test. SRV 1 256 8004 web.test.", "+web.test. A 127.0.0.9")},
	{name: "service, with another's address besides", of: srvName, says: answering("_http._tcp.test. SRV 1 256 8004 web.test.", "+other.test. A 127.0.0.9")},
	{name: "service, nobody there", of: srvName, says: always(func(q *dns.Msg) []byte {
		m := zone(q, "_http._tcp.test. SRV 1 256 8004 web.test.")
		if q.Question[0].Qtype != dns.TypeSRV {
			m = new(dns.Msg)
			m.SetRcode(q, dns.RcodeNameError)
		}
		return packed(m)
	})},
	{name: "service, a silent host", of: srvName, says: func(q *dns.Msg, _ int) []spoken {
		if q.Question[0].Qtype != dns.TypeSRV {
			return nil
		}
		return []spoken{{0, packed(zone(q, right(q)))}}
	}},
	{name: "service, weight 0 and port 0", of: srvName, says: answering("_http._tcp.test. SRV 0 0 0 web.test.")},
	{name: "service, at no host", of: srvName, says: answering("_http._tcp.test. SRV 0 0 80 .")},
	{name: "service, twice the same", of: srvName, says: answering("_http._tcp.test. SRV 1 256 8004 web.test.", "_http._tcp.test. SRV 9 512 8004 web.test.")},
	{name: "service, a host in capitals", of: srvName, says: answering("_http._tcp.test. SRV 1 256 8004 WEB.test.")},
}

// askedName is what a name server was asked for.
type askedName struct {
	at   time.Duration
	kind string
}

// liarTalk is a name server of one of the proxies.
type liarTalk struct {
	mu    sync.Mutex
	began time.Time
	got   []askedName
}

func (l *nameLiar) serve(t *testing.T) (*liarTalk, string) {
	t.Helper()
	pc, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	k := &liarTalk{}
	var serving sync.WaitGroup
	serving.Go(func() {
		var b [4096]byte
		for n := 0; ; n++ {
			size, from, err := pc.ReadFrom(b[:])
			if err != nil {
				return
			}
			q := new(dns.Msg)
			if q.Unpack(b[:size]) != nil {
				continue
			}
			k.mu.Lock()
			if k.began.IsZero() {
				k.began = time.Now()
			}
			k.got = append(k.got, askedName{time.Since(k.began), dns.TypeToString[q.Question[0].Qtype]})
			k.mu.Unlock()
			for _, s := range l.says(q, n) {
				serving.Go(func() {
					time.Sleep(s.after)
					_, _ = pc.WriteTo(s.text, from)
				})
			}
		}
	})
	t.Cleanup(func() { _ = pc.Close(); serving.Wait() })
	return k, pc.LocalAddr().String()
}

// course is what was asked, and in which retry time.
func (k *liarTalk) course() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var all []string
	for _, a := range k.got {
		all = append(all, fmt.Sprintf("%s@%d", a.kind, (a.at+liarRetry/4)/liarRetry))
	}
	return strings.Join(all, " ")
}

// resolverCounter is one of "show resolvers". The reference counts neither time-outs nor names
// that are other ones'.
var resolverCounter = regexp.MustCompile(`(?m)^ *(sent|valid|cname_error|any_err|nx|refused|other|invalid|too_big|truncated|outdated): *(\d+)`)

// liarConf gives each liar a section, and a server that goes by it.
func liarConf(addrs []string) string {
	var b strings.Builder
	b.WriteString("global\n nbthread 1\n maxconn 100\n stats socket DIR/stats level admin\n")
	for i, a := range addrs {
		fmt.Fprintf(&b, "resolvers r%d\n nameserver one %s\n timeout resolve 20s\n timeout retry %dms\n resolve_retries 3\n hold nx 0s\n hold timeout 0s\n hold refused 0s\n hold other 0s\n hold obsolete 0s\n", i, a, liarRetry.Milliseconds())
	}
	b.WriteString("defaults\n mode http\n timeout connect 1s\n timeout client 3s\n timeout server 3s\n default-server init-addr none\nfrontend ready\n bind fd@4\n bind fd@3\n monitor-uri /ready\n")
	for i := range nameLiars {
		of := nameLiars[i].of
		port := ""
		if of == "" {
			of, port = "web.test", ":80"
		}
		fmt.Fprintf(&b, "backend b%d\n server s %s%s resolvers r%d\n", i, of, port, i)
	}
	return b.String()
}

// TestLyingNameServers compares what both ask name servers that lie or are late, and when,
// and what comes of it: where the server goes, and what is counted.
func TestLyingNameServers(t *testing.T) {
	subjects := []*subject{{"haproxy", []string{testpeer.Need(t, "haproxy")}}, {"builtin", []string{build(t), "proxy"}}}
	var outcomes [2][]string
	var both sync.WaitGroup
	for i, s := range subjects {
		var talks []*liarTalk
		var addrs []string
		for n := range nameLiars {
			k, addr := nameLiars[n].serve(t)
			talks, addrs = append(talks, k), append(addrs, addr)
		}
		both.Go(func() {
			dir := t.TempDir()
			r, err := s.start(dir, strings.ReplaceAll(liarConf(addrs), "DIR", dir), 0)
			if err != nil {
				t.Error(err)
				return
			}
			// As long as all tries take, and those for the host of a service.
			time.Sleep(16 * liarRetry)
			states := serverStates(dir + "/stats")
			for n, k := range talks {
				state := ""
				for line := range strings.Lines(states) {
					if strings.HasPrefix(line, fmt.Sprintf("b%d/", n)) {
						_, state, _ = strings.Cut(strings.TrimSpace(line), " ")
					}
				}
				var counts []string
				for _, m := range resolverCounter.FindAllStringSubmatch(askTables(dir+"/stats", fmt.Sprintf("show resolvers r%d", n)), -1) {
					if m[2] != "0" {
						counts = append(counts, m[1]+" "+m[2])
					}
				}
				slices.Sort(counts)
				outcomes[i] = append(outcomes[i], fmt.Sprintf("%s; asked %s; %s", state, k.course(), strings.Join(counts, ", ")))
			}
			if err := r.stop(); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	for n, l := range nameLiars {
		if t.Failed() && len(outcomes[0])+len(outcomes[1]) < 2*len(nameLiars) {
			return
		}
		want, got := outcomes[0][n], outcomes[1][n]
		switch {
		case l.why == "" && want != got:
			t.Errorf("%s\n  haproxy %s\n  builtin %s", l.name, want, got)
		case l.why != "" && want == got:
			t.Errorf("%s: no longer differs from haproxy (%s)", l.name, l.why)
		}
	}
}
