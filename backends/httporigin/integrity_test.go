package httporigin

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"bench/backends/origintest"
	"bench/internal/dist"
	"bench/internal/integrity"
)

// withDigest gives a request its digest.
func withDigest(head, body string) []byte {
	var h integrity.Head
	sum, id := h.SumRequest(nothing, []byte(head))
	d := integrity.Digest{Body: integrity.BodyOf([]byte(body))}
	d.Head = integrity.Seal(sum+integrity.IDTerm(integrity.Body{}, id), d.Body)
	line := integrity.Header + ": " + string(integrity.Append(nil, d)) + "\r\n\r\n"
	return []byte(strings.TrimSuffix(head, "\r\n") + line + body)
}

const checkedHead = "POST / HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nX-Bench-Id: web.000000012345\r\nContent-Length: 5\r\n\r\n"

// TestCheckingAllocatesNothing serves requests with a digest.
func TestCheckingAllocatesNothing(t *testing.T) {
	for _, w := range works(t) {
		t.Run(w.name, func(t *testing.T) {
			c := origintest.Dial(t, serve(t, w.answer))
			request := withDigest(checkedHead, "hello")
			c.Write(request)
			answer := string(c.Read())
			if !strings.Contains(answer, integrity.Header) || strings.Contains(answer, integrity.HeaderReceived) {
				t.Fatalf("the request was not what was sent: %q", answer)
			}
			origintest.NoAllocations(t, c, request, len(answer))
		})
	}
}

// TestAlteredRequests wants each change told, and what came in its place.
func TestAlteredRequests(t *testing.T) {
	good := string(withDigest(checkedHead, "hello"))
	for name, c := range map[string]struct{ old, with, what string }{
		"method":           {"POST", "POSS", "head"},
		"target":           {"/ HTTP", "/a HTTP", "head"},
		"id":               {"000012345", "000012346", "head"},
		"digest":           {integrity.Header + ": ", integrity.Header + ": 0", "head"},
		"two digests":      {"X-Bench-Id", integrity.Header + ": 0\r\nX-Bench-Id", "head"},
		"exceptions":       {"-5\r\n", "-5;except=(\r\n", "head"},
		"new exceptions":   {"-5\r\n", "-5;except=host\r\n", "head"},
		"something behind": {"-5\r\n", "-5 x\r\n", "head"},
		"body":             {"hello", "hallo", "body"},
		"no host":          {"Host: 127.0.0.1:8000\r\n", "", "raw"},
		"no request":       {" HTTP/1.1", " HTTP/1!1", "raw"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(good, c.old, c.with, 1)
			if text == good {
				t.Fatal("nothing was changed")
			}
			// After a good one, which makes most of the head a known one.
			client := origintest.Dial(t, serve(t, Answer{Body: dist.FixedSize(10)}))
			for _, request := range []string{good, text, good} {
				client.Write([]byte(request))
				answer := string(client.Read())
				want := fmt.Sprintf("\r\n%s: %s=", integrity.HeaderReceived, c.what)
				if got := strings.Contains(answer, want); got != (request == text) {
					t.Errorf("request %q, answer %q", request, answer)
				}
				if c.what == "raw" && request == text {
					break // the origin closes
				}
			}
		})
	}
}

// received is what an answer says to have come in place of a request.
func received(t *testing.T, answer string) string {
	t.Helper()
	_, line, _ := strings.Cut(answer, "\r\n"+integrity.HeaderReceived+": ")
	line, _, _ = strings.Cut(line, "\r\n")
	kind, text, _ := strings.Cut(line, "=")
	got, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return kind + " " + string(got)
}

// What is told of a body is that of the request it came with, not of one before.
func TestAlteredBodiesAreToldApart(t *testing.T) {
	good := string(withDigest(checkedHead, "hello"))
	client := origintest.Dial(t, serve(t, Answer{Body: dist.FixedSize(10)}))
	for _, body := range []string{"hallo", "hullo", "jello"} {
		client.Write([]byte(strings.Replace(good, "hello", body, 1)))
		if got, want := received(t, string(client.Read())), "body 5 "+body; got != want {
			t.Errorf("the answer tells of %q, want %q", got, want)
		}
	}
}

// Of two digests nobody knows which one was sent, even if they say the same.
func TestTwoDigestsAreNone(t *testing.T) {
	good := string(withDigest(checkedHead, "hello"))
	_, line, _ := strings.Cut(good, "\r\n"+integrity.Header)
	line, _, _ = strings.Cut(line, "\r\n")
	client := origintest.Dial(t, serve(t, Answer{Body: dist.FixedSize(10)}))
	client.Write([]byte(strings.Replace(good, "\r\n", "\r\n"+integrity.Header+line+"\r\n", 1)))
	if got := received(t, string(client.Read())); !strings.HasPrefix(got, "head ") {
		t.Errorf("the answer tells of %q", got)
	}
}

func BenchmarkServeChecked(b *testing.B) {
	addr := serve(b, Answer{Body: dist.FixedSize(128)})
	c := origintest.Dial(b, addr)
	request := withDigest(checkedHead, "hello")
	c.Write(request)
	origintest.Measure(b, c, request, len(c.Read()))
}
