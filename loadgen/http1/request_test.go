package http1

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"bench/loadgen/codec"
	"bench/loadgen/internal/loadtest"
)

// Requests are read back by another implementation.
func TestHTTP1RequestsAreUnderstood(t *testing.T) {
	big := strings.Repeat("0123456789", 5000)
	file := filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(file, []byte("seq={{seq}}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, path string
		request    Request
		body       string
		chunked    bool
	}{
		{"get", "/", Request{}, "", false},
		{"template path", "/a/7?u=3", Request{Path: "/a/{{seq}}?u={{user}}"}, "", false},
		{"text", "/", Request{Method: "POST", Body: Body{Text: "a=b&{{seq}}"}}, "a=b&{{seq}}", false},
		{"template", "/", Request{Method: "POST", Body: Body{Text: "a=b&{{seq}}", Template: true}}, "a=b&7", false},
		{"template without variables", "/", Request{Method: "POST", Body: Body{Text: "a=b", Template: true}}, "a=b", false},
		{"file", "/", Request{Method: "PUT", Body: Body{File: file}}, "seq={{seq}}", false},
		{"template file", "/", Request{Method: "PUT", Body: Body{File: file, Template: true}}, "seq=7", false},
		{"large", "/", Request{Method: "POST", Body: Body{Text: big}}, big, false},
		{"size", "/", Request{Method: "POST", Body: Body{Size: 20_000}}, strings.Repeat("x", 20_000), false},
		{"chunked", "/", Request{Method: "POST", Body: Body{Text: big, ChunkBytes: 999}}, big, true},
		{"one chunk", "/", Request{Method: "POST", Body: Body{Text: "abc", ChunkBytes: 4096}}, "abc", true},
		{"chunked template", "/", Request{Method: "POST", Body: Body{Text: "n={{seq}}&x=123456789", Template: true, ChunkBytes: 4}}, "n=7&x=123456789", true},
		{"empty chunked", "/", Request{Method: "POST", Body: Body{ChunkBytes: 10}}, "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			spec := newLoad()
			spec.HTTP.Requests = []Request{c.request}
			spec.HTTP.Requests[0].Headers = []Header{{"X-User", "u{{user}}"}}
			if wrong := spec.wrong(); wrong != "" {
				t.Fatal(wrong)
			}
			made, err := New(&spec.Load, &spec.HTTP, nil)
			if err != nil {
				t.Fatal(err)
			}
			s := made.Session(3)
			out, body := s.Request([]byte("before"), &codec.Order{Seq: 7, Item: -1})
			out = bytes.TrimPrefix(append(out, body...), []byte("before"))
			r := bufio.NewReader(bytes.NewReader(out))
			got, err := http.ReadRequest(r)
			if err != nil {
				t.Fatalf("%v in %q", err, out)
			}
			content, err := io.ReadAll(got.Body)
			if err != nil || string(content) != c.body || len(got.TransferEncoding) > 0 != c.chunked || got.RequestURI != c.path {
				t.Errorf("error %v, body %.40q, encoding %q, path %s", err, content, got.TransferEncoding, got.RequestURI)
			}
			if got.Header.Get("X-User") != "u3" || got.Header.Get(HeaderID) != "web.000000000007" || r.Buffered() > 0 {
				t.Errorf("headers %v, %d bytes more", got.Header, r.Buffered())
			}
			again, body := s.Request(nil, &codec.Order{Seq: 7, Item: -1})
			if again = append(again, body...); !bytes.Equal(again, out) {
				t.Errorf("the second try is %.80q, the first was %.80q", again, out)
			}
		})
	}
}

