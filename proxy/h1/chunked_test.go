package h1

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net/http/httputil"
	"strings"
	"testing"
)

// walk feeds raw to a walker in pieces whose sizes cut decides, and returns what
// comes out, how much was consumed and the error.
func walk(raw []byte, mode ChunkMode, cut func(left int) int) (out []byte, used int, payload uint64, done bool, err *Error) {
	return walkTo(raw, mode, 0, cut)
}

func walkTo(raw []byte, mode ChunkMode, maxTrailer int, cut func(left int) int) (out []byte, used int, payload uint64, done bool, err *Error) {
	var c Chunked
	c.Start(mode, maxTrailer)
	for used < len(raw) && !c.Done() {
		n := min(max(cut(len(raw)-used), 1), len(raw)-used)
		piece := bytes.Clone(raw[used : used+n]) // its own array: writing past it would panic
		piece = piece[:n:n]
		r, w, err := c.Walk(piece)
		out = append(out, piece[:w]...)
		overwrite(piece)
		used += r
		if err != nil {
			return out, used, c.Payload(), false, err
		}
		if r < n && !c.Done() {
			panic("walker stopped before the end")
		}
	}
	if c.Done() {
		out = append(out, c.Tail()...)
	}
	return out, used, c.Payload(), c.Done(), nil
}

func whole(left int) int { return left }
func byByte(int) int     { return 1 }

func TestChunked(t *testing.T) {
	long := strings.Repeat("e", maxChunkExtension)
	for _, c := range []struct {
		name, raw, kept, stripped string
		done                      bool
		err                       *Error
	}{
		{"empty", "0\r\n\r\n", "0\r\n\r\n", "", true, nil},
		{"one", "5\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n", "hello", true, nil},
		{"hexadecimal", "a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n", "a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n", "01234567890123456789a", true, nil},
		{"leading zeros", "0005\r\nhello\r\n000\r\n\r\n", "0005\r\nhello\r\n000\r\n\r\n", "hello", true, nil},
		{"extensions", "5;a=b\r\nhello\r\n0 ; c=\"d;e\"\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n", "hello", true, nil},
		{"unfinished", "5\r\nhel", "5\r\nhel", "hel", false, nil},
		{"data of digits and CRLF", "6\r\n0\r\n\r\n1\r\n0\r\n\r\n", "6\r\n0\r\n\r\n1\r\n0\r\n\r\n", "0\r\n\r\n1", true, nil},
		{"next message untouched", "0\r\n\r\nGET /", "0\r\n\r\n", "", true, nil},
		{"trailer", "0\r\nX-A:  b \r\nY:c\r\n\r\n", "0\r\nx-a: b\r\ny: c\r\n\r\n", "", true, nil},
		{"forbidden trailers", "0\r\nContent-Length: 5\r\nX: y\r\nTransfer-Encoding: chunked\r\nhost: a\r\nContent-Range: x\r\n\r\n", "0\r\nx: y\r\n\r\n", "", true, nil},
		{"only forbidden trailers", "0\r\nCookie: a\r\n\r\n", "0\r\n\r\n", "", true, nil},

		{"no size", "\r\n", "", "", false, ErrChunkSize},
		{"not hexadecimal", "5g\r\n", "5", "", false, ErrChunkSize},
		{"signed", "+5\r\n", "", "", false, ErrChunkSize},
		{"negative", "-1\r\n", "", "", false, ErrChunkSize},
		{"0x", "0x5\r\n", "0", "", false, ErrChunkSize},
		{"blank first", " 5\r\n", "", "", false, ErrChunkSize},
		{"blank last", "5 \r\nhello", "5", "", false, ErrChunkSize},
		{"bare LF after the size", "5\nhello", "5", "", false, ErrChunkSize},
		{"bare CR after the size", "5\rhello", "5\r", "", false, ErrChunkSize},
		{"extension without size", ";a=b\r\n", "", "", false, ErrChunkSize},
		{"bare LF in an extension", "5;a\nhello\r\n", "5", "", false, ErrChunkExtension},
		{"bare CR in an extension", "5;a\rb\r\n", "5\r", "", false, ErrChunkSize},
		{"NUL in an extension", "5;\x00\r\n", "5", "", false, ErrChunkExtension},
		{"extension too long", "5;" + long + "\r\n", "5", "", false, ErrChunkExtension},
		{"largest size", "fffffffffffff\r\nx", "fffffffffffff\r\nx", "x", false, nil},
		{"size too large", "10000000000000\r\n", "1000000000000", "", false, ErrChunkOverflow},
		{"size wraps 64 bits", "10000000000000005\r\n", "1000000000000", "", false, ErrChunkOverflow},
		{"many zeros", strings.Repeat("0", 17) + "\r\n", strings.Repeat("0", 16), "", false, ErrChunkOverflow},
		{"content too long", "5\r\nhello!\r\n", "5\r\nhello", "hello", false, ErrChunkEnd},
		{"content too short", "5\r\nhell\r\n0\r\n\r\n", "5\r\nhell\r", "hell\r", false, ErrChunkEnd},
		{"bare LF after the content", "1\r\nx\n0\r\n\r\n", "1\r\nx", "x", false, ErrChunkEnd},
		{"bare CR after the content", "1\r\nx\r0\r\n\r\n", "1\r\nx\r", "x", false, ErrChunkEnd},
		{"bare LF after the last chunk", "0\r\n\n", "0\r\n", "", false, ErrTrailer},
		{"bare CR after the last chunk", "0\r\n\rx", "0\r\n\r", "", false, ErrTrailer},
		{"trailer without colon", "0\r\nfoo\r\n\r\n", "0\r\n", "", false, ErrTrailer},
		{"trailer with a blank name", "0\r\nfoo : x\r\n\r\n", "0\r\n", "", false, ErrTrailer},
		{"folded trailer", "0\r\na: b\r\n c\r\n\r\n", "0\r\n", "", false, ErrTrailer},
		{"bare LF in a trailer", "0\r\na: b\n\r\n", "0\r\n", "", false, ErrTrailer},
		{"bare CR in a trailer", "0\r\na: b\rc\r\n\r\n", "0\r\n", "", false, ErrTrailer},
		{"control character in a trailer", "0\r\na: \x01\r\n\r\n", "0\r\n", "", false, ErrTrailer},
		{"trailers too large", "0\r\n" + strings.Repeat("a: b\r\n", 3000), "0\r\n", "", false, ErrTrailerTooLarge},
	} {
		for mode, want := range map[ChunkMode]string{ChunkKeep: c.kept, ChunkStrip: c.stripped} {
			for name, cut := range map[string]func(int) int{"whole": whole, "by byte": byByte} {
				out, used, payload, done, err := walk([]byte(c.raw), mode, cut)
				if string(out) != want || done != c.done || err != c.err {
					t.Errorf("%s, mode %d, %s: %q done %v err %v, want %q %v %v", c.name, mode, name, out, done, err, want, c.done, c.err)
				}
				if c.err == nil && payload != uint64(len(c.stripped)) {
					t.Errorf("%s: payload %d", c.name, payload)
				}
				if c.done && c.name == "next message untouched" && used != len(c.raw)-len("GET /") {
					t.Errorf("%s: used %d", c.name, used)
				}
			}
		}
	}
}

