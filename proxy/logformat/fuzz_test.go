package logformat

import (
	"bytes"
	"testing"

	"bench/proxy/sample"
	"bench/proxy/txn/txntest"
)

// Whatever a format is, it is refused or writes one line, also about nothing.
func FuzzFormat(f *testing.F) {
	for _, text := range []string{HTTPSFormat, TCPFormat, CLFFormat, ConnectFormat, "%{+Q,-M}o %{+X}ci%%%[path,lower]", "%{", "%[", "%{+E}[src", "a  %HQ  b", "%", "%[var(txn.a),json]"} {
		f.Add(text)
	}
	x := txntest.New(f, "GET /a?b=c HTTP/1.1\r\nHost: h\r\n\r\n", "")
	full := record(f)
	f.Fuzz(func(t *testing.T, text string) {
		for _, compile := range []func(string, *sample.Env) (*Format, error){CompileLog, CompileText, CompileRaw} {
			format, err := compile(text, env())
			if err != nil {
				continue
			}
			c := sample.NewContext(1024, 1)
			c.Txn = x
			w := Writer{Host: "vm", PID: 1}
			line := format.AppendLine([]byte("before"), &w, c, full)
			if !bytes.HasPrefix(line, []byte("before")) {
				t.Errorf("%q: what stood before is gone: %q", text, line)
			}
		}
	})
}
