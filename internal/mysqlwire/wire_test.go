package mysqlwire

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

func TestParsePacket(t *testing.T) {
	for _, c := range []struct {
		in      string
		payload string
		seq     byte
		n       int
		err     error
	}{
		{"\x03\x00\x00\x07abcd", "abc", 7, 7, nil},
		{"\x00\x00\x00\x01", "", 1, 4, nil},
		{"\x03\x00\x00\x07ab", "", 0, 0, nil},
		{"\x03\x00", "", 0, 0, nil},
		{"\xff\xff\xff\x00", "", 0, 0, ErrTooLong},
	} {
		p, seq, n, err := ParsePacket([]byte(c.in))
		if string(p) != c.payload || seq != c.seq || n != c.n || !errors.Is(err, c.err) {
			t.Errorf("%q: %q, %d, %d, %v", c.in, p, seq, n, err)
		}
	}
}

func TestIntegers(t *testing.T) {
	for _, c := range []struct {
		n    uint64
		want string
	}{
		{0, "00"},
		{250, "fa"},
		{251, "fcfb00"},
		{65535, "fcffff"},
		{65536, "fd000001"},
		{1<<24 - 1, "fdffffff"},
		{1 << 24, "fe0000000100000000"},
		{1<<64 - 1, "feffffffffffffffff"},
	} {
		b := AppendInt(nil, c.n)
		r := reader{b: b}
		if hex.EncodeToString(b) != c.want || r.int() != c.n || r.bad || len(r.b) > 0 {
			t.Errorf("%d: %x", c.n, b)
		}
	}
	for _, bad := range []string{"", "\xfc\x01", "\xfb", "\xff", "\xfe\x01"} {
		if r := (reader{b: []byte(bad)}); r.int() == 0 && !r.bad {
			t.Errorf("%q is taken", bad)
		}
	}
}

// Known answers, computed by another program from the definitions of the plugins.
func TestScramble(t *testing.T) {
	salt := [SaltSize]byte([]byte("abcdefghijklmnopqrst"))
	for _, c := range []struct{ plugin, password, want string }{
		{NativePassword, "secret", nativeSecret},
		{CachingSHA2Password, "secret", sha2Secret},
		{NativePassword, "", ""},
		{CachingSHA2Password, "", ""},
	} {
		if got := hex.EncodeToString(Scramble(c.plugin, c.password, &salt)); got != c.want {
			t.Errorf("%s of %q: %s, want %s", c.plugin, c.password, got, c.want)
		}
	}
}

const (
	nativeSecret = "8817c50fa779daef010ee7577825b0847df9842e"
	sha2Secret   = "c76e2898612a4cf042c77fa8c4702c4c64c0c2c557c53c4d75595aaa6abae809"
)

func TestParseLogin(t *testing.T) {
	fixed := func(caps uint32) string {
		return string([]byte{byte(caps), byte(caps >> 8), byte(caps >> 16), byte(caps >> 24)}) + "\x00\x00\x00\x01\x2d" + strings.Repeat("\x00", 23)
	}
	all := uint32(Protocol41 | SecureConnection | PluginAuth | ConnectWithDB)
	for _, c := range []struct {
		name, in               string
		user, auth, db, plugin string
		tls, bad               bool
	}{
		{"all", fixed(all) + "app\x00\x03abcshop\x00" + NativePassword + "\x00", "app", "abc", "shop", NativePassword, false, false},
		{"long", fixed(all|uint32(LongAuthData)) + "app\x00\xfc\x03\x00abcshop\x00" + NativePassword + "\x00", "app", "abc", "shop", NativePassword, false, false},
		{"plain", fixed(uint32(Protocol41)) + "app\x00abc\x00", "app", "abc", "", "", false, false},
		{"before 4.1", "\x00\x00\x00\x00\x00app\x00abc", "app", "abc", "", "", false, false},
		{"before 4.1 with database", "\x08\x00\x00\x00\x00app\x00\x00shop", "app", "", "shop", "", false, false},
		{"tls", fixed(uint32(Protocol41 | TLS)), "", "", "", "", true, false},
		{"empty", "", "", "", "", "", false, true},
		{"short", fixed(all)[:20], "", "", "", "", false, true},
		{"auth too long", fixed(all) + "app\x00\xf0abc", "app", "", "", "", false, true},
	} {
		l, err := ParseLogin([]byte(c.in))
		if (err != nil) != c.bad || l.TLS != c.tls {
			t.Errorf("%s: %+v, %v", c.name, l, err)
		}
		if !c.bad && (string(l.User) != c.user || string(l.Auth) != c.auth || string(l.Database) != c.db || string(l.Plugin) != c.plugin) {
			t.Errorf("%s: %+v", c.name, l)
		}
	}
}

