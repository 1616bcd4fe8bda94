package config

import (
	"strings"
	"testing"
)

// What identifies something in a file of counters does so once, wherever the other one is.
func TestIdentifiersAreOfOne(t *testing.T) {
	long := strings.Repeat("g", 127)
	tests := []struct{ name, text, want string }{
		{"each its own", "frontend a\n guid x\n bind 127.0.0.1:1,127.0.0.1:2 guid-prefix y\nbackend b\n guid z\n server s 127.0.0.1:1 guid " + long, ""},
		{"two proxies", "frontend a\n guid x\n bind 127.0.0.1:1\nbackend b\n guid x", "the identifier 'x' of proxy 'b' is that of proxy 'a', too"},
		{"proxy and socket", "frontend a\n guid x-1\n bind 127.0.0.1:1,127.0.0.1:2 guid-prefix x", "the identifier 'x-1' of the socket '127.0.0.1:2' of 'a' is that of proxy 'a', too"},
		{"two lines", "frontend a\n bind 127.0.0.1:1 guid-prefix x\n bind 127.0.0.1:2 guid-prefix x", "the identifier 'x-0' of"},
		{"two servers", "backend a\n server s 127.0.0.1:1 guid x\nbackend b\n server s 127.0.0.1:1 guid x", "the identifier 'x' of server 'b/s' is that of server 'a/s', too"},
		{"of a template", "backend a\n server-template s 2 127.0.0.1:1 guid x", "the identifier 'x' of server 'a/s2'"},
		{"too long", "backend a\n guid " + long + "g", "at most 127 characters"},
		{"bad character", "backend a\n server s 127.0.0.1:1 guid a,b", "'a,b': invalid character ','"},
		{"empty", "backend a\n guid \"\"", "expects an identifier"},
		{"defaults", "defaults\n guid x", "'guid'"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := "defaults\n timeout client 1s\n timeout server 1s\n timeout connect 1s\n" + tt.text + "\n"
			_, diags := Load([]Source{{Name: "t.cfg", Text: []byte(text)}}, testEnv())
			if err := diags.Err(); tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("the configuration is answered with %v", err)
			}
		})
	}
}
