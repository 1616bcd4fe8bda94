package integrity

import (
	"encoding/binary"
	"hash/crc32"
	"strings"
	"testing"
)

// What tells a message from another end to end is covered: no proxy may change it
// unless its scenario says so.
func TestFieldsOfTheMessageAreCovered(t *testing.T) {
	x := exceptions(t)
	for _, name := range []string{
		"Accept", "Accept-Encoding", "Accept-Language", "Authorization", "Cache-Control", "Content-Type", "Content-Encoding",
		"Content-Language", "Content-Location", "Content-Range", "Cookie", "Set-Cookie", "ETag", "Expires", "If-Match", "If-None-Match",
		"If-Modified-Since", "Last-Modified", "Link", "Location", "Origin", "Pragma", "Range", "Referer", "Retry-After", "User-Agent",
		"Vary", "WWW-Authenticate", "X-Forwarded", "X-Request-Id", "Digest",
	} {
		text := strings.Replace(plainRequest, "Accept: x", name+": new\r\nAccept: x", 1)
		if requestDigest(x, text) == requestDigest(x, plainRequest) {
			t.Errorf("%s can be added unnoticed", name)
		}
	}
}

// Texts of different lengths may have the same checksum, and anything followed by its
// checksum does: the length tells them apart.
func TestLengthTellsEqualChecksumsApart(t *testing.T) {
	withSum := func(text string) []byte {
		return binary.LittleEndian.AppendUint32([]byte(text), crc32.Checksum([]byte(text), castagnoli))
	}
	a, b := withSum("one"), withSum("another")
	if BodyOf(a).CRC != BodyOf(b).CRC {
		t.Fatal("these were to have the same checksum")
	}
	digest := func(value []byte) uint64 {
		var h Head
		h.BeginAnswer(exceptions(t), 200)
		h.Field([]byte("A"), value)
		return h.Sum()
	}
	if digest(a) == digest(b) {
		t.Error("fields with the same checksum have the same digest")
	}
	if BodyOf(a) == BodyOf(b) || Seal(1, BodyOf(a)) == Seal(1, BodyOf(b)) {
		t.Error("bodies with the same checksum have the same digest")
	}
}

// The digest of a head covers what it says of the body: nobody can put another digest
// of a body in its place.
func TestHeadSealsTheBody(t *testing.T) {
	was := Seal(1, Body{CRC: 2, Length: 3})
	for _, b := range []Body{{CRC: 9, Length: 3}, {CRC: 2, Length: 9}, {CRC: 3, Length: 2}} {
		if Seal(1, b) == was {
			t.Errorf("%+v for 2 and 3 is not noticed", b)
		}
	}
}

// An id is the same whether it is taken whole or behind a prefix that is known.
func TestIDBehindAPrefix(t *testing.T) {
	if whole, parts := IDTerm(Body{}, []byte("load.0042")), IDTerm(BodyOf([]byte("load.")), []byte("0042")); whole != parts {
		t.Errorf("%x in parts, %x whole", parts, whole)
	}
}

// An excepted cookie is excepted by its whole name.
func TestCookiesByTheirNames(t *testing.T) {
	x := exceptions(t, "cookie:a")
	cookie := func(text string) uint64 {
		return requestDigest(x, strings.Replace(plainRequest, "a=1; b=2", text, 1))
	}
	want := cookie("b=2")
	for text, same := range map[string]bool{"a=7; b=2": true, "b=2; a": true, "ab=1; b=2": false, "a-b=1; b=2": false, "A=1; b=2": false, "b=2; ba=1": false} {
		if (cookie(text) == want) != same {
			t.Errorf("cookies %q are taken for b=2: %v", text, !same)
		}
	}
	answer := func(text string) uint64 {
		return answerDigest(x, 200, "HTTP/1.1 200 OK\r\n"+text+"\r\n")
	}
	if answer("Set-Cookie: a; Path=/\r\n") != answer("") || answer("Set-Cookie: ab=1\r\n") == answer("") {
		t.Error("a Set-Cookie is not taken by its cookie's name")
	}
}

// A target with scheme and host and nothing behind them is "/" to the origin.
func TestTargetsInOriginForm(t *testing.T) {
	for target, want := range map[string]string{"http://h": "/", "http://h/": "/", "http://h/a?b=/c": "/a?b=/c", "/a://b": "/a://b", "*": "*", "h:443": "h:443"} {
		if got := string(originForm([]byte(target))); got != want {
			t.Errorf("%s is %s to an origin, want %s", target, got, want)
		}
	}
}

// A text that was cut is compared as far as it goes, one that was not to its end.
func TestCompareCutTexts(t *testing.T) {
	for _, c := range []struct {
		expected, got string
		cut           int
		at            int64 // -1: no difference
	}{
		{"abcdef", "abc", 3, -1},
		{"abcdef", "abc", 0, 3},
		{"abcdef", "abd", 3, 2},
		{"abc", "abc", 3, -1},
		{"abc", "abcdef", 0, 3},
		{"abc", "abcdef", 6, 3},
		{"ab", "abc", 3, 2},
		{"", "", 0, -1},
	} {
		d, ok := Compare([]byte(c.expected), []byte(c.got), c.cut)
		if ok != (c.at >= 0) || ok && d.Offset != c.at {
			t.Errorf("%q and %q, cut at %d: a difference at %d, %v; want it at %d", c.expected, c.got, c.cut, d.Offset, ok, c.at)
		}
	}
}

// A place in a canonical text is named by the line it is in, of which a line feed is
// the end.
func TestPartsOfATextAreNamed(t *testing.T) {
	text := []byte("GET /\na: 1\nbc: 2\n")
	for at, want := range map[int64]string{
		0: "request line", 5: "request line", 6: "field a", 10: "field a", 11: "field bc", 16: "field bc", 17: "end of the fields", 99: "end of the fields",
	} {
		if got := Part(text, at); got != want {
			t.Errorf("byte %d is in the %s, want %s", at, got, want)
		}
	}
	if got := Part([]byte("status 200\na: 1\n"), 7); got != "status" {
		t.Errorf("the status is called %s", got)
	}
}

// Bodies are lines that count up to their period, and then again from the beginning.
func TestPayloadIsLines(t *testing.T) {
	lines := strings.SplitAfter(string(Payload(0, PayloadPeriod+128)), "\n")
	for i, start := range map[int]string{0: "0000 ", 1: "0001 ", 16: "0010 ", 255: "00ff ", 256: "0000 ", 257: "0001 "} {
		if len(lines[i]) != 64 || !strings.HasPrefix(lines[i], start) {
			t.Errorf("line %d is %q, want 64 bytes that begin with %q", i, lines[i], start)
		}
	}
	if string(Payload(PayloadPeriod+70, 100)) != string(Payload(70, 100)) {
		t.Error("what comes behind a period is not what came before")
	}
	for _, n := range []int{0, 1, PayloadPeriod - 1, PayloadPeriod, PayloadPeriod + 1, 3*PayloadPeriod + 5} {
		if !IsPayload(BodyOf(Payload(0, n))) || n > 8 && IsPayload(BodyOf(Payload(1, n))) {
			t.Errorf("bodies of %d bytes are not told by their content", n)
		}
	}
}
