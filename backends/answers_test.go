package backends_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"

	"bench/backends/control"
	"bench/backends/httporigin"
	"bench/internal/dist"
	"bench/internal/integrity"
)

// get asks the first replica for path with headers of the form "Name: value".
func (r *rig) get(method, path string, headers ...string) (*http.Response, string) {
	r.t.Helper()
	q, err := http.NewRequestWithContext(r.t.Context(), method, "http://"+r.addr[0]+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		q.Header.Add(name, value)
	}
	resp, err := http.DefaultTransport.RoundTrip(q)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp, string(body)
}

func content(n int64) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = integrity.PayloadByte(int64(i))
	}
	return string(b)
}

// Entity tags, compression and trailers, as net/http understands them. It asks for
// gzip by itself and takes it off again unless a request says what it accepts.
func TestHTTPAnswers(t *testing.T) {
	const size = 40_000
	for _, framing := range []httporigin.Framing{httporigin.ByLength, httporigin.ByChunks, httporigin.ByClose} {
		r := start(t, func(o *options) {
			o.HTTP.Answer = httporigin.Answer{Body: dist.Size{}, Framing: framing, ETag: true, Gzip: true}
			o.HTTP.Answer.Body, _ = dist.ParseSize("40000")
			if framing == httporigin.ByChunks {
				o.HTTP.Answer.Trailers = []httporigin.Header{{Name: "X-Sum", Value: "abc"}, {Name: "X-End", Value: "1"}}
			}
		})
		plain, body := r.get("GET", "/", "Accept-Encoding: identity")
		if body != content(size) || plain.Header.Get("Content-Encoding") != "" || plain.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("framing %d: %d bytes, header %v", framing, len(body), plain.Header)
		}
		if framing == httporigin.ByChunks && (plain.Trailer.Get("X-Sum") != "abc" || plain.Trailer.Get("X-End") != "1") {
			t.Errorf("trailers %v", plain.Trailer)
		}
		packed, body := r.get("GET", "/")
		if !packed.Uncompressed || body != content(size) {
			t.Errorf("framing %d: compressed %t, %d bytes", framing, packed.Uncompressed, len(body))
		}
		whole, zipped := plain.Header.Get("ETag"), packed.Header.Get("ETag")
		if whole == "" || zipped == "" || whole == zipped {
			t.Errorf("tags %s and %s", whole, zipped)
		}
		for _, c := range []struct {
			method, accept, match string
			status                int
		}{
			{"GET", "identity", whole, 304},
			{"HEAD", "identity", `"no", W/` + whole, 304},
			{"GET", "identity", "*", 304},
			{"PUT", "identity", whole, 412},
			{"GET", "identity", zipped, 200},
			{"GET", "gzip;q=0.5, br", zipped, 304},
			{"GET", "gzip;q=0, *;q=0", zipped, 200},
			{"GET", "*", zipped, 304},
			{"GET", "identity", `"` + strings.Trim(whole, `"`), 200}, // no end
		} {
			resp, body := r.get(c.method, "/", "Accept-Encoding: "+c.accept, "If-None-Match: "+c.match)
			if resp.StatusCode != c.status || c.status == 304 && (body != "" || resp.Header.Get("ETag") == "") {
				t.Errorf("framing %d: %+v: status %d, %d bytes, tag %q", framing, c, resp.StatusCode, len(body), resp.Header.Get("ETag"))
			}
		}
		if resp, _ := r.get("GET", "/status/404", "If-None-Match: *"); resp.StatusCode != 404 || resp.Header.Get("ETag") != "" {
			t.Errorf("a missing page: status %d, tag %q", resp.StatusCode, resp.Header.Get("ETag"))
		}
		if resp, body := r.get("GET", "/bytes/100"); body != content(100) || !resp.Uncompressed {
			t.Errorf("/bytes/100: %q", body)
		}
	}
}

