// Package zone is what a mock name server knows: records in the notation of zone files,
// and what they answer to a question. How questions come may not enter.
package zone

import (
	"fmt"
	"strings"

	"github.com/miekg/dns"
)

// DefaultTTL is the time to live of records that say none, in seconds: clients shall come
// back soon and notice what has changed.
const DefaultTTL = 1

// Zone is a set of records. It never changes.
type Zone struct {
	records map[string][]dns.RR // by name in lower case
}

// Parse reads records, one a line. Names are below the root, with or without the dot at
// their end.
func Parse(text string) (*Zone, error) {
	z := &Zone{records: map[string][]dns.RR{}}
	p := dns.NewZoneParser(strings.NewReader(text), ".", "")
	p.SetDefaultTTL(DefaultTTL)
	for rr, ok := p.Next(); ok; rr, ok = p.Next() {
		name := strings.ToLower(rr.Header().Name)
		z.records[name] = append(z.records[name], rr)
	}
	if err := p.Err(); err != nil {
		return nil, fmt.Errorf("records: %w", err)
	}
	return z, nil
}

// maxAliases bounds a chain of aliases.
const maxAliases = 8

// Answer makes the answer to a question. Aliases are followed, and addresses of servers
// come along with the records that name these.
func (z *Zone) Answer(q *dns.Msg) *dns.Msg {
	m := new(dns.Msg)
	m.SetReply(q)
	m.Authoritative = true
	if len(q.Question) != 1 {
		m.Rcode = dns.RcodeFormatError
		return m
	}
	name, kind := strings.ToLower(q.Question[0].Name), q.Question[0].Qtype
	for range maxAliases {
		all, known := z.records[name]
		if !known {
			m.Rcode = dns.RcodeNameError
			return m
		}
		alias := ""
		for _, rr := range all {
			switch c, isAlias := rr.(*dns.CNAME); {
			case rr.Header().Rrtype == kind || kind == dns.TypeANY:
				m.Answer = append(m.Answer, rr)
			case isAlias:
				m.Answer = append(m.Answer, rr)
				alias = strings.ToLower(c.Target)
			}
		}
		if name = alias; name == "" {
			break
		}
	}
	for _, rr := range m.Answer {
		if s, ok := rr.(*dns.SRV); ok {
			m.Extra = append(m.Extra, z.addresses(s.Target)...)
		}
	}
	return m
}

func (z *Zone) addresses(name string) (all []dns.RR) {
	for _, rr := range z.records[strings.ToLower(name)] {
		if t := rr.Header().Rrtype; t == dns.TypeA || t == dns.TypeAAAA {
			all = append(all, rr)
		}
	}
	return all
}
