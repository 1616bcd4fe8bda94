package wire

import (
	"strings"
	"testing"
)

func TestWhatHostsSayOfThemselves(t *testing.T) {
	good := func() Hello {
		return Hello{Name: "gen1", Address: "10.0.0.1", Kernel: "6.1", Labels: map[string]string{"zone": "a"}, Allow: []string{RoleLoad}}
	}
	for address, want := range map[string]string{
		"10.0.0.1": "10.0.0.1", "2001:DB8:0::1": "2001:db8::1", "::ffff:10.0.0.1": "10.0.0.1", "fe80::1%eth0": "fe80::1%eth0",
	} {
		h := good()
		if h.Address = address; h.Check() != nil || h.Address != want {
			t.Errorf("%s becomes %s: %v", address, h.Address, h.Check())
		}
	}
	// An address becomes part of configurations, where more than an address would be orders.
	for _, address := range []string{"", "px1", "10.0.0.1:80", "10.0.0.1\n    lua-load /tmp/x.lua", "10.0.0.1 check", "010.0.0.1", "$(id)", "fe80::1%a\n    lua-load x"} {
		h := good()
		if h.Address = address; h.Check() == nil {
			t.Errorf("%q is taken for an address", address)
		}
	}
	h := good()
	h.Kernel, h.Tool, h.Run, h.Instance = "\x1b[2J6.1\n", "\a", strings.Repeat("x", 10_000), "\u202e"
	h.Labels, h.Allow, h.Exec = map[string]string{"\x1b]0;x\a": "\u009b2J"}, []string{"\x1b"}, []string{"/bin/\r"}
	if err := h.Check(); err != nil {
		t.Fatal(err)
	}
	shown := h.Kernel + h.Tool + h.Run + h.Instance + h.Allow[0] + h.Exec[0]
	for key, value := range h.Labels {
		shown += key + value
	}
	if strings.ContainsAny(shown, "\x1b\a\n\r\u009b\u202e") || len(h.Run) > mostText+3 {
		t.Errorf("%q", shown)
	}
	h = good()
	h.Name = "gen1.>"
	if h.Check() == nil {
		t.Error("a name that is no part of a subject")
	}
	h = good()
	h.Exec = make([]string, mostLabels+1)
	if h.Check() == nil {
		t.Error("too much")
	}
	if got := Shown("äöü", 3); got != "ä..." {
		t.Errorf("cut to %q", got)
	}
	if got := Shown("one\n\ttwo", 100); got != "one\n\ttwo" {
		t.Errorf("%q", got)
	}
}
