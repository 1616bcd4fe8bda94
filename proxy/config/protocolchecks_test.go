package config

import (
	"strings"
	"testing"

	"bench/proxy/spec"
)

// External checks are refused unless the global section allows them and it is clear what
// is to be run.
func TestExternalChecks(t *testing.T) {
	for _, c := range []struct{ global, lines, complaint string }{
		{"", "external-check command /bin/true\n", "needs 'external-check' in the global section"},
		{"external-check\n", "", "needs an 'external-check command'"},
		{"external-check\n", "external-check command true\n", "needs a whole path"},
		{"external-check\n", "external-check command true\nexternal-check path /bin\n", ""},
		{"external-check\n", "external-check command /bin/true\n", ""},
	} {
		text := "global\n" + c.global + "defaults\ntimeout connect 1s\ntimeout server 1s\nbackend b\noption external-check\n" + c.lines + "server s 127.0.0.1:1 check\n"
		cfg, diags := Load([]Source{{Name: "t.cfg", Text: []byte(text)}}, testEnv())
		said := ""
		for _, d := range diags {
			said += d.Msg
		}
		if c.complaint == "" {
			if said != "" || cfg.Proxies[0].Check.Kind != spec.CheckExternal {
				t.Errorf("%q %q: %s", c.global, c.lines, said)
			}
		} else if !strings.Contains(said, c.complaint) {
			t.Errorf("%q %q: %q does not say %q", c.global, c.lines, said, c.complaint)
		}
	}
}
