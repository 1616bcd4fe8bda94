package mysql

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"slices"
	"strings"
	"testing"

	"bench/internal/mysqlwire"
	"bench/loadgen/codec"
	"bench/loadgen/internal/loadtest"
)

// wrong is what is wrong with a load of statements.
func wrong(m *Spec) string {
	all := [][]codec.Problem{m.Problems()}
	for i := range m.Statements {
		all = append(all, m.Statements[i].Problems())
	}
	return loadtest.Texts(all...)
}

func newSession(t testing.TB, m Spec) codec.Session {
	t.Helper()
	if wrong := wrong(&m); wrong != "" {
		t.Fatal(wrong)
	}
	return sessionOf(t, m, false)
}

func sessionOf(t testing.TB, m Spec, secured bool) codec.Session {
	t.Helper()
	c, err := New(&codec.Load{Name: "web"}, &m, secured)
	if err != nil {
		t.Fatal(err)
	}
	return c.Session(7)
}

var salt = [mysqlwire.SaltSize]byte([]byte("abcdefghijklmnopqrst"))

func hello(plugin string) []byte {
	g := mysqlwire.Greeting{
		Version: "8.0", Salt: salt, Plugin: plugin,
		Capabilities: mysqlwire.Protocol41 | mysqlwire.SecureConnection | mysqlwire.PluginAuth,
	}
	return g.Append(nil, 0)
}

// packet makes a packet of a payload.
func packet(seq byte, payload []byte) []byte {
	b, at := mysqlwire.Begin(nil, seq)
	return mysqlwire.End(append(b, payload...), at)
}

// talk is a handshake: what the server says, and after each what the client
// answers by.
type talk struct {
	t    *testing.T
	s    codec.Session
	size int // of the pieces
}

func (k *talk) server(p []byte, want codec.State) {
	k.t.Helper()
	if used, st := loadtest.Feed(k.s, string(p), k.size); st != want || used != len(p) {
		k.t.Fatalf("%d of %d bytes, state %d, want %d: %+v", used, len(p), st, want, *k.s.Answer())
	}
}

func (k *talk) client() (payload []byte, seq byte) {
	k.t.Helper()
	p := k.s.Say(nil)
	payload, seq, n, err := mysqlwire.ParsePacket(p)
	if err != nil || n != len(p) {
		k.t.Fatalf("said %q: %v", p, err)
	}
	return payload, seq
}

func TestMySQLLogin(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	pemKey := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	for _, plugin := range []string{mysqlwire.NativePassword, mysqlwire.CachingSHA2Password} {
		for _, size := range []int{1 << 10, 1} {
			s := newSession(t, Spec{User: "app", Password: "secret", Database: "shop"})
			k := &talk{t, s, size}
			for range 2 { // each connection anew
				if st := s.Open(); st != codec.More {
					t.Fatalf("state %d", st)
				}
				k.server(hello(plugin), codec.Reply)
				p, seq := k.client()
				l, err := mysqlwire.ParseLogin(p)
				want := mysqlwire.Scramble(plugin, "secret", &salt)
				if err != nil || seq != 1 || string(l.User) != "app" || string(l.Database) != "shop" || string(l.Plugin) != plugin || !slices.Equal(l.Auth, want) {
					t.Fatalf("login %+v, %v", l, err)
				}
				if plugin == mysqlwire.NativePassword {
					k.server(mysqlwire.AppendOK(nil, 2, 0, 0, 2), codec.Done)
					continue
				}
				k.server(mysqlwire.AppendOK(mysqlwire.AppendMoreData(nil, 2, []byte{mysqlwire.SHA2Right}), 3, 0, 0, 2), codec.Done)

				// A server that does not know the password yet.
				s.Open()
				k.server(hello(plugin), codec.Reply)
				k.client()
				k.server(packet(2, []byte{1, 4}), codec.Reply)
				if p, seq := k.client(); seq != 3 || len(p) != 1 || p[0] != 2 {
					t.Fatalf("asked for the key by %q", p)
				}
				k.server(packet(4, append([]byte{1}, pemKey...)), codec.Reply)
				p, seq = k.client()
				text, err := rsa.DecryptOAEP(sha1.New(), nil, key, p, nil)
				if err != nil || seq != 5 || text[0]^salt[0] != 's' {
					t.Fatalf("%q, %v", text, err)
				}
				k.server(mysqlwire.AppendOK(nil, 6, 0, 0, 2), codec.Done)
			}
			// Another plugin, with another salt.
			s.Open()
			k.server(hello("auth_gssapi_client"), codec.Reply)
			p, _ := k.client()
			if l, _ := mysqlwire.ParseLogin(p); string(l.Plugin) != mysqlwire.NativePassword {
				t.Fatalf("plugin %q", l.Plugin)
			}
			other := [mysqlwire.SaltSize]byte([]byte("ABCDEFGHIJKLMNOPQRST"))
			k.server(mysqlwire.AppendSwitch(nil, 2, plugin, &other), codec.Reply)
			if p, seq := k.client(); seq != 3 || !slices.Equal(p, mysqlwire.Scramble(plugin, "secret", &other)) {
				t.Fatalf("scramble %x", p)
			}
			k.server(mysqlwire.AppendOK(nil, 4, 0, 0, 2), codec.Done)
		}
	}
}