func TestTLSRequest(t *testing.T) {
	for _, c := range []struct {
		of   Capabilities
		want bool
	}{{Protocol41 | TLS | PluginAuth, true}, {Protocol41, false}, {TLS, false}} {
		p, seq, n, err := ParsePacket(AppendTLSRequest(nil, 1, &Login{Capabilities: c.of, Charset: CharsetUTF8}))
		if err != nil || n != HeaderSize+32 || seq != 1 || p[8] != CharsetUTF8 || WantsTLS(p) != c.want || WantsTLS(p[:31]) || WantsTLS(append(p, 0)) {
			t.Errorf("%x: %x, %d, %v", c.of, p, n, err)
		}
	}
}

func TestBadRows(t *testing.T) {
	columns := []Column{{"a", Int}, {"b", Real}}
	for _, row := range [][]Value{{{Text: "1"}}, {{Text: "x"}, {Text: "1"}}, {{Text: "1"}, {Text: "x"}}, {{Text: "9223372036854775808"}, {Text: "1"}}} {
		if _, err := AppendResult(nil, columns, [][]Value{row}, Format{Binary: true}); err == nil {
			t.Errorf("%v is taken", row)
		}
	}
}

// A result is a series of packets with rising numbers, whatever is in it.
func TestResultFraming(t *testing.T) {
	columns := []Column{{"a", Int}, {"b", Text}}
	rows := [][]Value{{{Text: "-1"}, {Null: true}}, {{Null: true}, {Text: strings.Repeat("x", 300)}}}
	for _, f := range []Format{{}, {Binary: true}, {NoEOF: true}, {Binary: true, NoEOF: true}} {
		b, err := AppendResult(nil, columns, rows, f)
		if err != nil {
			t.Fatal(err)
		}
		want := 1 + 2 + 1 + 2 + 1
		if f.NoEOF {
			want--
		}
		for i := range want {
			_, seq, n, err := ParsePacket(b)
			if n == 0 || err != nil || int(seq) != i+1 {
				t.Fatalf("%+v: packet %d has number %d, %v", f, i+1, seq, err)
			}
			b = b[n:]
		}
		if len(b) > 0 {
			t.Errorf("%+v: %d bytes behind", f, len(b))
		}
	}
}

func FuzzParsePacket(f *testing.F) {
	f.Add([]byte("\x03\x00\x00\x07abcd"))
	f.Fuzz(func(t *testing.T, in []byte) {
		p, seq, n, err := ParsePacket(in)
		if err != nil || n == 0 {
			return
		}
		b, at := Begin(nil, seq)
		if !bytes.Equal(End(append(b, p...), at), in[:n]) {
			t.Fatalf("%x comes back as %x", in[:n], b)
		}
	})
}

func FuzzParseLogin(f *testing.F) {
	f.Add([]byte("\x00\x82\x00\x00\x00\x00\x00\x01\x21" + strings.Repeat("\x00", 23) + "check\x00\x00"))
	f.Add([]byte("\x80\x00\x01\x00\x00check\x00"))
	f.Fuzz(func(t *testing.T, in []byte) {
		l, err := ParseLogin(in)
		if err == nil && len(l.User)+len(l.Auth)+len(l.Database)+len(l.Plugin) > len(in) {
			t.Fatalf("%x has %+v", in, l)
		}
	})
}
