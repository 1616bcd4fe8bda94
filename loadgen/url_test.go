package loadgen

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"
)

// A name with several addresses is reached by the one that takes connections.
func TestFirstAddressThatAnswers(t *testing.T) {
	for _, listen := range []string{"127.0.0.1:0", "[::1]:0"} {
		l, err := net.Listen("tcp", listen)
		if err != nil {
			t.Skip(err)
		}
		t.Cleanup(func() { l.Close() })
		_, port, _ := net.SplitHostPort(l.Addr().String())
		ips := []netip.Addr{netip.MustParseAddr("::1"), netip.MustParseAddr("127.0.0.1")}
		if got := firstOf(t.Context(), ips, port); got != l.Addr().String() {
			t.Errorf("%s, want %s", got, l.Addr())
		}
		l.Close()
		if got := firstOf(t.Context(), ips, port); got != "127.0.0.1:"+port {
			t.Errorf("%s of those that refuse, want the first of IPv4", got)
		}
	}
}

// Failures are told by the address, and zones are not sent.
func TestNamesAndZones(t *testing.T) {
	s := Spec{}
	if err := s.SetURL(context.Background(), "http://localhost:1/", ""); err != nil {
		t.Skip(err)
	}
	if want := "http://localhost:1/ at " + s.Targets[0]; s.Title != want || !strings.HasSuffix(s.Targets[0], ":1") {
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
