package sample_test

import (
	"crypto/tls"
	"net"
	"testing"

	"bench/proxy/sample"
	"bench/proxy/txn"
	"bench/proxy/txn/txntest"
)

// hellos are what clients of TLS begin with.
func hellos(tb testing.TB) (all [][]byte) {
	tb.Helper()
	for _, cfg := range []*tls.Config{
		{ServerName: "www.example.test", NextProtos: []string{"h2", "http/1.1"}},
		{ServerName: "a.b", MaxVersion: tls.VersionTLS12},
		{InsecureSkipVerify: true}, //nolint:gosec // nobody is spoken to
	} {
		ours, theirs := net.Pipe()
		go func() { _ = tls.Client(theirs, cfg).Handshake() }() // it fails: nobody answers
		b := make([]byte, 4096)
		n, err := ours.Read(b)
		if err != nil {
			tb.Fatal(err)
		}
		ours.Close()
		all = append(all, b[:n])
	}
	return all
}

// ofHello are the samples that look at a hello.
func ofHello() []string {
	return []string{
		"req.ssl_hello_type", "req.ssl_sni", "req.ssl_alpn", "req.ssl_ver", "req.ssl_ec_ext", "req.ssl_st_ext",
		"payload_lv(43,1)", "req.payload(0,5),hex", "res.ssl_hello_type",
	}
}

// FuzzHello holds the inspection of hellos to this: nothing is read that has not come, and
// what is known of the beginning stays so, wherever that is cut.
func FuzzHello(f *testing.F) {
	for _, b := range hellos(f) {
		f.Add(b, 5)
		f.Add(b[:len(b)-1], 60)
		f.Add(append([]byte("\x16\x03\x01\x00\x05"), b...), 9)
	}
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"), 1)
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		if len(b) > 1<<14 {
			t.Skip()
		}
		at := func(e *sample.Expr, content []byte) (text string, there, unknown bool) {
			x := txntest.New(t, "", "")
			x.Content, x.Final = append(make([]byte, 0, len(content)), content...), false // reading on would panic
			c := sample.NewContext(16384, 1)
			c.Txn = x
			if v := e.EvalAs(c, txn.Str); v != nil {
				text, there = string(v.B), true
			}
			return text, there, c.Unknown
		}
		for _, expr := range ofHello() {
			e := compile(t, expr)
			early, was, unknown := at(e, b[:min(max(cut, 0), len(b))])
			if unknown {
				continue
			}
			if late, is, not := at(e, b); late != early || is != was || not {
				t.Errorf("%s: %q, %v of %d bytes, %q, %v (unknown %v) of %d", expr, early, was, cut, late, is, not, len(b))
			}
		}
	})
}

// However a hello is cut, it says nothing until it is whole, and then all.
func TestHelloInPieces(t *testing.T) {
	for i, b := range hellos(t) {
		want := []string{"www.example.test", "a.b", ""}[i]
		for cut := range len(b) + 1 {
			x := txntest.New(t, "", "")
			x.Content, x.Final = append(make([]byte, 0, cut), b[:cut]...), false
			c := sample.NewContext(16384, 1)
			c.Txn = x
			got := ""
			if v := compile(t, "req.ssl_sni").EvalAs(c, txn.Str); v != nil {
				got = string(v.B)
			}
			if whole := cut == len(b); c.Unknown == whole || whole && got != want || !whole && got != "" {
				t.Fatalf("hello %d, %d of %d bytes: %q, unknown %v", i, cut, len(b), got, c.Unknown)
			}
		}
	}
}
