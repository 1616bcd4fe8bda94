package resolver

import (
	"net/netip"
	"strings"

	"github.com/miekg/dns"
)

// Status is what came of a question.
type Status uint8

// The statuses.
const (
	Valid Status = iota
	NX           // there is no such name
	Refused
	Timeout // nobody has answered
	Other
)

func (s Status) String() string {
	return [...]string{"valid", "NX", "refused", "timeout", "other"}[s]
}

// Question is a name that is to be looked up: its addresses, or with Service the hosts of
// a service.
type Question struct {
	Name       string
	Service    bool
	PreferIPv4 bool // which of both kinds of addresses is asked for first
}

// Service is one host of a service.
type Service struct {
	Host             string
	Port             uint16
	Weight, Priority uint16
	// Addrs are addresses of the host that came with the answer.
	Addrs []netip.Addr
}

// Answer is what came of a question.
type Answer struct {
	Status   Status
	From     string // the name server
	Addrs    []netip.Addr
	Services []Service
}

// fault is what is wrong with a message of a name server.
type fault uint8

const (
	noFault fault = iota
	faultNX
	faultRefused
	faultOther
	faultInvalid
	faultTruncated
	faultEmpty // it has no records
	faultCNAME // a chain of names leads nowhere
)

func (f fault) status() Status {
	switch f {
	case noFault:
		return Valid
	case faultNX:
		return NX
	case faultRefused:
		return Refused
	case faultOther, faultInvalid, faultTruncated, faultEmpty, faultCNAME:
	}
	return Other
}

// pack writes a question of one type (RFC 1035, section 4.1; RFC 6891).
func pack(name string, kind, id uint16, payload int) ([]byte, error) {
	m := dns.Msg{}
	m.SetQuestion(dns.Fqdn(name), kind)
	m.Id = id
	m.SetEdns0(uint16(payload), false)
	return m.Pack()
}

// headerSize is that of a message (RFC 1035, section 4.1.1).
const headerSize = 12

// unpack reads what a name server says about a name to a question of a type, or of the
// other type of addresses. cname tells that the name was another one's. What stands behind
// the answers may be damaged.
func unpack(b []byte, name string, preferred uint16) (a Answer, cname bool, f fault) {
	m := new(dns.Msg)
	err := m.Unpack(b)
	switch {
	case len(b) < headerSize, !m.Response || m.Opcode != dns.OpcodeQuery:
		return a, false, faultInvalid
	case m.Truncated && preferred != dns.TypeSRV: // what there is of a service is of use
		return a, false, faultTruncated
	case m.Rcode == dns.RcodeNameError:
		return a, false, faultNX
	case m.Rcode == dns.RcodeRefused:
		return a, false, faultRefused
	case m.Rcode != dns.RcodeSuccess:
		return a, false, faultOther
	case len(m.Answer) != int(b[6])<<8|int(b[7]): // not as many as it says
		return a, false, faultInvalid
	case err != nil && len(m.Answer) == 0, len(m.Question) != 1 || !strings.EqualFold(m.Question[0].Name, dns.Fqdn(name)):
		return a, false, faultInvalid
	case len(m.Answer) == 0:
		return a, false, faultEmpty
	}
	kind := m.Question[0].Qtype
	if kind != preferred && kind != other(preferred) {
		return a, false, faultInvalid
	}
	want := dns.Fqdn(name)
	for i, r := range m.Answer {
		switch {
		case strings.EqualFold(r.Header().Name, want):
		case i == 0:
			return Answer{}, false, faultInvalid
		default:
			return Answer{}, cname, faultCNAME
		}
		switch r := r.(type) {
		case *dns.CNAME:
			want, cname = r.Target, true
		case *dns.A:
			a.add(kind == dns.TypeA, r.A)
		case *dns.AAAA:
			a.add(kind == dns.TypeAAAA, r.AAAA)
		case *dns.SRV:
			switch {
			case kind != dns.TypeSRV:
			case r.Target == ".":
				return Answer{}, cname, faultInvalid
			default:
				a.Services = append(a.Services, Service{Host: strings.TrimSuffix(strings.ToLower(r.Target), "."), Port: r.Port, Weight: r.Weight, Priority: r.Priority})
			}
		}
	}
	switch {
	case len(a.Addrs)+len(a.Services) > 0:
	case cname:
		return a, true, faultCNAME
	default:
		return a, false, faultOther
	}
	a.complete(m.Extra)
	return a, cname, noFault
}

// complete gives hosts of a service the addresses that came with the answer.
func (a *Answer) complete(extra []dns.RR) {
	if len(a.Services) == 0 || len(extra) == 0 {
		return
	}
	addrs := map[string][]netip.Addr{}
	for _, r := range extra {
		name := strings.TrimSuffix(strings.ToLower(r.Header().Name), ".")
		switch r := r.(type) {
		case *dns.A:
			addrs[name] = appendIP(addrs[name], r.A)
		case *dns.AAAA:
			addrs[name] = appendIP(addrs[name], r.AAAA)
		}
	}
	for i := range a.Services {
		a.Services[i].Addrs = addrs[a.Services[i].Host]
	}
}

func (a *Answer) add(asked bool, ip []byte) {
	if asked {
		a.Addrs = appendIP(a.Addrs, ip)
	}
}

func appendIP(list []netip.Addr, ip []byte) []netip.Addr {
	if a, ok := netip.AddrFromSlice(ip); ok {
		list = append(list, a.Unmap())
	}
	return list
}