// TLS is asked for behind the greeting, and the login follows in it. There the password
// needs no key, and a server that does not offer TLS is not spoken to in clear.
func TestMySQLLoginInTLS(t *testing.T) {
	offer := func(of mysqlwire.Capabilities) []byte {
		g := mysqlwire.Greeting{Version: "8.0", Salt: salt, Plugin: mysqlwire.CachingSHA2Password, Capabilities: mysqlwire.Protocol41 | mysqlwire.SecureConnection | mysqlwire.PluginAuth | of}
		return g.Append(nil, 0)
	}
	for _, size := range []int{1 << 10, 1} {
		s := sessionOf(t, Spec{User: "app", Password: "secret", Database: "shop"}, true).(codec.Upgrader)
		k := &talk{t, s, size}
		for range 2 { // each connection anew
			s.Open()
			k.server(offer(mysqlwire.TLS), codec.Secure)
			if p, seq := k.client(); seq != 1 || !mysqlwire.WantsTLS(p) {
				t.Fatalf("asked for TLS by %d, %q", seq, p)
			}
			if st := s.Secured(); st != codec.Reply {
				t.Fatalf("state %d", st)
			}
			p, seq := k.client()
			l, err := mysqlwire.ParseLogin(p)
			if err != nil || seq != 2 || l.TLS || l.Capabilities&mysqlwire.TLS == 0 || string(l.User) != "app" || string(l.Database) != "shop" {
				t.Fatalf("login %d, %+v, %v", seq, l, err)
			}
			k.server(packet(3, []byte{1, 4}), codec.Reply)
			if p, seq := k.client(); seq != 4 || string(p) != "secret\x00" {
				t.Fatalf("the password is sent as %d, %q", seq, p)
			}
			k.server(mysqlwire.AppendOK(nil, 5, 0, 0, 2), codec.Done)
		}
		s.Open()
		k.server(offer(0), codec.Broken)
		if got := s.Answer().Detail; got != "the server does not offer TLS" {
			t.Errorf("%q", got)
		}
	}
}

