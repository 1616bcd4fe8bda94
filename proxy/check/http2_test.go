package check

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"bench/proxy/spec"
)

// Checks that speak HTTP/2 see of a server what those of HTTP/1 would, and fail where it
// speaks something else.
func TestChecksOverHTTP2(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Protocols: new(http.Protocols), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.ProtoMajor != 2 || r.Host != "a.example" || string(body) != "hello" {
			w.WriteHeader(500)
			return
		}
		w.WriteHeader(map[string]int{"/": 200, "/no": 404}[r.URL.Path])
		_, _ = io.WriteString(w, strings.Repeat("all is ", 2000)+"well")
	})}
	srv.Protocols.SetUnencryptedHTTP2(true)
	go srv.Serve(l) //nolint:errcheck // it ends with the test
	t.Cleanup(func() { srv.Close() })
	h1 := listen(t, answering("HTTP/1.1 200 OK\r\n\r\n"))
	silent := listen(t, func(c *net.TCPConn) { _, _ = io.Copy(io.Discard, c) })
	ask := func(path string, expect ...spec.CheckStep) *spec.Check {
		return httpCheck(&spec.CheckRequest{Method: "POST", URI: path, Version: "HTTP/1.1", Headers: fields("Host", "a.example"), Body: "hello"}, expect...)
	}
	for _, c := range []struct {
		name  string
		check *spec.Check
		addr  string
		want  string
		code  int
	}{
		{"good", ask("/"), l.Addr().String(), "L7OK", 200},
		{"body", ask("/", expecting(spec.ExpectString, false, "is well")), l.Addr().String(), "L7OK", 200},
		{"404", ask("/no"), l.Addr().String(), "L7STS", 404},
		{"HTTP/1", ask("/"), h1, "SOCKERR", 0},
		{"silent", ask("/"), silent, "L7TOUT", 0},
	} {
		r := once(t, Config{Check: c.check, HTTP2: true, Inter: 10 * time.Second, Timeout: time.Second, Rise: 1, Fall: 1}, c.addr)
		if r.Status.String() != c.want || r.Code != c.code {
			t.Errorf("%s: %s %d, want %s %d", c.name, r.Status.String(), r.Code, c.want, c.code)
		}
	}
}
