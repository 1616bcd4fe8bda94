package http1

import (
	"fmt"
	"testing"

	"bench/internal/integrity"
	"bench/loadgen/codec"
)

// checkedAnswers makes answers with a digest for a session.
type checkedAnswers struct {
	text []byte
	at   int
	sum  uint64
	body integrity.Body
}

func newCheckedAnswers(t testing.TB) *checkedAnswers {
	t.Helper()
	x, err := integrity.ParseExceptions(nil)
	if err != nil {
		t.Fatal(err)
	}
	head, body := "HTTP/1.1 200 OK\r\nX-Bench-Origin: web.1\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n", "hello"
	var h integrity.Head
	a := &checkedAnswers{sum: h.SumAnswer(x, 200, []byte(head+"\r\n")), body: integrity.BodyOf([]byte(body))}
	a.at = len(head) + len(integrity.Header) + 2
	a.text = []byte(head + integrity.Header + ": " + string(integrity.Append(nil, integrity.Digest{Body: a.body})) + " clients.000000000000\r\n\r\n" + body)
	return a
}

// to is the answer to a request.
func (a *checkedAnswers) to(o *codec.Order) []byte {
	integrity.PutHead(a.text[a.at:], integrity.Seal(a.sum+integrity.Bind(o.Digest), a.body))
	return a.text
}

func TestCheckingDoesNotAllocate(t *testing.T) {
	for name, r := range map[string]Request{
		"fixed":  {},
		"posted": {Method: "POST", Body: Body{Size: 100}},
		"varied": {Method: "POST", Path: "/{{seq}}", Headers: []Header{{"A", "{{hex 8}}"}}, Body: Body{Text: "{{letters 100}}", Template: true}},
	} {
		spec := newLoad()
		spec.Integrity, spec.HTTP = &codec.Integrity{}, Spec{Requests: []Request{r}}
		s := newTestSession(t, spec)
		s.Open()
		answers, o := newCheckedAnswers(t), codec.Order{Item: -1}
		var out []byte
		exchange := func() {
			out, _ = s.Request(out[:0], &o)
			s.Await(&o)
			o.Seq++
			if _, st := s.Feed(answers.to(&o)); st != codec.Done || s.Answer().Check != codec.Intact {
				t.Fatalf("%s: state %d, check %d", name, st, s.Answer().Check)
			}
		}
		exchange()
		exchange()
		if n := testing.AllocsPerRun(1000, exchange); n != 0 {
			t.Errorf("%s: %v allocations per request", name, n)
		}
	}
}

func BenchmarkHTTP1Checked(b *testing.B) {
	spec := newLoad()
	answers := newCheckedAnswers(b)
	for _, on := range []bool{false, true} {
		b.Run(fmt.Sprint(on), func(b *testing.B) {
			if spec.Integrity = nil; on {
				spec.Integrity = &codec.Integrity{}
			}
			s, err := New(&spec.Load, &spec.HTTP, nil)
			if err != nil {
				b.Fatal(err)
			}
			session, o := s.Session(0), codec.Order{Item: -1}
			session.Open()
			var out []byte
			b.ReportAllocs()
			for b.Loop() {
				out, _ = session.Request(out[:0], &o)
				session.Await(&o)
				o.Seq++
				if _, st := session.Feed(answers.to(&o)); st != codec.Done {
					b.Fatal(session.Answer().Detail)
				}
			}
		})
	}
}

// What is computed beforehand for requests that are all alike is what would be computed of
// each, whichever part of them a template could have been.
func TestFixedRequestsHaveTheDigestOfOthers(t *testing.T) {
	request := func(r Request, host string) string {
		spec := newLoad()
		spec.Integrity, spec.HTTP = &codec.Integrity{}, Spec{Host: host, Requests: []Request{r}}
		s := newTestSession(t, spec)
		s.Open()
		o := codec.Order{Item: -1, Seq: 7}
		out, _ := s.Request(nil, &o)
		return string(out)
	}
	fixed := request(Request{Path: "/7", Headers: []Header{{"A", "7"}}}, "h7")
	for name, got := range map[string]string{
		"path":  request(Request{Path: "/{{seq}}", Headers: []Header{{"A", "7"}}}, "h7"),
		"host":  request(Request{Path: "/7", Headers: []Header{{"A", "7"}}}, "h{{seq}}"),
		"field": request(Request{Path: "/7", Headers: []Header{{"A", "{{seq}}"}}}, "h7"),
	} {
		if got != fixed {
			t.Errorf("by a template of the %s: %q, else %q", name, got, fixed)
		}
	}
}
