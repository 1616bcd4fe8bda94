package sock

import "testing"

func TestPeer(t *testing.T) {
	for text, want := range map[string]string{
		"127.0.0.1:80":          "127.0.0.1:80",
		"[2001:db8::1]:65535":   "[2001:db8::1]:65535",
		"[::ffff:10.0.0.1]:443": "[::ffff:10.0.0.1]:443",
		"abns@client":           "unix@",
		"/run/client.sock":      "unix@",
	} {
		a, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		p := a.Peer()
		got := p.Addr()
		if got.String() != want || got.Family() != a.Family() || p.IsUnix() != a.IsUnix() || !a.IsUnix() && got != a {
			t.Errorf("%s came back as %s", text, got.String())
		}
	}
	if a := new(Peer).Addr(); a.IsValid() || new(Peer).IsUnix() || a != (Addr{}) {
		t.Errorf("the zero peer is %s", a.String())
	}
}
