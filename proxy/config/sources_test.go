package config

import (
	"strings"
	"testing"

	"bench/proxy/spec"
)

const sourceFrame = "defaults\n timeout client 1s\n timeout connect 1s\n timeout server 1s\nbackend b\n "

func loadText(text string) (*spec.Config, Diagnostics) {
	return Load([]Source{{Name: "t.cfg", Text: []byte(text)}}, testEnv())
}

func TestSources(t *testing.T) {
	for text, want := range map[string]spec.Source{
		"source 127.0.0.9 usesrc client":                                      {As: spec.AsClient},
		"source 127.0.0.9 usesrc clientip interface lo":                       {As: spec.AsClientIP, Interface: "lo"},
		`source 127.0.0.9 interface lo usesrc "hdr_ip( x-f , -2 )"`:           {As: spec.AsHeader, Interface: "lo"},
		"source 127.0.0.9 usesrc 10.0.0.1:80":                                 {As: spec.AsOther},
		"source 127.0.0.9 usesrc hdr_ip(x,-10)":                               {As: spec.AsHeader},
		"source 127.0.0.9 usesrc hdr_ip(x,0)":                                 {As: spec.AsHeader},
		"source 127.0.0.9 usesrc hdr_ip(x) usesrc clientip":                   {As: spec.AsClientIP},
		"server s 127.0.0.1:1 source 127.0.0.9:1-5 usesrc client":             {As: spec.AsClient, LastPort: 5},
		"default-server source 127.0.0.9 usesrc client\nserver s 127.0.0.1:1": {As: spec.AsClient},
	} {
		cfg, diags := loadText(sourceFrame + strings.ReplaceAll(text, "\n", "\n ") + "\n")
		if diags.HasErrors() {
			t.Errorf("%s: %s", text, printed(diags))
			continue
		}
		got := cfg.Proxies[0].Source
		if len(cfg.Proxies[0].Servers) > 0 {
			got = cfg.Proxies[0].Servers[0].Source
		}
		if got.As != want.As || got.Interface != want.Interface || got.LastPort != want.LastPort {
			t.Errorf("%s: %+v", text, got)
		}
		if found := got.Header != nil; found != (want.As == spec.AsHeader && !strings.Contains(text, ",0)")) {
			t.Errorf("%s: a field is looked at: %v", text, found)
		}
		if named := got.AsAddr.IsValid(); named != (want.As == spec.AsOther) {
			t.Errorf("%s: address %s", text, got.AsAddr.String())
		}
	}
	for text, want := range map[string]string{
		"source 127.0.0.9 usesrc":                                       "'client', 'clientip', 'hdr_ip(<name>[,<occurrence>])' or an address after 'usesrc'",
		"source 127.0.0.9 interface":                                    "the name of a network interface",
		"source 127.0.0.9 usesrc hdr_ip(x":                              "'usesrc' expects 'hdr_ip(<name>[,<occurrence>])', not 'hdr_ip(x'",
		"source 127.0.0.9 usesrc hdr_ip()":                              "'usesrc' expects 'hdr_ip(<name>[,<occurrence>])', not 'hdr_ip()'",
		"source 127.0.0.9 usesrc hdr_ip(x,y)":                           "'usesrc' expects 'hdr_ip(<name>[,<occurrence>])', not 'hdr_ip(x,y)'",
		"source 127.0.0.9 usesrc hdr_ip(x,-11)":                         "'usesrc': occurrences from the end reach to -10, not '-11'",
		"source 127.0.0.9 usesrc /run/x":                                "is not an IP address",
		"source 127.0.0.9 clientip":                                     "'source' cannot handle unexpected argument 'clientip'",
		"server s 127.0.0.1:1 usesrc client":                            "'usesrc' is not supported in 'server': it belongs behind 'source'",
		"server s 127.0.0.1:1 namespace bench-none":                     "cannot open namespace 'bench-none'",
		"option tcp-check\ntcp-check connect ssl\nserver s 127.0.0.1:1": "verif",
	} {
		_, diags := loadText(sourceFrame + strings.ReplaceAll(text, "\n", "\n ") + "\n")
		if !diags.HasErrors() || !strings.Contains(printed(diags), want) {
			t.Errorf("%s: %s, want %s", text, printed(diags), want)
		}
	}
	for text, want := range map[string]string{
		"peers p\n peer a 127.0.0.1:1 source 127.0.0.9 usesrc client\n": "'usesrc' is not supported in 'peers'",
		"peers p\n peer a 127.0.0.1:1 namespace *\n":                    "'namespace *' is not supported in 'peers'",
		"namespace_list\n namespace bench-none\n":                       "cannot open namespace 'bench-none'",
		"namespace_list\n namespace a/b\n":                              "character '/' is not permitted in the name 'a/b' of a namespace",
		"namespace_list\n namespace\n":                                  "a name",
		"namespace_list x\n":                                            "x",
		"log-forward l\n bind 127.0.0.1:1 accept-netscaler-cip 5\n":     "are not supported in 'log-forward' sections",
		"frontend f\n bind 127.0.0.1:1 accept-netscaler-cip 0\n":        "'accept-netscaler-cip' expects an integer between 1 and 4294967295, not '0'",
	} {
		if _, diags := loadText(text); !diags.HasErrors() || !strings.Contains(printed(diags), want) {
			t.Errorf("%s: %s, want %s", text, printed(diags), want)
		}
	}
}