func TestMySQLLoginFails(t *testing.T) {
	denied := mysqlwire.AppendError(nil, 2, 1045, "28000", "Access denied")
	for want, say := range map[string][]byte{
		"error 1040 Too many connections":                    mysqlwire.AppendError(nil, 0, 1040, "", "Too many connections"),
		"error 1045 (28000) Access denied":                   append(hello(mysqlwire.NativePassword), denied...),
		"the server wants the authentication plugin ed25519": append(hello(mysqlwire.NativePassword), mysqlwire.AppendSwitch(nil, 2, "ed25519", &salt)...),
		"the handshake has version 9: want 10":               packet(0, []byte("\x095.0\x00")),
		"packets out of order":                               packet(1, []byte{10}),
		"malformed packet":                                   packet(0, nil),
		"an unexpected packet in the handshake":              append(hello(mysqlwire.NativePassword), packet(2, []byte{5})...),
		"an unexpected packet of caching_sha2_password":      append(hello(mysqlwire.NativePassword), packet(2, []byte{1, 9})...),
	} {
		s := newSession(t, Spec{})
		s.Open()
		st := codec.More
		for rest := say; st != codec.Broken && len(rest) > 0; {
			var n int
			n, st = s.Feed(rest)
			if rest = rest[n:]; st == codec.Reply {
				s.Say(nil)
				st = codec.More
			} else if st == codec.Done {
				break
			}
		}
		if a := s.Answer(); st != codec.Broken || !strings.HasPrefix(a.Detail, want) || a.KeepAlive {
			t.Errorf("state %d, %q; want %q", st, a.Detail, want)
		}
	}
}

// logIn takes a session past its set-up; prepared statements get numbers from 1.
func logIn(t testing.TB, s codec.Session, prepared ...int) {
	t.Helper()
	s.Open()
	st := codec.More
	feed := func(p []byte) { _, st = s.Feed(p) }
	feed(hello(mysqlwire.NativePassword))
	s.Say(nil)
	feed(mysqlwire.AppendOK(nil, 2, 0, 0, 2))
	for i, params := range prepared {
		if st != codec.Reply {
			t.Fatalf("state %d before statement %d", st, i)
		}
		s.Say(nil)
		feed(mysqlwire.AppendPrepared(nil, uint32(i+1), params, nil, mysqlwire.Format{}))
	}
	if st != codec.Done {
		t.Fatalf("state %d behind the set-up: %+v", st, *s.Answer())
	}
}

func TestMySQLRequests(t *testing.T) {
	s := newSession(t, Spec{Statements: []Statement{
		{Name: "ping"},
		{Name: "text", Query: "SELECT {{seq}}"},
		{Name: "prepared", Query: "SELECT ?, ?, ?", Prepared: true, Params: []string{"-5", "{{user}}", "a{{user}}"}},
		{Name: "bare", Query: "SELECT 1", Prepared: true},
	}})
	logIn(t, s, 3, 0)
	for class, want := range []string{
		"\x01\x00\x00\x00\x0e",
		"\x0c\x00\x00\x00\x03SELECT 1207",
		"\x25\x00\x00\x00\x17\x01\x00\x00\x00\x00\x01\x00\x00\x00\x00\x01\x08\x00\x08\x00\xfd\x00\xfb\xff\xff\xff\xff\xff\xff\xff\x07\x00\x00\x00\x00\x00\x00\x00\x02a7",
		"\x0a\x00\x00\x00\x17\x02\x00\x00\x00\x00\x01\x00\x00\x00",
	} {
		out, _ := s.Request(nil, &codec.Order{Seq: 1207, Class: class, Item: -1})
		if string(out) != want {
			t.Errorf("class %d:\n%s\nwant\n%s", class, hex.Dump(out), hex.Dump([]byte(want)))
		}
	}
}

