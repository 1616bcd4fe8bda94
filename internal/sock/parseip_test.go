package sock

import "testing"

func TestParseIP(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "::1": "::1", "[::1]": "::1", "::ffff:192.0.2.1": "::ffff:192.0.2.1",
		"": "", "fe80::1%lo": "", "[fe80::1%lo]": "", "[192.0.2.1]": "", "[::1": "", "::1]": "", "192.0.2": "", "192.0.2.1:80": "", "*": "", "localhost": "",
	} {
		ip, ok := ParseIP(text)
		if ok != (want != "") || ok && ip.String() != want {
			t.Errorf("%q is %v, %v, want %q", text, ip, ok, want)
		}
	}
}