// What a request says is not mixed up with that of another on the same loop, nor with
// that of the request before it.
func TestConditionsAreOfTheirRequest(t *testing.T) {
	r := start(t, func(o *options) {
		o.HTTP.Answer.Body, _ = dist.ParseSize("100")
		o.HTTP.Answer.ETag = true
		o.HTTP.Answer.Latency, _ = dist.ParseDuration("20ms")
	})
	const known = "GET / HTTP/1.1\r\nHost: x\r\nIf-None-Match: \"64\"\r\n\r\n"
	a, b := r.dial(), r.dial()
	for range 3 {
		if _, err := io.WriteString(a, known); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(b, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		for c, want := range map[io.Reader]int{a: 304, b: 200} {
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil || resp.StatusCode != want {
				t.Fatalf("%v, %v, want %d", resp, err, want)
			}
			if _, err := io.Copy(io.Discard, resp.Body); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestScriptedAnswers(t *testing.T) {
	const odd = "HTTP/1.1 201 Odd\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok"
	r := start(t, func(o *options) {
		for _, text := range []string{
			`/odd=HTTP/1.1 201 Odd\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok`, `/none close=\x00\xff`,
		} {
			s, err := httporigin.ParseScripted(text)
			if err != nil {
				t.Fatal(err)
			}
			o.HTTP.Answer.Scripted = append(o.HTTP.Answer.Scripted, s)
		}
	})
	c := r.dial()
	ask := func(path string) {
		if _, err := io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	got := make([]byte, len(odd))
	for _, path := range []string{"/odd", "/odd?x=1"} { // the connection goes on
		ask(path)
		if _, err := io.ReadFull(c, got); err != nil || string(got) != odd {
			t.Fatalf("%q, %v", got, err)
		}
	}
	ask("/none")
	if rest, err := io.ReadAll(c); string(rest) != "\x00\xff" || err != nil {
		t.Errorf("%q, %v", rest, err)
	}
	if resp, _ := r.get("GET", "/odder"); resp.StatusCode != 200 {
		t.Errorf("another path: status %d", resp.StatusCode)
	}
	if k := r.class("-"); k.Received != 4 || k.Answered != 4 || k.Statuses["201"] != 2 {
		t.Errorf("counted %+v", k)
	}
	// Faults are stronger than scripts.
	r.apply(control.Fault{Kind: control.Error, For: "1m"})
	if resp, _ := r.get("GET", "/odd"); resp.StatusCode != 503 {
		t.Errorf("under a fault: status %d", resp.StatusCode)
	}
}

func TestBadAnswers(t *testing.T) {
	field := []httporigin.Header{{Name: "ETag", Value: "x"}}
	one := httporigin.Scripted{Path: "/a", Text: []byte("x")}
	for want, a := range map[string]httporigin.Answer{
		"trailers need chunked bodies":   {Trailers: field},
		"written by the origin itself":   {Headers: field, ETag: true},
		"path /a has two answers":        {Scripted: []httporigin.Scripted{one, one}},
		`invalid path "a"`:               {Scripted: []httporigin.Scripted{{Path: "a", Text: one.Text}}},
		"the answer of /b has 0 bytes":   {Scripted: []httporigin.Scripted{{Path: "/b"}}},
		"header Content-Encoding is wri": {Headers: []httporigin.Header{{Name: "Content-Encoding", Value: "br"}}, Gzip: true},
	} {
		if _, err := httporigin.NewConfig(httporigin.Options{Answer: a}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	for _, text := range []string{"/a", "/a shut=x", `/a=\q`} {
		if s, err := httporigin.ParseScripted(text); err == nil {
			t.Errorf("%s: %+v", text, s)
		}
	}
}

func TestEchoTellsTrailers(t *testing.T) {
	r := start(t, nil)
	c := r.dial()
	for _, piece := range []string{
		"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-A: b\r", "\nX-C:  d \r\n\r\n",
	} {
		if _, err := io.WriteString(c, piece); err != nil {
			t.Fatal(err)
		}
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	var e httporigin.Echo
	if err := json.NewDecoder(resp.Body).Decode(&e); err != nil {
		t.Fatal(err)
	}
	if len(e.Trailers) != 2 || e.Trailers[0] != [2]string{"X-A", "b"} || e.Trailers[1] != [2]string{"X-C", "d"} || e.Body != "abc" {
		t.Errorf("%+v", e)
	}
}

// As many interim responses as the path says come before the answer, whatever that is.
func TestInterimResponses(t *testing.T) {
	r := start(t, nil)
	for target, want := range map[string]int{"/interim/3": 200, "/interim/3/status/404/chunked/9": 404, "/interim/3/echo": 200} {
		q, err := http.NewRequest("GET", "http://"+r.addr[0]+target, nil)
		if err != nil {
			t.Fatal(err)
		}
		seen := 0
		trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, _ textproto.MIMEHeader) error {
			if code == 103 {
				seen++
			}
			return nil
		}}
		resp, err := http.DefaultTransport.RoundTrip(q.WithContext(httptrace.WithClientTrace(t.Context(), trace)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Error(err)
		}
		resp.Body.Close()
		if seen != 3 || resp.StatusCode != want {
			t.Errorf("%s: %d interim responses, then %d", target, seen, resp.StatusCode)
		}
	}
}
