package engine_test

import (
	"strings"
	"testing"
)

// TestExpressionsOfNobody evaluates expressions that belong to no transaction, those among
// them that ask for one.
func TestExpressionsOfNobody(t *testing.T) {
	dir := t.TempDir()
	startConfig(t, `
global
    stats socket `+dir+`/stats level admin
    nbthread 2
defaults
    mode http
    timeout client 1s
    timeout server 1s
    timeout connect 1s
backend be
    stick-table type string size 10
    server s 127.0.0.1:1
`)
	set := func(text string) string {
		return strings.TrimSpace(ask(t, dir+"/stats", "experimental-mode on; set var proc.x "+text))
	}
	for text, want := range map[string]string{
		"int(5),add(2)": "type=sint value=<7>", "str(a),upper": "type=str value=<A>", "int(3),set-var(sess.a),set-var(txn.b),add(1)": "type=sint value=<4>",
		"str(be/s),srv_queue": "type=sint value=<0>", "fmt x%[str(y)]%[int(1)]": "type=str value=<xy1>", "fmt [%ci]": "type=str value=<[]>",
	} {
		if said := set(text); said != "" {
			t.Errorf("%s: %q", text, said)
		}
		if got := ask(t, dir+"/stats", "get var proc.x"); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"src": "has no value", "path": "has no value", "int(a)": "int", "str(a),nosuch": "nosuch", "nosuch": "nosuch", "str(a": "", "fmt %[src]": "has no value",
		"int(3),set-var(proc.": "", "str(x),in_table(be)": "", "nbsrv(be)": "", "req.hdr(a)": "has no value", "str(x),map(/nowhere)": "", "unique-id": "has no value", "str(),add(1)": "",
	} {
		if said := set(text); said == "" || !strings.Contains(said, want) {
			t.Errorf("%s: %q, want %q", text, said, want)
		}
	}
	if got := ask(t, dir+"/stats", "get var proc.x"); !strings.Contains(got, "proc.x: type=") {
		t.Errorf("what failed has changed the variable: %q", got)
	}
}

// TestVariablesOfTheProcess: what a rule has set is shown by the runtime API, and what that
// has set is seen by rules.
func TestVariablesOfTheProcess(t *testing.T) {
	dir := t.TempDir()
	startConfig(t, `
global
    stats socket `+dir+`/stats level admin
    nbthread 2
defaults
    mode http
    timeout client 5s
    timeout server 1s
    timeout connect 1s
frontend fe
    bind unix@`+dir+`/fe
    http-request set-var(proc.path) path
    http-request return status 200 content-type text/plain lf-string "<%[var(proc.told)]>"
`)
	get := func(path string) string { return ask(t, dir+"/fe", "GET "+path+" HTTP/1.0\r\n\r") }
	if got := get("/first"); !strings.HasSuffix(got, "<>") {
		t.Errorf("before it was set: %q", got)
	}
	if got := ask(t, dir+"/stats", "get var proc.path"); got != "proc.path: type=str value=</first>\n" {
		t.Errorf("%q", got)
	}
	if got := ask(t, dir+"/stats", "experimental-mode on; set var proc.told fmt %[var(proc.path)]!"); strings.TrimSpace(got) != "" {
		t.Errorf("%q", got)
	}
	if got := get("/second"); !strings.HasSuffix(got, "</first!>") {
		t.Errorf("after it was set: %q", got)
	}
}