func TestMySQLResults(t *testing.T) {
	rows, err := mysqlwire.AppendResult(nil, []mysqlwire.Column{{Name: "a", Type: mysqlwire.Int}}, [][]mysqlwire.Value{{{Text: "1"}}, {{Text: "2"}}}, mysqlwire.Format{})
	if err != nil {
		t.Fatal(err)
	}
	ok, two, deadlock := mysqlwire.AppendOK(nil, 1, 3, 0, 2), int64(2), mysqlwire.AppendError(nil, 1, 1213, "40001", "Deadlock")
	failed := func(code int) []byte { return mysqlwire.AppendError(nil, 1, code, "HY000", "no") }
	for _, c := range []struct {
		in     []byte
		expect ExpectResult
		fault  codec.Cause
		detail string
	}{
		{ok, ExpectResult{}, codec.CauseNone, ""},
		{rows, ExpectResult{Rows: &two}, codec.CauseNone, ""},
		{ok, ExpectResult{Rows: &two}, codec.CauseBody, "another number of rows than expected"},
		{ok, ExpectResult{Affected: &two}, codec.CauseBody, "another number of affected rows than expected"},
		{deadlock, ExpectResult{}, codec.CauseConflict, "error 1213 (40001) Deadlock"},
		{deadlock, ExpectResult{Error: 1213}, codec.CauseNone, ""},
		{ok, ExpectResult{Error: 1213}, codec.CauseBody, "a result in place of the expected error"},
		{failed(1290), ExpectResult{Error: 1213}, codec.CauseReadOnly, "error 1290 (HY000) no"},
		{failed(1142), ExpectResult{}, codec.CauseDenied, "error 1142 (HY000) no"},
		{failed(1053), ExpectResult{}, codec.CauseUnavailable, "error 1053 (HY000) no"},
		{failed(1064), ExpectResult{}, codec.CauseError, "error 1064 (HY000) no"},
	} {
		for _, size := range []int{len(c.in), 1} {
			s := newSession(t, Spec{Statements: []Statement{{Query: "SELECT 1", Expect: c.expect}}})
			logIn(t, s)
			for range 2 {
				s.Await(&codec.Order{Item: -1})
				used, st := loadtest.Feed(s, string(c.in), size)
				if a := s.Answer(); st != codec.Done || used != len(c.in) || a.Fault != c.fault || a.Detail != c.detail || !a.KeepAlive {
					t.Errorf("%q in pieces of %d: state %d, %+v", c.in, size, st, *a)
				}
			}
		}
	}
	s := newSession(t, Spec{})
	logIn(t, s)
	s.Await(&codec.Order{Item: -1})
	if _, st := s.Feed([]byte("HTTP/1.1 400 Bad Request\r\n")); st != codec.Broken || s.Answer().KeepAlive {
		t.Errorf("garbage: state %d", st)
	}
}

// Each statement of a transaction waits for the one before; an error is followed
// by ROLLBACK.
func TestMySQLTransaction(t *testing.T) {
	three := int64(3)
	s := newSession(t, Spec{Statements: []Statement{{Transaction: []string{"A {{seq}}", "B"}, Expect: ExpectResult{Affected: &three}}}})
	logIn(t, s)
	ok, deadlock := mysqlwire.AppendOK(nil, 1, 0, 0, 2), mysqlwire.AppendError(nil, 1, 1213, "40001", "Deadlock")
	for _, c := range []struct {
		answers [][]byte
		said    string
		fault   codec.Cause
	}{
		{[][]byte{ok, mysqlwire.AppendOK(nil, 1, 1, 0, 2), mysqlwire.AppendOK(nil, 1, 2, 0, 2), ok}, "BEGIN A 12 B COMMIT", codec.CauseNone},
		{[][]byte{ok, ok, ok, ok}, "BEGIN A 12 B COMMIT", codec.CauseBody},
		{[][]byte{ok, deadlock, ok}, "BEGIN A 12 ROLLBACK", codec.CauseConflict},
		{[][]byte{ok, ok, ok, deadlock, ok}, "BEGIN A 12 B COMMIT ROLLBACK", codec.CauseConflict},
	} {
		o := codec.Order{Seq: 12, Item: -1}
		out, _ := s.Request(nil, &o)
		said := string(out[mysqlwire.HeaderSize+1:])
		s.Await(&o)
		for i, a := range c.answers {
			_, st := s.Feed(a)
			if last := i == len(c.answers)-1; last != (st == codec.Done) || !last && st != codec.Reply {
				t.Fatalf("%s: state %d behind answer %d", said, st, i)
			}
			if st == codec.Reply {
				said += " " + string(s.Say(nil)[mysqlwire.HeaderSize+1:])
			}
		}
		if said != c.said || s.Answer().Fault != c.fault {
			t.Errorf("said %q, want %q; %+v", said, c.said, *s.Answer())
		}
	}
}

