package difftest

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// through is a comparison of HTTP/2 on both sides: what a client sends, what a server gets of
// it and answers, and what the client gets of that.
type through struct {
	muxed
	answer func(s *server2, id uint32) // nil: a short one
}

// play has the client do its part, and says what it gets: heads and trailers as lists of
// fields, content as a whole, and how it ends.
func (k *through) play(o *origin2, addr string) (string, error) {
	o.mu.Lock()
	o.now, o.got = &toServer{answer: k.answer}, nil
	o.mu.Unlock()
	conn, err := k.begun(addr)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	in := http2.NewFramer(conn, bufio.NewReader(conn))
	in.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	var said []string
	content := ""
	flush := func() {
		if content != "" {
			said = append(said, fmt.Sprintf("%q", content))
			content = ""
		}
	}
	for over := false; !over; {
		_ = conn.SetReadDeadline(time.Now().Add(800 * time.Millisecond))
		f, err := in.ReadFrame()
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			flush()
			said, over = append(said, "open"), true
			continue
		case err != nil:
			flush()
			said, over = append(said, "closed"), true
			continue
		}
		ended := false
		switch f := f.(type) {
		case *http2.MetaHeadersFrame:
			flush()
			var text []string
			for _, h := range f.Fields {
				text = append(text, h.Name+"="+h.Value)
			}
			said, ended = append(said, strings.Join(text, " ")), f.StreamEnded()
		case *http2.DataFrame:
			content += string(f.Data())
			ended = f.StreamEnded()
		case *http2.RSTStreamFrame:
			flush()
			said, over = append(said, "reset"), true // by one code or another
		case *http2.GoAwayFrame:
			flush()
			said = append(said, "goaway "+f.ErrCode.String())
		}
		if ended {
			flush()
			said, over = append(said, "end"), true
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.Join(said, ", ") + " | " + strings.Join(o.got, ", "), nil
}

func TestHTTP2OnBothSidesLikeReference(t *testing.T) {
	var cases []beforeHTTP2
	for _, k := range throughs() {
		cases = append(cases, beforeHTTP2{k.name, k.differs, k.play})
	}
	compareBeforeHTTP2(t, cases, func(got, differs string) bool { return got == differs })
}

func throughs() []through {
	post := muxFields(":method=POST")
	get := muxRequest(muxGet...)
	// answer is a head, content, and fields behind it.
	answer := func(head []string, content string, trailer ...string) func(*server2, uint32) {
		return func(s *server2, id uint32) {
			s.head(id, false, head...)
			if content != "" {
				_ = s.WriteData(id, false, []byte(content))
			}
			s.head(id, true, trailer...)
		}
	}
	const asked = ":method=GET :scheme=http :authority=a.example :path=/x?y"
	measured := []string{":status=200", "content-length=5"}
	// What the reference makes of fields behind no content depends on how they come.
	return []through{
		{muxed: muxed{name: "request", do: get}},
		{muxed: muxed{name: "content", do: muxContent(post, "abc", "def")}},
		{muxed: muxed{name: "trailer", do: muxTrailer(post, "x-trailer=y")}},
		{muxed: muxed{name: "trailer behind a length", do: muxTrailer(append(post, "content-length=3"), "x-trailer=y")}},
		{muxed: muxed{name: "trailer behind a length of nothing", do: func(c *muxClient) {
			c.head(1, false, append(post, "content-length=0")...)
			c.head(1, true, "x-trailer=y")
		}}},
		{muxed: muxed{name: "end behind a length", do: muxContent(append(post, "content-length=3"), "abc", "")}},
		{muxed: muxed{name: "end with a length", do: muxContent(append(post, "content-length=3"), "abc")}},
		{muxed: muxed{name: "answered with a trailer", do: get}, answer: answer([]string{":status=200"}, "hello", "x-t=v")},
		{muxed: muxed{name: "answered with a trailer behind a length", do: get}, answer: answer(measured, "hello", "x-t=v", "x-u=w")},
		{muxed: muxed{name: "answered with a trailer behind nothing", do: get}, answer: answer([]string{":status=200"}, "", "x-t=v")},
		{muxed: muxed{name: "answered with a trailer too early", do: get, differs: `:status=200 content-length=5, "hell", reset | ` + asked, why: "malformed (RFC 9113 §8.1.1)"}, answer: answer(measured, "hell", "x-t=v")},
		{muxed: muxed{name: "answered with an end behind a length", do: get}, answer: func(s *server2, id uint32) {
			s.head(id, false, measured...)
			_ = s.WriteData(id, false, []byte("hello"))
			_ = s.WriteData(id, true, nil)
		}},
		{muxed: muxed{name: "answered and reset behind a length", do: get}, answer: func(s *server2, id uint32) {
			s.head(id, false, measured...)
			_ = s.WriteData(id, false, []byte("hello"))
			time.Sleep(100 * time.Millisecond)
			_ = s.WriteRSTStream(id, http2.ErrCodeInternal)
		}},
		{muxed: muxed{name: "answered and closed behind a length", do: get}, answer: func(s *server2, id uint32) {
			s.head(id, false, measured...)
			_ = s.WriteData(id, false, []byte("hello"))
			time.Sleep(100 * time.Millisecond)
			s.c.Close()
		}},
		{muxed: muxed{name: "answered with the end to come", do: get}, answer: func(s *server2, id uint32) {
			s.head(id, false, measured...)
			_ = s.WriteData(id, false, []byte("hello"))
		}},
		{muxed: muxed{name: "both with trailers behind lengths", do: muxTrailer(append(post, "content-length=3"), "x-trailer=y")}, answer: answer(measured, "hello", "x-t=v")},
		{muxed: muxed{name: "answered before the end of the request", do: func(c *muxClient) {
			c.head(1, false, append(post, "content-length=3")...)
			_ = c.WriteData(1, false, []byte("abc"))
		}}},
		{muxed: muxed{name: "HEAD with a trailer", do: muxRequest(muxFields(":method=HEAD")...), differs: ":status=200 content-length=5, end | " + strings.Replace(asked, "GET", "HEAD", 1), why: "a trailer follows content, and there is none"}, answer: answer(measured, "", "x-t=v")},
		{muxed: muxed{name: "trailer of this hop", do: get, differs: `:status=200, "hello", reset | ` + asked, why: "malformed (RFC 9113 §8.2.2); there the trailer is left out"}, answer: answer([]string{":status=200"}, "hello", "connection=close", "x-t=v")},
		{muxed: muxed{name: "te: trailers", do: muxRequest(append(muxGet, "te=trailers")...)}},
		{muxed: muxed{name: "websocket", do: muxRequest(muxFields(":method=CONNECT", ":protocol=websocket", "sec-websocket-version=13")...)}},
	}
}
