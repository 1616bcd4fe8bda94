package zone

import (
	"strings"
	"testing"

	"github.com/miekg/dns"
)

func TestAnswers(t *testing.T) {
	z, err := Parse(`
web.test  A 192.0.2.1
web.test. AAAA 2001:db8::1
www.test. CNAME web.test.
ring.test. CNAME ring.test.
_http._tcp.test. SRV 0 10 8080 web.test.
_http._tcp.test. SRV 0 5 8081 elsewhere.test.
Web.test. 60 IN A 192.0.2.2
`)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, kind, rcode string
		answers, extra    []string
	}{
		{"WEB.test.", "A", "NOERROR", []string{"web.test. 1 IN A 192.0.2.1", "Web.test. 60 IN A 192.0.2.2"}, nil},
		{"web.test.", "AAAA", "NOERROR", []string{"web.test. 1 IN AAAA 2001:db8::1"}, nil},
		{"web.test.", "MX", "NOERROR", nil, nil},
		{"none.test.", "A", "NXDOMAIN", nil, nil},
		{"www.test.", "AAAA", "NOERROR", []string{"www.test. 1 IN CNAME web.test.", "web.test. 1 IN AAAA 2001:db8::1"}, nil},
		{"ring.test.", "A", "NOERROR", slices8("ring.test. 1 IN CNAME ring.test."), nil},
		{
			"_http._tcp.test.", "SRV", "NOERROR",
			[]string{"_http._tcp.test. 1 IN SRV 0 10 8080 web.test.", "_http._tcp.test. 1 IN SRV 0 5 8081 elsewhere.test."},
			[]string{"web.test. 1 IN A 192.0.2.1", "web.test. 1 IN AAAA 2001:db8::1", "Web.test. 60 IN A 192.0.2.2"},
		},
	} {
		q := new(dns.Msg)
		q.SetQuestion(c.name, dns.StringToType[c.kind])
		m := z.Answer(q)
		if dns.RcodeToString[m.Rcode] != c.rcode || m.Id != q.Id || texts(m.Answer) != strings.Join(c.answers, "\n") || texts(m.Extra) != strings.Join(c.extra, "\n") {
			t.Errorf("%s %s:\n%v\nwant %s %q and %q", c.name, c.kind, m, c.rcode, c.answers, c.extra)
		}
	}
	if m := z.Answer(new(dns.Msg)); m.Rcode != dns.RcodeFormatError {
		t.Errorf("no question: %v", m)
	}
}

func slices8(text string) []string {
	return strings.Split(strings.TrimSuffix(strings.Repeat(text+"\n", maxAliases), "\n"), "\n")
}

func texts(all []dns.RR) string {
	var lines []string
	for _, rr := range all {
		lines = append(lines, strings.ReplaceAll(rr.String(), "\t", " "))
	}
	return strings.Join(lines, "\n")
}

func TestMistakesAreTold(t *testing.T) {
	for _, text := range []string{"web.test. A 192.0.2", "web.test. NONE x", "web.test."} {
		if _, err := Parse(text); err == nil || !strings.HasPrefix(err.Error(), "records: ") {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := Parse(""); err != nil {
		t.Errorf("a name server may know nothing: %v", err)
	}
}
