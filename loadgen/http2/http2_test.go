package http2

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"bench/internal/h2wire"
	"bench/loadgen/codec"
	"bench/loadgen/http1"
)

func newSession(t testing.TB, s Spec, h http1.Spec) *session {
	t.Helper()
	c, err := New(&codec.Load{Name: "web", Targets: []string{"127.0.0.1:80"}}, &s, &h, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	return c.Session(0).(*session)
}

// frame appends a frame.
func frame(dst []byte, f h2wire.Frame, payload string) []byte {
	f.Length = len(payload)
	return append(h2wire.AppendFrame(dst, f), payload...)
}

// answer appends an answer in frames that are cut and padded as they may be.
func answer(dst []byte, stream uint32, status int, body string) []byte {
	block := string(h2wire.AppendAnswer(nil, fmt.Appendf(nil, "HTTP/1.1 %d x\r\ncontent-length: %d\r\nx-bench-origin: web.1\r\n\r\n", status, len(body))))
	dst = frame(dst, h2wire.Frame{Type: h2wire.Headers, Flags: h2wire.Padded | h2wire.HasOrder, Stream: stream}, "\x02\x00\x00\x00\x00\x01"+block[:1]+"\x00\x00")
	dst = frame(dst, h2wire.Frame{Type: h2wire.Continuation, Flags: h2wire.EndHeaders, Stream: stream}, block[1:])
	dst = frame(dst, h2wire.Frame{Type: h2wire.Data, Flags: h2wire.Padded, Stream: stream}, "\x03"+body[:len(body)/2]+"\x00\x00\x00")
	dst = frame(dst, h2wire.Frame{Type: 0x2a, Stream: stream}, "of a type that nobody knows")
	return frame(dst, h2wire.Frame{Type: h2wire.Data, Flags: h2wire.EndStream, Stream: stream}, body[len(body)/2:])
}

var hello = string(frame(nil, h2wire.Frame{Type: h2wire.Settings}, ""))

// outcomes feeds p in pieces of so many bytes and tells what comes of it.
func outcomes(s *session, p string, size int) (all []string) {
	for len(p) > 0 {
		piece := []byte(p[:min(size, len(p))])
		for {
			n, st := s.Feed(piece)
			a := s.Answer()
			p, piece = p[n:], piece[n:]
			switch st {
			case codec.Done:
				all = append(all, fmt.Sprintf("slot %d: %d, %d bytes, %v", s.Slot(), a.Status, a.Bytes, a.Fault))
			case codec.Lost:
				all = append(all, fmt.Sprintf("slot %d: %d %v: %s, unserved %v", s.Slot(), a.Status, a.Fault, a.Detail, a.Unserved))
			case codec.Broken:
				return append(all, "broken: "+a.Detail)
			default:
			}
			if st == codec.More {
				break
			}
		}
	}
	return all
}

// Answers come in any order, and mixed, and are the same in pieces of any size.
func TestAnswers(t *testing.T) {
	mixed := answer(answer(nil, 5, 200, "one answer"), 1, 404, strings.Repeat("x", 500))
	for name, c := range map[string]struct {
		from []byte
		want []string
	}{
		"out of order": {mixed, []string{"slot 2: 200, 10 bytes, ", "slot 0: 404, 500 bytes, 4xx"}},
		"no body": {
			frame(nil, h2wire.Frame{Type: h2wire.Headers, Flags: h2wire.EndHeaders | h2wire.EndStream, Stream: 3}, "\x89"),
			[]string{"slot 1: 204, 0 bytes, "},
		},
		"interim, and trailers": {
			frame(frame(frame(frame(nil, h2wire.Frame{Type: h2wire.Headers, Flags: h2wire.EndHeaders, Stream: 1}, "\x08\x03103"),
				h2wire.Frame{Type: h2wire.Headers, Flags: h2wire.EndHeaders, Stream: 1}, "\x88"),
				h2wire.Frame{Type: h2wire.Data, Stream: 1}, "without a length"),
				h2wire.Frame{Type: h2wire.Headers, Flags: h2wire.EndHeaders | h2wire.EndStream, Stream: 1}, "\x00\x01a\x01b"),
			[]string{"slot 0: 200, 16 bytes, "},
		},
		"reset":        {h2wire.AppendReset(nil, 3, h2wire.Cancel), []string{"slot 1: 0 reset-after: RST_STREAM: CANCEL, unserved false"}},
		"refused":      {h2wire.AppendReset(nil, 3, h2wire.RefusedStream), []string{"slot 1: 0 reset-after: RST_STREAM: REFUSED_STREAM, unserved true"}},
		"reset within": {h2wire.AppendReset(frame(nil, h2wire.Frame{Type: h2wire.Headers, Flags: h2wire.EndHeaders, Stream: 1}, "\x88"), 1, 77), []string{"slot 0: 200 truncated: RST_STREAM: an unknown code, unserved false"}},
		"goes away":    {h2wire.AppendGoAway(nil, 1, h2wire.NoError), []string{"slot 1: 0 : GOAWAY: NO_ERROR, unserved true", "slot 2: 0 : GOAWAY: NO_ERROR, unserved true"}},
		"trailers, no end": {
			frame(frame(nil, h2wire.Frame{Type: h2wire.Headers, Flags: h2wire.EndHeaders, Stream: 1}, "\x88"), h2wire.Frame{Type: h2wire.Headers, Flags: h2wire.EndHeaders, Stream: 1}, "\x00\x01a\x01b"),
			[]string{"slot 0: 200 protocol: trailers that do not end the stream, unserved false"},
		},
		"too short":       {frame(frame(nil, h2wire.Frame{Type: h2wire.Headers, Flags: h2wire.EndHeaders, Stream: 1}, "\x88\x0f\x0d\x0210"), h2wire.Frame{Type: h2wire.Data, Flags: h2wire.EndStream, Stream: 1}, "abc"), []string{"slot 0: 200 truncated: the stream ended within the response, unserved false"}},
		"too long":        {frame(frame(nil, h2wire.Frame{Type: h2wire.Headers, Flags: h2wire.EndHeaders, Stream: 1}, "\x88\x0f\x0d\x011"), h2wire.Frame{Type: h2wire.Data, Stream: 1}, "abc"), []string{"slot 0: 200 protocol: data after the end of the response, unserved false"}},
		"no head":         {frame(nil, h2wire.Frame{Type: h2wire.Data, Stream: 1}, "abc"), []string{"slot 0: 0 protocol: DATA before the head of the answer, unserved false"}},
		"malformed":       {frame(nil, h2wire.Frame{Type: h2wire.Headers, Flags: h2wire.EndHeaders, Stream: 1}, "\x88\x00\x01A\x01b"), []string{"slot 0: 0 protocol: a field name with a capital or another character that it may not have, unserved false"}},
		"bad index":       {frame(nil, h2wire.Frame{Type: h2wire.Headers, Flags: h2wire.EndHeaders, Stream: 1}, "\xfe"), []string{"broken: a field block has an index beyond the tables"}},
		"interrupted":     {frame(frame(nil, h2wire.Frame{Type: h2wire.Headers, Stream: 1}, "\x88"), h2wire.Frame{Type: h2wire.Ping}, "12345678"), []string{"broken: a field block is interrupted"}},
		"a stream unborn": {frame(nil, h2wire.Frame{Type: h2wire.Headers, Flags: h2wire.EndHeaders, Stream: 7}, "\x88"), []string{"broken: HEADERS on a stream that is not open"}},
		"pushed":          {frame(nil, h2wire.Frame{Type: h2wire.PushPromise, Stream: 1}, "\x00\x00\x00\x02"), []string{"broken: PUSH_PROMISE, which the settings forbid"}},
		"no window":       {h2wire.AppendCredit(nil, 0, h2wire.MaxWindow), []string{"broken: WINDOW_UPDATE that is zero or too large"}},
		"too large":       {h2wire.AppendFrame(nil, h2wire.Frame{Length: h2wire.MaxFrame + 1, Type: h2wire.Data, Stream: 1}), []string{"broken: a frame longer than 16 KiB"}},
	} {
		for _, size := range []int{1, 2, 7, 1 << 20} {
			s := newSession(t, Spec{Streams: 4}, http1.Spec{})
			for seq := range uint64(3) {
				s.Request(nil, &codec.Order{Seq: seq, Item: -1})
			}
			if got := outcomes(s, hello+string(c.from), size); !slices.Equal(got, c.want) {
				t.Errorf("%s, %d bytes at a time:\n%q, want\n%q", name, size, got, c.want)
			}
		}
	}
	for _, other := range []string{"HTTP/1.1 400 Bad Request\r\n\r\n", string(frame(nil, h2wire.Frame{Type: h2wire.Ping}, "12345678"))} {
		for _, size := range []int{1, 100} {
			if got := outcomes(newSession(t, Spec{}, http1.Spec{}), other, size); len(got) != 1 || !strings.HasPrefix(got[0], "broken: the peer ") {
				t.Errorf("%q", got)
			}
		}
	}
}

// A stream whose slot is in use is passed over, so that a long answer and many short ones
// live together.
func TestSlots(t *testing.T) {
	s := newSession(t, Spec{Streams: 3}, http1.Spec{})
	s.Request(nil, &codec.Order{Item: -1})
	outcomes(s, hello, 99)
	for seq := range uint64(100) {
		o := codec.Order{Seq: seq, Item: -1}
		s.Request(nil, &o)
		if got := outcomes(s, string(answer(nil, s.latest, 200, "ok")), 1000); len(got) != 1 || got[0] != fmt.Sprintf("slot %d: 200, 2 bytes, ", o.Slot) {
			t.Fatalf("%d: %q", seq, got)
		}
	}
	if got := outcomes(s, string(answer(nil, 1, 200, "late")), 1000); len(got) != 1 || got[0] != "slot 0: 200, 4 bytes, " {
		t.Errorf("%q", got)
	}
}

// readFrames takes frames off what a session has written.
func readFrames(t *testing.T, p []byte) (all []h2wire.Frame, payload [][]byte) {
	t.Helper()
	for len(p) > 0 {
		f := h2wire.ParseFrame(p)
		all, payload = append(all, f), append(payload, p[9:9+f.Length])
		p = p[9+f.Length:]
	}
	return all, payload
}

// A body is sent as far as the windows reach, whichever is opened in which order.
func TestUploads(t *testing.T) {
	s := newSession(t, Spec{}, http1.Spec{Requests: []http1.Request{{Method: "POST", Body: http1.Body{Size: 100_000}}}})
	var sent [2]int
	var ended [2]bool
	count := func(p []byte) {
		frames, _ := readFrames(t, p)
		for _, f := range frames {
			if f.Type == h2wire.Data {
				i := int(f.Stream-1) / 2
				sent[i] += f.Length
				ended[i] = ended[i] || f.Has(h2wire.EndStream)
			}
		}
	}
	out, _ := s.Request(nil, &codec.Order{Item: -1})
	if !strings.HasPrefix(string(out), h2wire.Preface) {
		t.Fatalf("%q", out)
	}
	count(out[len(h2wire.Preface):])
	out, _ = s.Request(nil, &codec.Order{Seq: 1, Item: -1})
	count(out)
	if sent != [2]int{65535, 0} || s.Waits() || !s.Owes(0) || !s.Owes(1) {
		t.Fatalf("%v sent through the first window", sent)
	}
	small := string(frame(nil, h2wire.Frame{Type: h2wire.Settings}, string(h2wire.AppendSetting(nil, h2wire.InitialWindow, 1000))))
	outcomes(s, small+string(h2wire.AppendCredit(nil, 0, 200_000)), 1)
	count(s.Say(nil))
	if sent != [2]int{65535, 1000} {
		t.Fatalf("%v sent with windows of 1000", sent)
	}
	outcomes(s, string(h2wire.AppendCredit(nil, 1, 64_536)), 1) // from -64535
	if s.Waits() {
		count(s.Say(nil))
	}
	outcomes(s, string(h2wire.AppendCredit(h2wire.AppendCredit(nil, 1, 100_000), 3, 100_000)), 1)
	count(s.Say(nil))
	if sent != [2]int{100_000, 100_000} || ended != [2]bool{true, true} || s.owing != 0 {
		t.Errorf("%v sent, ended %v, %d owing", sent, ended, s.owing)
	}
}

// A long head goes on in CONTINUATION.
func TestLongHeads(t *testing.T) {
	value := strings.Repeat("v", 40_000)
	s := newSession(t, Spec{}, http1.Spec{Requests: []http1.Request{{Headers: []http1.Header{{Name: "X-Long", Value: value}}}}})
	out, _ := s.Request(nil, &codec.Order{Item: -1})
	frames, payload := readFrames(t, out[len(h2wire.Preface):])
	var d h2wire.Decoder
	d.Reset()
	var line [4][]byte
	frames, payload = frames[2:], payload[2:]
	text, fault, err := d.AppendRequestText(nil, slices.Concat(payload...), &line)
	if len(frames) != 3 || frames[0].Flags != h2wire.EndStream || frames[2].Flags != h2wire.EndHeaders || fault != "" || err != nil ||
		!strings.HasSuffix(string(text), "x-long: "+value+"\r\n") {
		t.Errorf("%v, %v, %v, %.100q", frames, fault, err, text)
	}
}

// A peer that had made its table smaller is told once that there is none, also if it has made it
// large again.
func TestTablesOfPeers(t *testing.T) {
	for _, c := range []struct {
		sizes []uint32
		want  bool
	}{{nil, false}, {[]uint32{4096}, false}, {[]uint32{0}, true}, {[]uint32{100, 4096}, true}} {
		s := newSession(t, Spec{}, http1.Spec{})
		outcomes(s, hello, 99)
		for _, n := range c.sizes {
			outcomes(s, string(frame(nil, h2wire.Frame{Type: h2wire.Settings}, string(h2wire.AppendSetting(nil, h2wire.TableSize, n)))), 99)
		}
		for i, want := range []bool{c.want, false} {
			out, _ := s.Request(nil, &codec.Order{Seq: uint64(i), Item: -1})
			_, payload := readFrames(t, []byte(strings.TrimPrefix(string(out), h2wire.Preface)))
			if last := payload[len(payload)-1]; (last[0] == 0x20) != want {
				t.Errorf("%v: block %d begins with %#x", c.sizes, i, last[0])
			}
		}
	}
}

// Windows are given back as bodies come, on the whole and on each stream.
func TestWindowsAreGivenBack(t *testing.T) {
	s := newSession(t, Spec{Streams: 1, Window: 100_000}, http1.Spec{})
	s.Request(nil, &codec.Order{Item: -1})
	outcomes(s, hello+string(frame(nil, h2wire.Frame{Type: h2wire.Headers, Flags: h2wire.EndHeaders, Stream: 1}, "\x88")), 999)
	for range 100 {
		if got := outcomes(s, string(frame(nil, h2wire.Frame{Type: h2wire.Data, Stream: 1}, strings.Repeat("x", h2wire.MaxFrame))), 1<<20); len(got) != 0 {
			t.Fatalf("%q", got)
		}
		frames, payload := readFrames(t, s.Say(nil))
		for i, f := range frames {
			if f.Type == h2wire.WindowUpdate && len(payload[i]) != 4 {
				t.Fatal(f)
			}
		}
	}
	var got []string
	for range 7 {
		got = append(got, outcomes(s, string(frame(nil, h2wire.Frame{Type: h2wire.Data, Stream: 1}, strings.Repeat("x", h2wire.MaxFrame))), 1<<20)...)
	}
	if len(s.out) == 0 {
		t.Errorf("nothing is given back; %q", got)
	}
	s.credit = 10
	if got := outcomes(s, string(frame(nil, h2wire.Frame{Type: h2wire.Data, Stream: 1}, "more than that")), 99); len(got) != 1 || got[0] != "broken: more DATA than the connection's window" {
		t.Errorf("%q", got)
	}
}

func TestStreamsDoNotAllocate(t *testing.T) {
	s := newSession(t, Spec{}, http1.Spec{Cookies: true, Requests: []http1.Request{{Method: "POST", Body: http1.Body{Text: "{{seq}}", Template: true}}}})
	outcomes(s, hello, 99)
	o := codec.Order{Item: -1}
	var out, in []byte
	turn := func() {
		o.Seq++
		out, _ = s.Request(out[:0], &o)
		in = answer(in[:0], s.latest, 200, "abc")
		for p := in; len(p) > 0; {
			n, _ := s.Feed(p)
			p = p[n:]
		}
		out = s.Say(out[:0])
	}
	for range 400 { // each slot makes its stream once
		turn()
	}
	made := testing.AllocsPerRun(100, func() { in = answer(in[:0], 1, 200, "abc") })
	if n := testing.AllocsPerRun(300, turn); n > made {
		t.Errorf("%v allocations, of which %v are the test's", n, made)
	}
}

// FuzzFeed lets the peer say anything, in pieces and as a whole.
func FuzzFeed(f *testing.F) {
	f.Add(answer([]byte(hello), 1, 200, "abc"), uint8(3))
	f.Add(h2wire.AppendGoAway([]byte(hello), 1, 0), uint8(1))
	f.Add(h2wire.AppendReset(h2wire.AppendCredit([]byte(hello), 3, 9), 3, 7), uint8(2))
	f.Fuzz(func(t *testing.T, p []byte, size uint8) {
		var got [2][]string
		for i, n := range []int{int(size) + 1, len(p) + 1} {
			s := newSession(t, Spec{Streams: 2}, http1.Spec{Requests: []http1.Request{{Method: "POST", Body: http1.Body{Size: 70_000}}}})
			s.Request(nil, &codec.Order{Item: -1})
			s.Request(nil, &codec.Order{Seq: 1, Item: -1})
			got[i] = outcomes(s, string(p), n)
			s.Say(nil)
			if s.live < 0 || s.owing < 0 || s.owing > s.live {
				t.Errorf("%d streams, %d of which owe", s.live, s.owing)
			}
		}
		if !slices.Equal(got[0], got[1]) {
			t.Errorf("in pieces %q, as a whole %q", got[0], got[1])
		}
	})
}
