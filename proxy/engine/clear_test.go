package engine_test

import "testing"

const clearConfig = `
global
    stats socket %[1]s/stats mode 600 level admin
defaults
    mode http
    timeout client 5s
    timeout server 5s
    timeout connect 5s
frontend fe
    bind unix@%[1]s/fe
    default_backend be
backend be
    server s1 127.0.0.1:1 check inter 50ms fall 2
`

// Failed checks and falls of servers are counted anew when counters are cleared; a backend
// keeps how often it has lost its last server.
func TestClearedCountersOfChecks(t *testing.T) {
	p := startPair(t, clearConfig)
	for name, dir := range map[string]string{"the reference": p.theirs, "the engine": p.ours} {
		row := func(of string) map[string]string { return cells(ask(t, dir+"/stats", "show stat"))[of] }
		waitFor(t, "a fall", func() bool { r := row("be/s1"); return r["chkdown"] == "1" && r["chkfail"] != "0" })
		ask(t, dir+"/stats", "clear counters")
		if s := row("be/s1"); s["chkdown"] != "1" || s["chkfail"] == "0" {
			t.Errorf("%s has forgotten more than the highest values: %v", name, s)
		}
		ask(t, dir+"/stats", "clear counters all")
		if s, b := row("be/s1"), row("be/BACKEND"); s["chkdown"] != "0" || s["chkfail"] != "0" || b["chkdown"] != "1" {
			t.Errorf("%s has %s falls, %s failed checks, %s of the backend", name, s["chkdown"], s["chkfail"], b["chkdown"])
		}
	}
}
