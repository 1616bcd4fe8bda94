package auth

import (
	"crypto/sha256"
	"os/exec"
	"strings"
	"testing"

	"bench/internal/testpeer"
)

// Made by openssl passwd, the fourth by the author of the method, who also says that
// too few rounds are raised to the least.
func TestHashes(t *testing.T) {
	for _, tt := range []struct{ password, hash string }{
		{"Hello world!", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"},
		{"Hello world!", "$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA"},
		{"Hello world!", "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"},
		{"the minimum number is still observed", "$6$rounds=10$roundstoolow$kUMsbe306n21p9R.FRkW3IGn.S9NPN0x50YhH1xhLsPuWGsUSklZt58jaTfF4ZEQpyUNGc0dqbpBYYBaHHrsX."},
		{"x", "$1$abcd$SwRG.yy0q6pJ8rg/8TwLf."},
		{"secret", "$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a"}, // and the next two by crypt(3)
		{"secret", "$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a"},
		{"secret", "$2a$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a"},
	} {
		h, err := ParseHash(tt.hash)
		if err != nil {
			t.Errorf("%s: %v", tt.hash, err)
			continue
		}
		if !h.Matches([]byte(tt.password)) {
			t.Errorf("%s is not the hash of %q", tt.hash, tt.password)
		}
		if h.Matches([]byte(tt.password + "x")) {
			t.Errorf("%s is the hash of another password", tt.hash)
		}
	}
}

// What another program makes is understood.
func TestHashesOfOpenSSL(t *testing.T) {
	bin := testpeer.Need(t, "openssl")
	for _, method := range []string{"-1", "-5", "-6"} {
		for _, password := range []string{"a", "correct horse battery staple", strings.Repeat("long", 40), "ü€"} {
			out, err := exec.Command(bin, "passwd", method, password).Output()
			if err != nil {
				t.Fatal(err)
			}
			h, err := ParseHash(strings.TrimSpace(string(out)))
			if err != nil || !h.Matches([]byte(password)) {
				t.Errorf("%s of %q: %s, %v", method, password, out, err)
			}
		}
	}
}

func TestBadHashes(t *testing.T) {
	for _, s := range []string{"", "secret", "$2y$10$abcdefghijklmnopqrstuu", "$2", "$2y$99$" + strings.Repeat("a", 53), "$2z$05$" + strings.Repeat("a", 53), "$2y$05$" + strings.Repeat("a", 54), "$2y$05$" + strings.Repeat("a", 52) + "!", "$5$salt", "$5$salt$short", "$5$rounds=x$s$y", "$6$rounds=1000", "$1$s$" + strings.Repeat("a", 21)} {
		if h, err := ParseHash(s); err == nil {
			t.Errorf("%q: %+v", s, h)
		}
	}
}

// A password that was right is known again, and a wrong one stays wrong.
func TestRightPasswordIsRemembered(t *testing.T) {
	l := NewList("l")
	h, err := ParseHash("$5$rounds=200000$saltstring$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	if err != nil {
		t.Fatal(err)
	}
	h.text = shaText(sha256.New(), []byte("right"), h.salt, h.rounds, order256[:])
	u := l.Add("u")
	u.SetHash(h)
	for range 3 {
		if l.Check([]byte("u"), []byte("right")) != u {
			t.Fatal("the right password is wrong")
		}
		if l.Check([]byte("u"), []byte("wrong")) != nil {
			t.Fatal("a wrong password is right")
		}
	}
	name, password := []byte("u"), []byte("right")
	if n := testing.AllocsPerRun(10, func() { l.Check(name, password) }); n > 0 {
		t.Errorf("%.0f allocations for a password that is known", n)
	}
	if l.Add("u") != nil {
		t.Error("a name twice")
	}
}
