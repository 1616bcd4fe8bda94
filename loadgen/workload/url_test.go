package workload

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// The addresses of a name begin with the one that takes connections.
func TestFirstAddressThatAnswers(t *testing.T) {
	for _, listen := range []string{"127.0.0.1:0", "[::1]:0"} {
		l, err := net.Listen("tcp", listen)
		if err != nil {
			t.Skip(err)
		}
		t.Cleanup(func() { l.Close() })
		_, port, _ := net.SplitHostPort(l.Addr().String())
		names := fixed{netip.MustParseAddr("::1"), netip.MustParseAddr("127.0.0.1")}
		both := []string{"127.0.0.1:" + port, "[::1]:" + port}
		want := slices.Clone(both)
		if listen == "[::1]:0" {
			slices.Reverse(want)
		}
		if got, err := resolve(t.Context(), names, "two.test", port); !slices.Equal(got, want) || err != nil {
			t.Errorf("%s, %v, want %s", got, err, want)
		}
		l.Close()
		if got, err := resolve(t.Context(), names, "two.test", port); !slices.Equal(got, both) || err != nil {
			t.Errorf("%s, %v of those that refuse, want %s", got, err, both)
		}
	}
}

// fixed is a resolver with one answer.
type fixed []netip.Addr

func (f fixed) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) { return f, nil }

// Failures are told by the address, and zones are not sent.
func TestNamesAndZones(t *testing.T) {
	s := Spec{}
	if err := s.SetURL(context.Background(), "http://localhost:1/", ""); err != nil {
		t.Skip(err)
	}
	if want := "http://localhost:1/ at " + strings.Join(s.Targets, ", "); s.Title != want || !strings.HasSuffix(s.Targets[0], ":1") {
		t.Errorf("title %q, want %q", s.Title, want)
	}
	for url, want := range map[string]string{
		"http://[fe80::1%25lo]:8080/": "[fe80::1]:8080", "http://[fe80::1%25lo]/": "[fe80::1]", "http://[::1]:80/": "[::1]:80", "http://x.test%3a/": "",
	} {
		s := Spec{}
		err := s.SetURL(context.Background(), url, "/socket")
		if err == nil && s.HTTP.Host != want || err != nil && want != "" {
			t.Errorf("%s: %v, host %q, want %q", url, err, s.HTTP.Host, want)
		}
	}
}