func TestExpectations(t *testing.T) {
	sum := sha256.Sum256([]byte("hello world"))
	good := "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nX-A: 1\r\nX-A: 2\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n"
	length, wrong := int64(11), int64(12)
	for _, c := range []struct {
		name   string
		expect Expect
		fault  codec.Cause
		detail string
	}{
		{"anything", Expect{}, codec.CauseNone, ""},
		{"status", Expect{Status: []int{201}}, codec.CauseStatus, ""},
		{"header", Expect{Headers: []Header{{"content-type", "text/*"}, {"X-a", "2"}, {"X-A", "*"}}}, codec.CauseNone, ""},
		{"other header", Expect{Headers: []Header{{"X-A", "3"}}}, codec.CauseHeader, "an expected header is missing or has another value"},
		{"no header", Expect{Headers: []Header{{"X-A", "1"}, {"X-B", "*"}}}, codec.CauseHeader, "an expected header is missing or has another value"},
		{"bytes", Expect{Bytes: &length}, codec.CauseNone, ""},
		{"other bytes", Expect{Bytes: &wrong}, codec.CauseBody, "body of another length"},
		{"checksum", Expect{SHA256: hex.EncodeToString(sum[:])}, codec.CauseNone, ""},
		{"other checksum", Expect{SHA256: strings.Repeat("0", 64)}, codec.CauseBody, "body of another checksum"},
		{"contains", Expect{Contains: "lo wor"}, codec.CauseNone, ""},
		{"contains all", Expect{Contains: "hello world"}, codec.CauseNone, ""},
		{"contains not", Expect{Contains: "hello  "}, codec.CauseBody, "body without the expected text"},
		{"contains more", Expect{Contains: "hello worldx"}, codec.CauseBody, "body without the expected text"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, size := range []int{1, 5, 1000} {
				spec := newLoad()
				spec.HTTP.Requests = []Request{{Expect: c.expect}}
				if wrong := spec.wrong(); wrong != "" {
					t.Fatal(wrong)
				}
				s := newTestSession(t, spec)
				s.Open()
				for range 2 { // the second answer is judged by itself
					s.Await(&codec.Order{Item: -1})
					_, st := loadtest.Feed(s, good, size)
					if a := s.Answer(); st != codec.Done || a.Fault != c.fault || a.Detail != c.detail {
						t.Errorf("in pieces of %d: state %d, fault %q, detail %q", size, st, a.Fault, a.Detail)
					}
				}
			}
		})
	}
}

func TestCookies(t *testing.T) {
	for _, c := range []struct {
		name string
		set  []string
		want string
	}{
		{"none", nil, ""},
		{"one", []string{"a=1"}, "Cookie: a=1\r\n"},
		{"two", []string{"a=1; Path=/; HttpOnly", " b = x y ;Max-Age=60"}, "Cookie: a=1; b=x y\r\n"},
		{"replaced", []string{"a=1", "b=2", "a=3"}, "Cookie: a=3; b=2\r\n"},
		{"taken back", []string{"a=1", "b=2", "c=3", "b=; Max-Age=0"}, "Cookie: a=1; c=3\r\n"},
		{"expired", []string{"a=1", "a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "b=1; expires=Thu, 01-Jan-1970 00:00:00 GMT"}, ""},
		{"max-age outranks expires", []string{"a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=5", "b=1; Max-Age=5; Expires=Thu, 01 Jan 1970 00:00:00 GMT"}, "Cookie: a=1; b=1\r\n"},
		{"later", []string{"a=1; Expires=Fri, 01 Jan 2100 00:00:00 GMT"}, "Cookie: a=1\r\n"},
		{"secure", []string{"a=1; Secure"}, ""},
		{"no pair", []string{"a", "=b", ";"}, ""},
		{"after one was taken back", []string{"a=11111", "a=; max-age=-1", "bb=2"}, "Cookie: bb=2\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var j jar
			for _, s := range c.set {
				j.set([]byte(s))
			}
			if got := string(j.append(nil)); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
	var j jar
	for i := range 100 {
		j.set([]byte("c" + strconv.Itoa(i) + "=1"))
	}
	if len(j.cookies) != maxCookies {
		t.Errorf("%d cookies kept", len(j.cookies))
	}
}
