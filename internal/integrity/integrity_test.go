package integrity

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func exceptions(t testing.TB, items ...string) *Exceptions {
	t.Helper()
	x, err := ParseExceptions(items)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// requestDigest is that of a request head, its id included, without a body.
func requestDigest(x *Exceptions, head string) uint64 {
	var h Head
	sum, id := h.SumRequest(x, []byte(head))
	if id != nil {
		sum += IDTerm(Body{}, id)
	}
	return Seal(sum, Body{})
}

func answerDigest(x *Exceptions, status int, head string) uint64 {
	var h Head
	return Seal(h.SumAnswer(x, status, []byte(head)), Body{})
}

const plainRequest = "GET /a?b=c HTTP/1.1\r\nHost: h\r\nX-Bench-Id: a.1\r\nAccept: x\r\nAccept: y\r\nCookie: a=1; b=2\r\n\r\n"

func TestDigestsAreWrittenAndRead(t *testing.T) {
	for _, d := range []Digest{{}, {Head: 1<<64 - 1, Body: Body{1<<32 - 1, 1<<40 + 7}}, {Head: 0x0123456789abcdef, Body: BodyOf([]byte("hello"))}} {
		text := Append(nil, d)
		got, rest, ok := Parse(append(text, ";except=path"...))
		if !ok || got != d || string(rest) != ";except=path" {
			t.Errorf("%+v as %s: %+v, %q, %v", d, text, got, rest, ok)
		}
		if list, ok := CutExcept(rest); !ok || string(list) != "path" {
			t.Errorf("exceptions %q, %v", list, ok)
		}
	}
	good := string(Append(nil, Digest{Head: 5, Body: Body{6, 7}}))
	for _, text := range []string{"", good[:HeadDigits], good[:len(good)-1], "x" + good[1:], strings.ToUpper(strings.Replace(good, "5", "a", 1)), strings.Replace(good, "-", "+", 1), good[:len(good)-1] + strings.Repeat("9", 30)} {
		if d, _, ok := Parse([]byte(text)); ok {
			t.Errorf("%q is read as %+v", text, d)
		}
	}
}

func TestPermittedChanges(t *testing.T) {
	x := exceptions(t)
	want := requestDigest(x, plainRequest)
	for _, text := range []string{
		"\r\n" + plainRequest,
		strings.Replace(plainRequest, "HTTP/1.1", "HTTP/1.0", 1),
		strings.Replace(plainRequest, "/a?b=c", "http://other/a?b=c", 1),
		strings.Replace(plainRequest, "Host: h\r\n", "host:h \t\r\n", 1),
		strings.Replace(plainRequest, "Accept: x\r\nAccept: y\r\n", "Accept: x, y\r\n", 1),
		strings.Replace(plainRequest, "Host: h\r\nX-Bench-Id: a.1\r\n", "X-BENCH-ID: a.1\r\nHost: h\r\n", 1),
		strings.Replace(plainRequest, "Host", "Via: 1.1 x\r\nX-Forwarded-Anything: 1\r\nforwarded: for=a\r\nContent-Length: 9\r\nHost", 1),
	} {
		if got := requestDigest(x, text); got != want {
			t.Errorf("%q has another digest", text)
		}
		if a, b := CanonicalRequest(x, []byte(plainRequest)), CanonicalRequest(x, []byte(text)); !bytes.Equal(a, b) {
			t.Errorf("%q has another canonical text: %q, want %q", text, b, a)
		}
	}
	for _, name := range Permitted() {
		text := strings.Replace(plainRequest, "Host", strings.ToUpper(name)+": new\r\nHost", 1)
		if got := requestDigest(x, text); got != want {
			t.Errorf("%s is covered", name)
		}
	}
}

func TestOtherChanges(t *testing.T) {
	x := exceptions(t)
	want := requestDigest(x, plainRequest)
	for old, with := range map[string]string{
		"GET": "get", "/a?b=c": "/a?b=d", "Host: h": "Host: i", "a.1": "a.2", "Accept: x\r\nAccept: y": "Accept: y\r\nAccept: x",
		"Accept: x\r\n": "", "Cookie: a=1; b=2": "Cookie: a=1;b=2", "Cookie": "Cookies", "X-Bench-Id: a.1": "X-Bench-Id: a.1\r\nX-Bench-Id: a.1",
		"X-Bench-Id: a.1\r\n": "", "Accept: y": "Accept: y\r\nX-New:", "Accept: x": "Accept: x\r\nAccept:",
	} {
		text := strings.Replace(plainRequest, old, with, 1)
		if requestDigest(x, text) == want {
			t.Errorf("%q for %q has the same digest", with, old)
		}
		if d, ok := Compare(CanonicalRequest(x, []byte(plainRequest)), CanonicalRequest(x, []byte(text)), 0); !ok || bytes.Equal(d.Expected, d.Got) {
			t.Errorf("%q for %q: the difference is %+v", with, old, d)
		}
	}
	answer := "HTTP/1.1 200 OK\r\nA: b\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n"
	want = answerDigest(x, 200, answer)
	if answerDigest(x, 201, answer) == want || answerDigest(x, 200, strings.Replace(answer, "A: b", "A: c", 1)) == want ||
		answerDigest(x, 200, strings.Replace(answer, "a=1\r\nSet-Cookie: b=2", "b=2\r\nSet-Cookie: a=1", 1)) == want {
		t.Error("a change of an answer has the same digest")
	}
	if answerDigest(x, 200, strings.Replace(answer, "200 OK", "200 Fine", 1)) != want {
		t.Error("the reason phrase is covered")
	}
}

func TestExceptions(t *testing.T) {
	for _, c := range []struct{ except, old, with string }{
		{"path", "/a?b=c", "/other"},
		{"accept", "Accept: x\r\n", ""},
		{"X-*", "Host", "x-new: 1\r\nHost"},
		{"cookie:a", "a=1; b=2", "b=2"},
		{"cookie:a", "a=1; b=2", "b=2; a=7"},
		{"cookie:c", "a=1; b=2", "a=1; b=2; c=3"},
		{"compression", "Host", "Accept-Encoding: gzip\r\nHost"},
	} {
		text := strings.Replace(plainRequest, c.old, c.with, 1)
		without, with := exceptions(t), exceptions(t, c.except)
		if requestDigest(without, text) == requestDigest(without, plainRequest) {
			t.Errorf("%s: the change is not noticed without the exception", c.except)
		}
		if requestDigest(with, text) != requestDigest(with, plainRequest) {
			t.Errorf("%s: the change is noticed", c.except)
		}
		if a, b := CanonicalRequest(with, []byte(text)), CanonicalRequest(with, []byte(plainRequest)); !bytes.Equal(a, b) {
			t.Errorf("%s: canonical texts %q and %q", c.except, a, b)
		}
	}
	x := exceptions(t, "cookie:a", "status")
	if answerDigest(x, 200, "HTTP/1.1 200 OK\r\nSet-Cookie: a=1; path=/\r\n\r\n") != answerDigest(x, 304, "HTTP/1.1 304 OK\r\n\r\n") {
		t.Error("an excepted cookie or status of an answer is covered")
	}
	if x := exceptions(t, "body"); x.RequestBody() || x.AnswerBody() {
		t.Error("an excepted body is covered")
	}
	if x := exceptions(t, "compression"); !x.RequestBody() || x.AnswerBody() {
		t.Error("compression concerns the bodies of answers alone")
	}
	if exceptions(t, "request").Binds() {
		t.Error("an answer is bound to its request in spite of the exception")
	}
	for _, bad := range []string{"", "a b", "cookie:", "*", "X-Bench-Id", "a,b", strings.Repeat("a", maxExceptions+1)} {
		if _, err := ParseExceptions([]string{bad}); err == nil {
			t.Errorf("%q is taken for an exception", bad)
		}
	}
	again, err := ReadExceptions(exceptions(t, "path", "X-A", "cookie:b").text)
	if err != nil || !again.path || len(again.names) != 1 || !slices.Equal(again.cookies, []string{"b"}) {
		t.Errorf("a list read from its text: %+v, %v", again, err)
	}
}

func TestBodiesInPieces(t *testing.T) {
	whole := Payload(0, 5000)
	var pieces Body
	for at := 0; at < len(whole); {
		n := min(len(whole)-at, 1+rand.IntN(700))
		pieces.Add(whole[at : at+n])
		at += n
	}
	if pieces != BodyOf(whole) {
		t.Errorf("%+v in pieces, %+v at once", pieces, BodyOf(whole))
	}
}

// field is one of a generated head.
type field struct{ name, value string }

func render(first string, fields []field) string {
	text := first + "\r\n"
	for _, f := range fields {
		text += f.name + ":" + f.value + "\r\n"
	}
	return text + "\r\n"
}

// FuzzDigest makes a head of the input and changes it: what a proxy may do leaves the
// digest and the canonical text as they are, anything else changes both.
func FuzzDigest(f *testing.F) {
	f.Add("/a", "Accept\nx\nAccept\ny\nCookie\na=1", uint64(1), "cookie:a")
	f.Add("/", "A\n1\nB\n2\nC\n3", uint64(7), "")
	f.Add("/x?y", "Host\nh\nX-Bench-Id\na.1\nVia\nz", uint64(3), "path,X-*")
	f.Fuzz(func(t *testing.T, target, text string, seed uint64, except string) {
		x, err := ReadExceptions(except)
		if err != nil || !strings.HasPrefix(target, "/") || strings.ContainsAny(target, " \r\n\t\x00") {
			return
		}
		var fields []field
		words := strings.Split(text, "\n")
		for i := 0; i+1 < len(words); i += 2 {
			name, value := words[i], strings.Trim(words[i+1], " \t")
			if name == "" || strings.IndexFunc(name, notToken) >= 0 || strings.ContainsAny(value, "\r\x00") {
				return
			}
			fields = append(fields, field{name, value})
		}
		first := "GET " + target + " HTTP/1.1"
		plain := render(first, fields)
		want, canonical := requestDigest(x, plain), CanonicalRequest(x, []byte(plain))
		r := rand.New(rand.NewPCG(seed, 1))
		same := func(what, changed string) {
			if requestDigest(x, changed) != want || !bytes.Equal(CanonicalRequest(x, []byte(changed)), canonical) {
				t.Fatalf("%s is noticed: %q became %q", what, plain, changed)
			}
		}
		same("what is permitted", render("GET http://x"+target+" HTTP/1.0", permitted(r, fields)))
		for range 8 {
			changed, what := damage(r, plain)
			// A canonical text that stays is a change that is permitted or excepted.
			noticed := requestDigest(x, changed) != want
			if differs := !bytes.Equal(CanonicalRequest(x, []byte(changed)), canonical); noticed != differs {
				t.Fatalf("%s: digest differs %v, canonical text %v: %q became %q", what, noticed, differs, plain, changed)
			}
		}
	})
}

// permitted changes what a proxy may: the order of different names, case, white space,
// its own fields, several fields of one name as one.
func permitted(r *rand.Rand, fields []field) []field {
	order := map[string]int{}
	for _, f := range fields {
		name := strings.ToLower(f.name)
		if _, ok := order[name]; !ok {
			order[name] = r.IntN(1000)
		}
	}
	out := slices.Clone(fields)
	slices.SortStableFunc(out, func(a, b field) int {
		x, y := strings.ToLower(a.name), strings.ToLower(b.name)
		if x == y {
			return 0
		}
		return (order[x] - order[y]) * 2
	})
	for i := range out {
		if r.IntN(2) == 0 {
			out[i].name = strings.ToUpper(out[i].name)
		}
		out[i].value = strings.Repeat(" ", r.IntN(3)) + out[i].value + strings.Repeat("\t", r.IntN(3))
	}
	return append(out, field{"Via", "1.1 x"}, field{"X-Forwarded-For", "1.2.3.4"}, field{"Connection", "close"})
}

// damage changes one byte of a head, but for its line ends and colons.
func damage(r *rand.Rand, text string) (changed, what string) {
	b := []byte(text)
	for range 100 {
		i := r.IntN(len(b))
		if strings.IndexByte("\r\n: \t", b[i]) >= 0 {
			continue
		}
		was := b[i]
		b[i] = "abcdefghijklmnopqrstuvwxyz0123456789-ABCXYZ"[r.IntN(43)]
		return string(b), fmt.Sprintf("%q for %q at %d", b[i], was, i)
	}
	return text, "nothing"
}

func BenchmarkSumRequest(b *testing.B) {
	x := exceptions(b)
	var h Head
	b.ReportAllocs()
	for b.Loop() {
		h.SumRequest(x, []byte(plainRequest))
	}
}