func TestMySQLValidate(t *testing.T) {
	for want, m := range map[string]Spec{
		"want at most 255 bytes, none of them NUL": {User: "a\x00"},
		"connect: a statement of 0 bytes":          {Connect: []string{""}},
		"there are two requests \"a\"":             {Statements: []Statement{{Name: "a"}, {Name: "a"}}},
		"too long for a packet":                    {Statements: []Statement{{Query: "SELECT '" + strings.Repeat("{{letters 1048576}}", 9) + "'"}}},
		"parameter 1: {{x}}: there is no variable": {Statements: []Statement{{Query: "SELECT ?", Prepared: true, Params: []string{"{{x}}"}}}},
		"statement LOAD: files":                    {Statements: []Statement{{Name: "b", Transaction: []string{"load data x"}}}},
	} {
		if got := wrong(&m); !strings.Contains(got, want) {
			t.Errorf("problems %q, want %q", got, want)
		}
	}
}

// Whatever a server says, in whatever pieces, the session stays within the bytes
// and says why it gives up.
func FuzzMySQLSession(f *testing.F) {
	f.Add(append(hello(mysqlwire.CachingSHA2Password), mysqlwire.AppendOK(mysqlwire.AppendMoreData(nil, 2, []byte{mysqlwire.SHA2Right}), 3, 0, 0, 2)...), uint8(3))
	f.Add(append(hello(mysqlwire.NativePassword), mysqlwire.AppendSwitch(nil, 2, mysqlwire.CachingSHA2Password, &salt)...), uint8(200))
	f.Add(append(append(hello(mysqlwire.NativePassword), packet(2, []byte{1, 4})...), packet(4, []byte("\x01-----BEGIN PUBLIC KEY-----\n"))...), uint8(9))
	f.Add(append(hello(mysqlwire.NativePassword), mysqlwire.AppendPrepared(mysqlwire.AppendOK(nil, 2, 0, 0, 2), 1, 1, nil, mysqlwire.Format{})...), uint8(40))
	f.Fuzz(func(t *testing.T, in []byte, size uint8) {
		s := sessionOf(t, Spec{Password: "secret", Statements: []Statement{{Query: "SELECT ?", Prepared: true, Params: []string{"1"}}}}, size&1 == 1)
		s.Open()
		for rest := in; len(rest) > 0; {
			n, st := s.Feed(rest[:min(len(rest), int(size)+1)])
			if n > len(rest) {
				t.Fatalf("%d of %d bytes", n, len(rest))
			}
			rest = rest[n:]
			switch st {
			case codec.More, codec.Lost:
			case codec.Secure:
				if p := s.Say(nil); len(p) != 36 {
					t.Fatalf("asked for TLS by %q", p)
				}
				s.(codec.Upgrader).Secured()
			case codec.Reply:
				if _, _, n, err := mysqlwire.ParsePacket(s.Say(nil)); n == 0 || err != nil {
					t.Fatalf("said no packet: %v", err)
				}
			case codec.Done:
				o := codec.Order{Item: -1}
				s.Request(nil, &o)
				s.Await(&o)
			case codec.Broken:
				if s.Answer().Detail == "" || s.Answer().KeepAlive {
					t.Fatalf("broken without a reason: %+v", *s.Answer())
				}
				return
			}
		}
	})
}

func BenchmarkMySQL(b *testing.B) {
	s := newSession(b, Spec{Statements: []Statement{{Query: "SELECT ?", Prepared: true, Params: []string{"{{random 1 999}}"}}}})
	logIn(b, s, 1)
	in, err := mysqlwire.AppendResult(nil, []mysqlwire.Column{{Name: "a", Type: mysqlwire.Int}}, [][]mysqlwire.Value{{{Text: "1"}}}, mysqlwire.Format{Binary: true})
	if err != nil {
		b.Fatal(err)
	}
	o, out := codec.Order{Item: -1}, []byte(nil)
	b.ReportAllocs()
	for b.Loop() {
		out, _ = s.Request(out[:0], &o)
		s.Await(&o)
		o.Seq++
		if _, st := s.Feed(in); st != codec.Done {
			b.Fatal(s.Answer().Detail)
		}
	}
}
