package backends_test

import (
	"encoding/binary"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"bench/backends/control"
	"bench/backends/dnsorigin"
)

// startDNS runs a process of name servers.
func startDNS(t *testing.T, o dnsorigin.Options) *rig {
	t.Helper()
	k, err := dnsorigin.NewConfig(o)
	if err != nil {
		t.Fatal(err)
	}
	opts := defaults()
	opts.Kind = k
	return startProcess(t, &opts)
}

// dnsRequest is a question as it goes over TCP.
func dnsRequest(name string, kind uint16) string {
	q := new(dns.Msg)
	q.SetQuestion(name, kind)
	q.Id = 4711
	text, err := q.Pack()
	if err != nil {
		panic(err)
	}
	return string(binary.BigEndian.AppendUint16(nil, uint16(len(text)))) + string(text)
}

// asked is what a name server answers, over UDP or TCP.
func asked(t *testing.T, network, addr, name string) *dns.Msg {
	t.Helper()
	q := new(dns.Msg)
	q.SetQuestion(name, dns.TypeA)
	m, _, err := (&dns.Client{Net: network, Timeout: 10 * time.Second}).Exchange(q, addr)
	if err != nil {
		t.Fatalf("%s, %s: %v", network, name, err)
	}
	return m
}

// Records change while a fault lasts, over UDP as over TCP, and what is asked is counted.
func TestRecordsChange(t *testing.T) {
	r := startDNS(t, dnsorigin.Options{Records: "web.test A 192.0.2.1"})
	is := func(want string) {
		t.Helper()
		for _, network := range []string{"udp", "tcp"} {
			m := asked(t, network, r.addr[0], "web.test.")
			got := dns.RcodeToString[m.Rcode]
			if len(m.Answer) > 0 {
				got = m.Answer[0].(*dns.A).A.String()
			}
			if got != want {
				t.Errorf("over %s: %s, want %s", network, got, want)
			}
		}
	}
	is("192.0.2.1")
	other := "web.test. A 192.0.2.2\n"
	r.apply(control.Fault{Kind: control.Records, Records: &other, For: "1h"})
	is("192.0.2.2")
	none := ""
	r.apply(control.Fault{Kind: control.Records, Records: &none, For: "1h"})
	is("NXDOMAIN")
	r.apply(control.Fault{Kind: control.Error, Status: 5, For: "1h"})
	is("REFUSED")
	clearFaults(t, r)
	is("192.0.2.1")
	if c := r.class("-"); c.Received != 10 || c.Answered != 10 || c.Errors != 2 {
		t.Errorf("counted %+v", c)
	}
}

// Over UDP an answer may be too long, be cut on order, come late, or not at all; what is no
// question gets none.
func TestDatagrams(t *testing.T) {
	r := startDNS(t, dnsorigin.Options{Records: strings.Repeat("many.test A 192.0.2.1\n", 60) + "one.test A 192.0.2.1"})
	if m := asked(t, "udp", r.addr[0], "many.test."); !m.Truncated {
		t.Errorf("60 addresses in one datagram: %v", m)
	}
	if m := asked(t, "tcp", r.addr[0], "many.test."); m.Truncated || len(m.Answer) != 60 {
		t.Errorf("%d answers over TCP", len(m.Answer))
	}
	r.apply(control.Fault{Kind: control.Truncate, For: "1h"})
	if m := asked(t, "udp", r.addr[0], "one.test."); !m.Truncated || len(m.Answer) != 0 {
		t.Errorf("cut short: %v", m)
	}
	clearFaults(t, r)
	r.apply(control.Fault{Kind: control.Latency, Latency: "80ms", For: "1h"})
	began := time.Now()
	if asked(t, "udp", r.addr[0], "one.test."); time.Since(began) < 80*time.Millisecond {
		t.Errorf("answered after %v", time.Since(began))
	}
	clearFaults(t, r)
	c, err := net.Dial("udp", r.addr[0])
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, kind := range []string{control.Stall, control.Refuse, control.Reset, ""} {
		question := "no question at all"
		if kind != "" {
			r.apply(control.Fault{Kind: kind, Scope: scopeOf(kind), For: "1h"})
			question = dnsRequest("one.test.", dns.TypeA)[2:]
		}
		if _, err := c.Write([]byte(question)); err != nil {
			t.Fatal(err)
		}
		_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if n, err := c.Read(make([]byte, 512)); err == nil {
			t.Errorf("%s: %d bytes", kind, n)
		}
		clearFaults(t, r)
	}
	if m := asked(t, "udp", r.addr[0], "one.test."); len(m.Answer) != 1 {
		t.Errorf("afterwards: %v", m)
	}
}

func scopeOf(kind string) string {
	if kind == control.Reset {
		return control.ScopeNew
	}
	return ""
}

func clearFaults(t *testing.T, r *rig) {
	t.Helper()
	if _, err := r.control.Clear(t.Context(), control.ClearOrder{}); err != nil {
		t.Fatal(err)
	}
}
