package certs

import (
	"crypto/tls"
	"fmt"
	"testing"
)

// crowded is a bind line with many certificates, each for a name and one more by "*", and
// every tenth with a second one for other algorithms.
func crowded(n int) *Acceptor {
	t := &table{exact: map[string]*choice{}, wild: map[string]*choice{}}
	base := &tls.Config{NextProtos: []string{"h2", "http/1.1"}}
	for i := range n {
		names := []string{fmt.Sprintf("site%d.test", i), fmt.Sprintf("*.site%d.test", i)}
		t.add(base, nil, &Certificate{names: names, ecdsa: true}, nil)
		if i%10 == 0 {
			t.add(base, nil, &Certificate{names: names}, nil)
		}
	}
	a := &Acceptor{base: base}
	a.table.Store(t)
	return a
}

func helloFor(name string) *tls.ClientHelloInfo {
	return &tls.ClientHelloInfo{
		ServerName: name, CipherSuites: []uint16{tls.TLS_AES_128_GCM_SHA256}, SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256},
		SupportedProtos: []string{"h2"},
	}
}

// A handshake looks at the certificates that are for the name it asks for, however many
// others there are, and makes no more for it.
func TestManyCertificates(t *testing.T) {
	alone := map[string]float64{}
	for _, n := range []int{1, 1000} {
		a := crowded(n)
		for kind, name := range map[string]string{"exact": "site%d.test", "wild": "www.site%d.test", "unknown": "other%d.test"} {
			hello := helloFor(fmt.Sprintf(name, n-1))
			cfg, err := a.choose(hello)
			if err != nil || cfg == nil || kind != "unknown" && cfg != a.table.Load().find(hello.ServerName, hello).offer {
				t.Fatalf("%d certificates, %s: %v, %v", n, kind, cfg, err)
			}
			made := testing.AllocsPerRun(100, func() { _, _ = a.choose(hello) })
			if n == 1 {
				alone[kind] = made
			} else if made > alone[kind] {
				t.Errorf("%d certificates, %s: %v allocations, and %v with one", n, kind, made, alone[kind])
			}
		}
		for _, names := range []map[string]*choice{a.table.Load().exact, a.table.Load().wild} {
			for name, ch := range names {
				if len(ch.ecdsa) > 1 || len(ch.rsa) > 1 {
					t.Fatalf("%d certificates: %s leads to %d and %d", n, name, len(ch.ecdsa), len(ch.rsa))
				}
			}
		}
	}
}

func BenchmarkManyCertificates(b *testing.B) {
	for _, n := range []int{1, 1000, 10_000} {
		a := crowded(n)
		hello := helloFor(fmt.Sprintf("www.site%d.test", n/2))
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = a.choose(hello)
			}
		})
	}
}
