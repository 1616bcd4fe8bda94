package mysqlwire

import (
	"strings"
	"testing"
)

// What a client encrypts, the server reads; what is not encrypted for this salt, or
// not at all, is refused.
func TestServerKey(t *testing.T) {
	k, err := NewServerKey()
	if err != nil {
		t.Fatal(err)
	}
	salt := [SaltSize]byte([]byte("12345678901234567890"))
	for _, password := range []string{"", "secret", strings.Repeat("long ", 30)} {
		sealed, err := EncryptPassword(password, &salt, k.Public())
		if err != nil {
			t.Fatal(err)
		}
		if got, err := k.Decrypt(sealed, &salt); got != password || err != nil {
			t.Errorf("read %q, %v, want %q", got, err, password)
		}
		other := salt
		other[len(password)%SaltSize] ^= 1
		if got, err := k.Decrypt(sealed, &other); err == nil && got == password {
			t.Errorf("%q was read with another salt", password)
		}
		sealed[0] ^= 1
		if _, err := k.Decrypt(sealed, &salt); err == nil {
			t.Error("a secret that was tampered with was read")
		}
	}
	if _, err := k.Decrypt([]byte("in clear"), &salt); err == nil {
		t.Error("what is not encrypted was read")
	}
}

func TestAttributes(t *testing.T) {
	var l Login
	l.Capabilities = Protocol41 | SecureConnection | PluginAuth
	l.User, l.Plugin = []byte("me"), []byte(NativePassword)
	l.SetAttribute("program_name", "bench")
	l.SetAttribute("long", strings.Repeat("x", 300))
	b := AppendLogin(nil, 1, &l)
	payload, _, _, err := ParsePacket(b)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseLogin(payload)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"program_name": "bench", "long": strings.Repeat("x", 300), "bench": ""} {
		if v := string(got.Attribute(name)); v != want {
			t.Errorf("%s is %q, want %q", name, v, want)
		}
	}
	got.Attributes = got.Attributes[:20] // cut within a value
	if v := got.Attribute("long"); v != nil {
		t.Errorf("of what was cut off: %q", v)
	}
}
