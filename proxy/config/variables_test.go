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

// Limits of variables are known to whoever sets one.
func TestVariableLimits(t *testing.T) {
	cfg, diags := load(t, "global\n tune.vars.global-max-size 1\n tune.vars.proc-max-size 2\n tune.vars.sess-max-size 3\n tune.vars.txn-max-size 4\n tune.vars.reqres-max-size 5\n tune.vars.check-max-size 6\n")
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	l := &cfg.Variables.Limits
	if l.Global != 1 || l.Process != 2 || l.Session != 3 || l.Txn != 4 || l.Message != 5 || l.Check != 6 {
		t.Errorf("%d %d %d %d %d %d", l.Global, l.Process, l.Session, l.Txn, l.Message, l.Check)
	}
}

// A captured cookie is as long as it may be, wherever that is said.
func TestCookieLength(t *testing.T) {
	for lines, want := range map[string]int{"": 63, "global\n tune.http.cookielen 5\n": 5, "global\n tune.http.cookielen 200\n": 100} {
		const front = "defaults\n mode http\n timeout client 1s\n timeout connect 1s\n timeout server 1s\nfrontend f\n bind 127.0.0.1:80\n capture cookie sid len 100\n"
		for _, text := range []string{lines + front, front + lines} {
			cfg, diags := load(t, text)
			if diags.HasErrors() || cfg.Proxies[0].CookieCapture.Length != want {
				t.Errorf("%q: %v, want %d bytes", text, diags, want)
			}
		}
	}
}