// A valid body survives the walk whatever its chunks and however it is cut, and an
// independent reader agrees on the content.
func TestChunkedProperty(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var raw, content []byte
		for range rng.IntN(6) {
			data := make([]byte, 1+rng.IntN(300))
			for i := range data {
				data[i] = "\r\n0;aF"[rng.IntN(6)]
			}
			head := AppendChunkHead(nil, uint64(len(data)))
			if rng.IntN(3) == 0 {
				head = append(bytes.TrimSuffix(head, []byte("\r\n")), ";x=\"y\"\r\n"...)
			}
			raw = append(append(append(raw, head...), data...), ChunkEnd...)
			content = append(content, data...)
		}
		raw = append(raw, LastChunk[:3]...)
		for range rng.IntN(3) {
			raw = append(raw, "X-Trailer: value\r\n"...)
		}
		raw = append(raw, "\r\nNEXT"...)
		random := func(left int) int { return rng.IntN(left) }
		want, _, _, _, _ := walk(raw, ChunkKeep, whole)
		for _, cut := range []func(int) int{random, byByte} {
			out, used, payload, done, err := walk(raw, ChunkKeep, cut)
			if err != nil || !done || used != len(raw)-4 || payload != uint64(len(content)) || !bytes.Equal(out, want) {
				t.Fatalf("%q: used %d payload %d done %v err %v, out %q", raw, used, payload, done, err, out)
			}
			bare, _, _, _, err := walk(raw, ChunkStrip, cut)
			if err != nil || !bytes.Equal(bare, content) {
				t.Fatalf("%q: stripped %q, %v", raw, bare, err)
			}
		}
		back, err := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(want)))
		if err != nil || !bytes.Equal(back, content) {
			t.Fatalf("%q: reads as %q, %v", want, back, err)
		}
	}
}

func TestChunkedSkip(t *testing.T) {
	var c Chunked
	c.Start(ChunkKeep, 0)
	if _, _, err := c.Walk([]byte("a\r\nhi")); err != nil || c.InChunk() != 8 {
		t.Fatalf("%v, in chunk %d", err, c.InChunk())
	}
	c.Skip(8)
	if _, _, err := c.Walk([]byte("\r\n0\r\n\r\n")); err != nil || !c.Done() || c.Payload() != 10 {
		t.Fatalf("%v done %v payload %d", err, c.Done(), c.Payload())
	}
}

func TestAppendChunkHead(t *testing.T) {
	for n, want := range map[uint64]string{1: "1", 15: "f", 16: "10", 255: "ff", 65536: "10000", 1<<63 - 1: "7fffffffffffffff"} {
		if got := string(AppendChunkHead(nil, n)); got != want+"\r\n" {
			t.Errorf("%d: %q", n, got)
		}
	}
}
