package tlsio

import (
	"bytes"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
)

// recorded is a connection that keeps what passes.
type recorded struct {
	net.Conn
	in, out bytes.Buffer
}

func (r *recorded) Read(p []byte) (int, error) {
	n, err := r.Conn.Read(p)
	r.in.Write(p[:n])
	return n, err
}

func (r *recorded) Write(p []byte) (int, error) {
	r.out.Write(p)
	return r.Conn.Write(p)
}

// record is what the server of a handshake has received and sent, and the keys as the client
// knows them.
func record(t testing.TB, client, server *tls.Config) (in, out []byte, keys string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	here, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer here.Close()
	there, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer there.Close()
	r := &recorded{Conn: there}
	var log strings.Builder
	client.KeyLogWriter = &log
	var both sync.WaitGroup
	both.Go(func() {
		if err := tls.Server(r, server).Handshake(); err != nil {
			t.Error(err)
			_ = there.Close()
		}
	})
	c := tls.Client(here, client)
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	both.Wait()
	return r.in.Bytes(), r.out.Bytes(), log.String()
}

func newTracer(capture int) *tracer {
	return &tracer{Tracing: Tracing{Hellos: true, Capture: capture, Master: true, Traffic: true}, trace: new(Trace), digest: func(b []byte) uint64 { return uint64(len(b)) }}
}

// What is found in a handshake does not depend on how it is cut, nor on whether the server asks
// for another hello.
func TestTrace(t *testing.T) {
	cert := certificate()
	for name, change := range map[string]func(c, s *tls.Config){
		"1.3":         func(_, _ *tls.Config) {},
		"1.2":         func(c, _ *tls.Config) { c.MaxVersion = tls.VersionTLS12 },
		"asked again": func(_, s *tls.Config) { s.CurvePreferences = []tls.CurveID{tls.CurveP384} },
	} {
		t.Run(name, func(t *testing.T) {
			c, s := &tls.Config{InsecureSkipVerify: true, ServerName: "a.test"}, &tls.Config{Certificates: []tls.Certificate{cert}} //nolint:gosec // it is the test's own
			change(c, s)
			in, out, keys := record(t, c, s)
			whole := newTracer(1000)
			whole.see(&whole.from, in)
			whole.see(&whole.to, out)
			random := strings.Fields(keys)[1]
			if got := hex.EncodeToString(whole.trace.ClientRandom[:]); got != random {
				t.Errorf("random of the client is %s, want %s", got, random)
			}
			if n := bytes.Count(out, whole.trace.ServerRandom[:]); n != 1 || bytes.Equal(whole.trace.ServerRandom[:], retryRandom) {
				t.Errorf("random of the server is %x, %d times in what it says", whole.trace.ServerRandom, n)
			}
			if len(whole.trace.Extensions) == 0 || len(whole.trace.Groups) == 0 || !bytes.Equal(whole.trace.Formats, []byte{0}) {
				t.Errorf("captured: %+v", whole.trace)
			}
			for line := range strings.Lines(keys) {
				_, _ = whole.Write([]byte(line))
				secret := strings.Fields(line)[2]
				if s := fmt.Sprintf("%s", whole.trace.secrets); !strings.Contains(s, secret) {
					t.Errorf("secrets are %s, without %s", s, secret)
				}
			}
			want := fmt.Sprintf("%+v", whole.trace)
			for cut := 1; cut < 400; cut += 7 {
				x := newTracer(1000)
				for _, side := range []struct {
					f *follower
					b []byte
				}{{&x.from, in}, {&x.to, out}} {
					for b := side.b; len(b) > 0; b = b[min(cut, len(b)):] {
						x.see(side.f, b[:min(cut, len(b))])
					}
					if !side.f.over || side.f.message != nil {
						t.Fatalf("in pieces of %d: the hello was not found", cut)
					}
				}
				x.trace.secrets = whole.trace.secrets
				if got := fmt.Sprintf("%+v", x.trace); got != want {
					t.Fatalf("in pieces of %d:\n%s\nwant\n%s", cut, got, want)
				}
			}
		})
	}
}

// Whatever is said, a tracer takes it, keeps no more than it may, and finds the same in pieces.
func FuzzTrace(f *testing.F) {
	in, out, _ := record(f, &tls.Config{InsecureSkipVerify: true}, &tls.Config{Certificates: []tls.Certificate{certificate()}}) //nolint:gosec // it is the test's own
	f.Add(in, 1)
	f.Add(out, 3)
	f.Add([]byte("\x16\x03\x01\x00\x01\x01\x16\x03\x01\x00\x03\x00\x00\x00"), 2)
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		const place = 40
		whole, pieces := newTracer(place), newTracer(place)
		whole.see(&whole.from, b)
		for cut = max(cut, 1); len(b) > 0; b = b[min(cut, len(b)):] {
			pieces.see(&pieces.from, b[:min(cut, len(b))])
		}
		x := whole.trace
		if n := len(x.Ciphers) + len(x.Extensions) + len(x.Groups) + len(x.Formats); n > place {
			t.Fatalf("%d bytes were kept", n)
		}
		if a, b := fmt.Sprintf("%+v", whole.trace), fmt.Sprintf("%+v", pieces.trace); a != b {
			t.Fatalf("whole:\n%s\nin pieces:\n%s", a, b)
		}
		if whole.from.over != pieces.from.over {
			t.Fatal("over in one of the two only")
		}
	})
}

// Names of suites are those of OpenSSL, or tell the number.
func TestCipherNames(t *testing.T) {
	for id, want := range map[uint16]string{0x1301: "TLS_AES_128_GCM_SHA256", 0xc02b: "ECDHE-ECDSA-AES128-GCM-SHA256", 0x009e: "DHE-RSA-AES128-GCM-SHA256", 0x1a1a: "UNKNOWN(1A1A)", 0x00ff: "TLS_EMPTY_RENEGOTIATION_INFO_SCSV"} {
		if got := string(AppendCipherName(nil, id)); got != want {
			t.Errorf("%04x is called %s, want %s", id, got, want)
		}
	}
	for id, name := range suiteNames {
		if got := string(AppendCipherName(nil, id)); got != name {
			t.Errorf("%04x is called %s and %s", id, got, name)
		}
	}
}
