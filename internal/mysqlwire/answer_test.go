package mysqlwire

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
)

// answerCase is an answer, and what is told of it.
type answerCase struct {
	name           string
	kind           AnswerKind
	in             []byte
	failed         bool
	rows, affected int64
	id             uint32
	params         int
	err            error
}

func answerCases(t testing.TB) []answerCase {
	t.Helper()
	columns := []Column{{"a", Int}, {"b", Text}}
	rows := [][]Value{{{Text: "1"}, {Text: strings.Repeat("x", 300)}}, {{Null: true}, {Null: true}}, {{Text: "-3"}, {Text: ""}}}
	result := func(binary bool) []byte {
		b, err := AppendResult(nil, columns, rows, Format{Binary: binary})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	empty, err := AppendResult(nil, columns, nil, Format{Status: StatusAutocommit})
	if err != nil {
		t.Fatal(err)
	}
	broken := result(false)
	broken = append(broken[:len(broken)-9], AppendError(nil, broken[len(broken)-6], 1317, "70100", "interrupted")...)
	more := AppendOK(nil, 1, 2, 0, statusMore)
	return []answerCase{
		{"ok", AnyResult, AppendOK(nil, 1, 3, 0, 0), false, 0, 3, 0, 0, nil},
		{"error", AnyResult, AppendError(nil, 1, 1213, "40001", "Deadlock"), true, 0, 0, 0, 0, nil},
		{"rows as text", AnyResult, result(false), false, 3, 0, 0, 0, nil},
		{"binary rows", AnyResult, result(true), false, 3, 0, 0, 0, nil},
		{"no rows", AnyResult, empty, false, 0, 0, 0, 0, nil},
		{"an error within the rows", AnyResult, broken, true, 3, 0, 0, 0, nil},
		{"two results", AnyResult, append(more, AppendOK(nil, 2, 5, 0, 0)...), false, 0, 7, 0, 0, nil},
		{"prepared", PreparedResult, AppendPrepared(nil, 7, 2, columns, Format{}), false, 0, 0, 7, 2, nil},
		{"prepared without anything", PreparedResult, AppendPrepared(nil, 8, 0, nil, Format{}), false, 0, 0, 8, 0, nil},
		{"not prepared", PreparedResult, AppendError(nil, 1, 1064, "42000", "syntax"), true, 0, 0, 0, 0, nil},
		{"handshake", OnePacket, AppendMoreData(nil, 1, []byte{SHA2Right}), false, 0, 0, 0, 0, nil},

		{"order", AnyResult, AppendOK(nil, 2, 0, 0, 0), false, 0, 0, 0, 0, ErrOrder},
		{"empty packet", AnyResult, []byte{0, 0, 0, 1}, false, 0, 0, 0, 0, ErrMalformed},
		{"file wanted", AnyResult, []byte{2, 0, 0, 1, 0xfb, 'x'}, false, 0, 0, 0, 0, ErrMalformed},
		{"short ok", AnyResult, []byte{1, 0, 0, 1, 0}, false, 0, 0, 0, 0, ErrMalformed},
		{"prepared by nothing", PreparedResult, []byte{1, 0, 0, 1, 1}, false, 0, 0, 0, 0, ErrMalformed},
		{"no end of columns", AnyResult, append(append([]byte{1, 0, 0, 1, 1}, AppendColumn(nil, 2, &columns[0])...), 1, 0, 0, 3, 1), false, 0, 0, 0, 0, ErrMalformed},
	}
}

func feedAnswer(r *AnswerReader, in []byte, size int) (n int, done bool, err error) {
	for n < len(in) && !done && err == nil {
		var used int
		used, done, err = r.Feed(in[n:min(len(in), n+size)])
		n += used
	}
	return n, done, err
}

func TestAnswerReader(t *testing.T) {
	var r AnswerReader
	for _, c := range answerCases(t) {
		for _, size := range []int{len(c.in), 1, 7} {
			r.Begin(c.kind, 1)
			n, done, err := feedAnswer(&r, c.in, size)
			if c.err != nil {
				if !errors.Is(err, c.err) {
					t.Errorf("%s in pieces of %d: error %v, want %v", c.name, size, err, c.err)
				}
				continue
			}
			if err != nil || !done || n != len(c.in) || r.Failed != c.failed || r.Rows != c.rows || r.Affected != c.affected || r.StatementID != c.id || r.Params != c.params {
				t.Errorf("%s in pieces of %d: %d of %d bytes, done %v, %+v, error %v", c.name, size, n, len(c.in), done, r, err)
			}
			if size > 1 {
				continue
			}
			r.Begin(c.kind, 1)
			if _, done, err := feedAnswer(&r, c.in[:len(c.in)-1], 50); done || err != nil {
				t.Errorf("%s, short of a byte: done %v, error %v", c.name, done, err)
			}
		}
	}
	e := ParseServerError(AppendError(nil, 1, 1213, "40001", "Deadlock")[HeaderSize:])
	if e.Code != 1213 || string(e.State) != "40001" || string(e.Message) != "Deadlock" {
		t.Errorf("error %+v", e)
	}
}

// A row of 16 MiB and more goes on in the next packet.
func TestLongRows(t *testing.T) {
	b, err := AppendResult(nil, []Column{{"a", Text}}, nil, Format{})
	if err != nil {
		t.Fatal(err)
	}
	end := b[len(b)-9:]
	long := append([]byte{}, b[:len(b)-9]...)
	seq := end[3]
	long = append(append(long, 0xff, 0xff, 0xff, seq), make([]byte, MaxPayload)...)
	long = append(long, 2, 0, 0, seq+1, 0xfe, 0)
	end[3] = seq + 2
	long = append(long, end...)
	var r AnswerReader
	r.Begin(AnyResult, 1)
	if n, done, err := feedAnswer(&r, long, 64<<10); n != len(long) || !done || err != nil || r.Rows != 1 || r.Bytes != MaxPayload+2 {
		t.Errorf("%d of %d bytes, done %v, %d rows of %d bytes, error %v", n, len(long), done, r.Rows, r.Bytes, err)
	}
}

func TestGreetingAndLogin(t *testing.T) {
	g := Greeting{Version: "8.0", ConnectionID: 7, Salt: [SaltSize]byte([]byte("abcdefghijklmnopqrst")), Charset: 45, Status: 2, Plugin: CachingSHA2Password}
	g.Capabilities = Protocol41 | SecureConnection | PluginAuth | ConnectWithDB
	p := g.Append(nil, 0)[HeaderSize:]
	got, err := ParseGreeting(p)
	if err != nil || got != g {
		t.Errorf("%+v, %v; want %+v", got, err, g)
	}
	for n := range p {
		if _, err := ParseGreeting(p[:n]); err == nil && n < len(p)-len(CachingSHA2Password)-2 {
			t.Errorf("%d of %d bytes are a greeting", n, len(p))
		}
	}
	if _, err := ParseGreeting([]byte{9}); err == nil || !strings.Contains(err.Error(), "want 10") {
		t.Errorf("version 9: %v", err)
	}
	want := Login{Capabilities: g.Capabilities, Charset: 45, User: []byte("u"), Auth: []byte("12345"), Database: []byte("db"), Plugin: []byte(NativePassword)}
	l, err := ParseLogin(AppendLogin(nil, 1, &want)[HeaderSize:])
	if err != nil || l.Capabilities != want.Capabilities || string(l.User) != "u" || string(l.Auth) != "12345" || string(l.Database) != "db" || string(l.Plugin) != NativePassword {
		t.Errorf("%+v, %v", l, err)
	}
	plugin, salt, err := ParseSwitch(AppendSwitch(nil, 2, CachingSHA2Password, &g.Salt)[HeaderSize:])
	if plugin != CachingSHA2Password || salt != g.Salt || err != nil {
		t.Errorf("%s, %q, %v", plugin, salt, err)
	}
}

// What is encrypted for a server is the password, with a NUL, under the salt.
func TestEncryptPassword(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	salt := [SaltSize]byte([]byte("abcdefghijklmnopqrst"))
	password := strings.Repeat("secret", 5)
	sealed, err := EncryptPassword(password, &salt, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	if err != nil {
		t.Fatal(err)
	}
	text, err := rsa.DecryptOAEP(sha1.New(), nil, key, sealed, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range text {
		text[i] ^= salt[i%SaltSize]
	}
	if string(text) != password+"\x00" {
		t.Errorf("%q", text)
	}
	if _, err := EncryptPassword(password, &salt, []byte("no key")); err == nil {
		t.Error("anything is a key")
	}
}

func TestAnswerReaderAllocatesNothing(t *testing.T) {
	var r AnswerReader
	all := answerCases(t)
	read := func() {
		for i := range all {
			r.Begin(all[i].kind, 1)
			_, _, _ = feedAnswer(&r, all[i].in, 100)
		}
	}
	read()
	if n := testing.AllocsPerRun(100, read); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// An answer is the same in whatever pieces it comes.
func FuzzAnswerReader(f *testing.F) {
	for _, c := range answerCases(f) {
		f.Add(c.in, uint8(c.kind), uint8(5))
	}
	f.Fuzz(func(t *testing.T, in []byte, kind, size uint8) {
		var whole, pieces AnswerReader
		whole.Begin(AnswerKind(kind%3), 1)
		pieces.Begin(AnswerKind(kind%3), 1)
		n, done, err := feedAnswer(&whole, in, len(in))
		m, also, other := feedAnswer(&pieces, in, int(size)+1)
		if n > len(in) || done != also || (err == nil) != (other == nil) || n != m {
			t.Fatalf("whole %d %v %v, in pieces %d %v %v", n, done, err, m, also, other)
		}
		if whole.Rows != pieces.Rows || whole.Affected != pieces.Affected || whole.Bytes != pieces.Bytes || string(whole.First) != string(pieces.First) {
			t.Fatalf("whole %+v, in pieces %+v", whole, pieces)
		}
	})
}
