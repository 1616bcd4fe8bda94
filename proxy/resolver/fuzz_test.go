package resolver

import (
	"slices"
	"testing"

	"github.com/miekg/dns"
)

// FuzzAnswers reads whatever comes as an answer. What is good has what was asked for.
func FuzzAnswers(f *testing.F) {
	const name = "web.test"
	question, err := pack(name, dns.TypeA, 7, 512)
	if err != nil {
		f.Fatal(err)
	}
	header := append([]byte(nil), question...)
	header[2] |= 0x80 // a response
	header[7] = 1     // with one answer
	header[11] = 0
	body := header[:12+len(name)+2+4]
	f.Add(question, false)
	f.Add(append(slices.Clip(body), 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 127, 0, 0, 1), false)
	f.Add(append(slices.Clip(body), 0xc0, byte(len(body)), 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 127, 0, 0, 1), false) // a name that is itself
	f.Add(append(slices.Clip(body), 0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 1, 0, 2, 0xc0, 12), false)                  // a name that is another one's, which is its own
	f.Add(append(slices.Clip(body), 0xc0, 12, 0, 33, 0, 1, 0, 0, 0, 1, 0, 8, 0, 1, 0, 1, 0, 80, 0xc0, 12), true)
	f.Fuzz(func(t *testing.T, b []byte, service bool) {
		kind := dns.TypeA
		if service {
			kind = dns.TypeSRV
		}
		a, _, fault := unpack(b, name, kind)
		switch {
		case fault == noFault && service != (len(a.Services) > 0), fault == noFault && service == (len(a.Addrs) > 0):
			t.Fatalf("%+v is good", a)
		case fault != noFault && len(a.Addrs) > 0 && fault.status() == Valid:
			t.Fatalf("%+v is not good", a)
		}
	})
}
