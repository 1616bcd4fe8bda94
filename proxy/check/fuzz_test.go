package check

import (
	"testing"

	"bench/proxy/spec"
)

// FuzzProtocols has servers of all kinds, and agents, say anything. Whatever it is, each
// expectation comes to an end with it, and none looks behind it.
func FuzzProtocols(f *testing.F) {
	for _, seed := range []string{
		"+PONG\r\n", "\x16\x03\x00\x00\x04", "220 a\r\n250-b\r\n250 c\r\n221 d\r\n", "R\x00\x00\x00\x08\x00\x00\x00\x00", "E\x00\x00\x00\x08Sx\x00",
		"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00", "\x30\x84\xff\xff\xff\xff\x02\x01\x01\x61\xff\x0a\x01", "\x30\x82", "\x30\x0c\x02\x01\x01\x61\x84",
		"\x01\x00\x00\x00\x0a", "\x05\x00\x00\x02\xff\x15\x04#2", "\x00\x00\x00\x00\x00\x00\x00\x00", "\xff\xff\xff\x00",
		"\x00\x00\x00\x0f\x65\x00\x00\x00\x01\x00\x00\x07version\x08\x032.0", "\x00\x00\x00\x09\x65\x00\x00\x00\x01\x00\x00\xff\xff", "\xff\xff\xff\xff\x65",
		"up 75% maxconn:10 #why\n", "drain, ready maint\t-1% 99999999999999999999%\r", "#\n", "\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 || len(b) > maxAnswer {
			return
		}
		agent := Agent{Send: func() string { return "" }, Apply: func(*Report) string { return "" }}
		scripts := [][]step{agent.script().steps}
		for _, k := range []spec.CheckKind{spec.CheckRedis, spec.CheckMySQL, spec.CheckPgSQL, spec.CheckSMTP, spec.CheckLDAP, spec.CheckTLSHello, spec.CheckSPOP} {
			scripts = append(scripts, stepsOf(&spec.Check{Kind: k, User: "bench", Greeting: "HELO a"}))
		}
		for _, steps := range scripts {
			for n := 1; n <= len(b); n += 1 + len(b)/16 {
				follow(t, steps, b[:n], false)
			}
			follow(t, steps, b, true)
		}
	})
}

// follow lets expectations look at what has come, until one of them waits or is not met.
func follow(t *testing.T, steps []step, in []byte, ended bool) {
	t.Helper()
	d := dialogue{in: in, ended: ended}
	for i := range steps {
		if steps[i].expect == nil {
			continue
		}
		r := steps[i].expect(&d)
		if r.wait && ended {
			t.Fatalf("step %d waits for more behind %q", i, in)
		}
		if r.wait || r.bad {
			return
		}
	}
}
