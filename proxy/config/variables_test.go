package config

import (
	"strings"
	"testing"

	"bench/proxy/sample"
	"bench/proxy/txn"
)

// Variables of the process have their values when the configuration was read, and what
// needs a transaction is refused.
func TestProcessVariables(t *testing.T) {
	for line, want := range map[string]string{
		"set-var proc.x str(a),upper":                  "A",
		"set-var proc.x int(5)":                        "5",
		"set-var proc.x var(txn.none)":                 "",
		"set-var-fmt proc.x \"<%[str(a)]|%[int(5)]>\"": "<a|5>",
		"set-var proc.x src":                           "'src' has no value in the global section",
		"set-var proc.x str(a),nope":                   "unknown converter 'nope'",
		"set-var txn.x str(a)":                         "a variable of the process is expected, as proc.name",
		"set-var proc.x":                               "expects a variable and what it is set to",
		"set-var-fmt proc.x %ci":                       "aliases are about transactions, and there is none here",
		"set-var-fmt proc.x %[src]":                    "'src' has no value in the global section",
	} {
		p := newParser(SystemEnv("2.6.12"))
		p.file(&Source{Name: "t.cfg", Text: []byte("global\n" + line + "\n")})
		got := ""
		for i := range p.diags {
			got += p.diags[i].Msg
		}
		if got == "" {
			c := sample.NewContext(1024, 0)
			v := p.variables.Process.Declare("x").Get()
			if v.Kind != txn.None && c.Cast(&v, txn.Str) {
				got = string(v.B)
			}
		}
		if !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}
