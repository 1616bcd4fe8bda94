package difftest

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"bench/internal/testpeer"
)

// An exchange of three requests at once is disturbed behind each of its frames, in each of these
// manners.
type disturbance struct {
	name string
	// frames are said in the midst.
	frames func(f *http2.Framer)
	// without: nothing more is said of stream 1. end: nothing more is said at all, and how.
	without bool
	end     func(raw *net.TCPConn, c *tls.Conn)
}

// exchangeSeen is what a client has seen.
type exchangeSeen struct {
	streams map[uint32]*streamSeen
	conn    []string
}

type streamSeen struct {
	status, reset string
	got           string // what the server says that it got
	body          []byte
	ended         bool
}

const (
	endsAnswer = 3000 // bytes of each answer
	endsPiece  = 700  // bytes of a DATA frame of a request
)

// content is what stream id sends, or gets, of these many bytes.
func content(id uint32, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(uint32(i)*7 + uint32(i)>>8 + id*31)
	}
	return b
}

// endsScript is the exchange, frame by frame. Streams 1 and 5 send content, 3 asks only.
func endsScript() (frames [][]byte, of []uint32) {
	var out, block bytes.Buffer
	f := http2.NewFramer(&out, nil)
	enc := hpack.NewEncoder(&block)
	add := func(id uint32) {
		frames, of = append(frames, bytes.Clone(out.Bytes())), append(of, id)
		out.Reset()
	}
	head := func(id uint32, method string, end bool) {
		block.Reset()
		for _, h := range [][2]string{{":method", method}, {":scheme", "https"}, {":authority", "a.example"}, {":path", fmt.Sprintf("/%d", id)}, {"x-id", strconv.Itoa(int(id))}} {
			_ = enc.WriteField(hpack.HeaderField{Name: h[0], Value: h[1]})
		}
		_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: end})
		add(id)
	}
	data := func(id uint32, from int, end bool) {
		_ = f.WriteData(id, end, content(id, from+endsPiece)[from:])
		add(id)
	}
	out.WriteString(http2.ClientPreface)
	_ = f.WriteSettings()
	add(0)
	head(1, "POST", false)
	data(1, 0, false)
	head(3, "GET", true)
	head(5, "POST", false)
	data(5, 0, false)
	data(1, endsPiece, false)
	_ = f.WriteSettingsAck()
	add(0)
	data(5, endsPiece, true)
	data(1, 2*endsPiece, true)
	return frames, of
}

// endsSent is what a stream has sent by the end of the script.
func endsSent(id uint32) []byte {
	return content(id, map[uint32]int{1: 3, 5: 2}[id]*endsPiece)
}

// disturbed plays the script with a disturbance behind frame number at.
func disturbed(addr string, at int, d *disturbance) (*exchangeSeen, error) {
	raw, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	defer raw.Close()
	c := tls.Client(raw, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}) //nolint:gosec // it is the test's own
	if err := c.Handshake(); err != nil {
		return nil, err
	}
	frames, of := endsScript()
	o := &exchangeSeen{streams: map[uint32]*streamSeen{}}
	var reading sync.WaitGroup
	reading.Go(func() { o.read(c) })
	defer reading.Wait()
	for i, frame := range frames {
		if i > at && d.without && of[i] == 1 {
			continue
		}
		if _, err := c.Write(frame); err != nil {
			return o, nil //nolint:nilerr // the proxy has had enough
		}
		if i != at {
			continue
		}
		if d.frames != nil {
			var out bytes.Buffer
			f := http2.NewFramer(&out, nil)
			f.AllowIllegalWrites = true
			d.frames(f)
			if _, err := c.Write(out.Bytes()); err != nil {
				return o, nil //nolint:nilerr // as above
			}
		}
		if d.end != nil {
			d.end(raw.(*net.TCPConn), c)
			break
		}
	}
	return o, nil
}

// read takes in what comes until nothing does.
func (o *exchangeSeen) read(c net.Conn) {
	in := http2.NewFramer(nil, bufio.NewReader(c))
	in.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	stream := func(id uint32) *streamSeen {
		if o.streams[id] == nil {
			o.streams[id] = &streamSeen{}
		}
		return o.streams[id]
	}
	for {
		_ = c.SetReadDeadline(time.Now().Add(600 * time.Millisecond))
		f, err := in.ReadFrame()
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			o.conn = append(o.conn, "open")
			return
		case err != nil:
			o.conn = append(o.conn, "closed")
			return
		}
		s := stream(f.Header().StreamID)
		switch f := f.(type) {
		case *http2.MetaHeadersFrame:
			s.status = f.PseudoValue("status")
			for _, h := range f.RegularFields() {
				if h.Name == "x-got" {
					s.got = h.Value
				}
			}
			s.ended = f.StreamEnded()
		case *http2.DataFrame:
			s.body = append(s.body, f.Data()...)
			s.ended = f.StreamEnded()
		case *http2.RSTStreamFrame:
			s.reset = f.ErrCode.String()
		case *http2.GoAwayFrame:
			o.conn = append(o.conn, fmt.Sprintf("goaway %v", f.ErrCode))
		}
	}
}

// text says what a client has seen. Content that is not what was to come is corrupt, whatever
// happened.
func (o *exchangeSeen) text() string {
	var all []string
	for _, id := range slices.Sorted(maps.Keys(o.streams)) {
		s := o.streams[id]
		if id == 0 || s.status == "" && s.reset == "" { // a window, at most
			continue
		}
		said := s.status
		switch {
		case s.status == "200" && !bytes.HasPrefix(content(id, endsAnswer), s.body),
			s.status == "200" && s.ended && len(s.body) != endsAnswer,
			s.got != "" && s.got != fmt.Sprintf("%x", sha256.Sum256(endsSent(id))):
			said += " CORRUPT"
		case s.ended:
			said += " whole"
		}
		if s.reset != "" && !s.ended {
			said += " reset " + s.reset
		}
		all = append(all, fmt.Sprintf("%d: %s", id, said))
	}
	return strings.Join(append(all, strings.Join(o.conn, " ")), ", ")
}

// answersAsked is a server of the script.
func answersAsked(w http.ResponseWriter, req *http.Request) {
	sum := sha256.New()
	if _, err := io.Copy(sum, req.Body); err != nil {
		panic(http.ErrAbortHandler)
	}
	time.Sleep(100 * time.Millisecond) // what comes behind the request comes before the answer
	id, _ := strconv.Atoi(req.Header.Get("X-Id"))
	w.Header().Set("X-Got", fmt.Sprintf("%x", sum.Sum(nil)))
	w.Header().Set("Content-Length", strconv.Itoa(endsAnswer))
	_, _ = w.Write(content(uint32(id), endsAnswer))
}

func disturbances() []disturbance {
	list := []disturbance{
		{name: "nothing"},
		{name: "end", end: func(raw *net.TCPConn, _ *tls.Conn) { _ = raw.CloseWrite() }},
		{name: "reset of TCP", end: func(raw *net.TCPConn, _ *tls.Conn) { _ = raw.SetLinger(0); raw.Close() }},
		{name: "close_notify", end: func(_ *net.TCPConn, c *tls.Conn) { _ = c.CloseWrite() }},
		{name: "close_notify and end", end: func(raw *net.TCPConn, c *tls.Conn) {
			_ = c.CloseWrite()
			_ = raw.CloseWrite()
		}},
	}
	for _, last := range []uint32{0, 1, 3, 5, 1<<31 - 1} {
		for _, code := range []http2.ErrCode{http2.ErrCodeNo, http2.ErrCodeProtocol} {
			list = append(list, disturbance{name: fmt.Sprintf("GOAWAY %d %v", last, code), frames: func(f *http2.Framer) { _ = f.WriteGoAway(last, code, []byte("bye")) }})
		}
	}
	for _, code := range []http2.ErrCode{http2.ErrCodeNo, http2.ErrCodeCancel, http2.ErrCodeRefusedStream, 0xffffffff} {
		list = append(list, disturbance{name: fmt.Sprintf("RST_STREAM %v", code), without: true, frames: func(f *http2.Framer) { _ = f.WriteRSTStream(1, code) }})
	}
	return append(list,
		disturbance{name: "RST_STREAM, and goes on", frames: func(f *http2.Framer) { _ = f.WriteRSTStream(1, http2.ErrCodeCancel) }},
		disturbance{name: "windows shut and opened", frames: func(f *http2.Framer) {
			_ = f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
			_ = f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 20})
		}},
		disturbance{name: "table of another size", frames: func(f *http2.Framer) {
			for _, n := range []uint32{0, 1 << 20, 100, 4096} {
				_ = f.WriteSettings(http2.Setting{ID: http2.SettingHeaderTableSize, Val: n}, http2.Setting{ID: http2.SettingMaxFrameSize, Val: 1 << 20})
			}
		}},
		disturbance{name: "priorities", frames: func(f *http2.Framer) {
			for i := range uint32(100) {
				_ = f.WritePriority(2*i+1, http2.PriorityParam{StreamDep: 2*i + 3, Exclusive: i%2 == 0, Weight: uint8(i)})
			}
		}},
		disturbance{name: "windows of the connection to the end", frames: func(f *http2.Framer) { _ = f.WriteWindowUpdate(0, 1<<31-1-65535) }},
		disturbance{name: "PINGs", frames: func(f *http2.Framer) {
			for i := range 50 {
				_ = f.WritePing(i%2 == 0, [8]byte{byte(i)})
			}
		}},
	)
}

// An exchange that is disturbed in any manner, at any place, comes to the same as with the
// reference, but that a request whose client ends its side within it gets no 400 here, and that
// a GOAWAY of a client, which is about streams of the server's, costs none of its own requests.
func TestEndsOfHTTP2LikeReference(t *testing.T) {
	const conf = `global
    nbthread 1
defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
frontend ready
    bind fd@4
    monitor-uri /ready
frontend fe
    bind fd@3 ssl crt %s/site alpn h2
    default_backend be
backend be
    server s1 127.0.0.1:%d
`
	certs := t.TempDir()
	makeFiles(t, certs)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(answersAsked)} //nolint:gosec // no time-outs needed
	defer srv.Close()
	go srv.Serve(l) //nolint:errcheck // it ends with the test
	port := l.Addr().(*net.TCPAddr).Port
	var results [2]map[string]string
	for i, s := range []*subject{{"haproxy", []string{testpeer.Need(t, "haproxy")}}, {"builtin", []string{build(t), "proxy"}}} {
		r, err := s.start(t.TempDir(), fmt.Sprintf(conf, certs, port), port)
		if err != nil {
			t.Fatal(err)
		}
		results[i] = map[string]string{}
		var mu sync.Mutex
		var all sync.WaitGroup
		places := make(chan struct{}, 20)
		for _, d := range disturbances() {
			for _, at := range []int{1, 4, 6, 8} { // frames
				places <- struct{}{}
				all.Go(func() {
					defer func() { <-places }()
					o, err := disturbed(r.addr, at, &d)
					mu.Lock()
					defer mu.Unlock()
					if err != nil {
						t.Errorf("%s: %s behind frame %d: %v", s.name, d.name, at, err)
						return
					}
					results[i][fmt.Sprintf("%s behind frame %d", d.name, at)] = o.text()
				})
			}
		}
		all.Wait()
		if err := r.stop(); err != nil {
			t.Errorf("%s: %v", s.name, err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(results[1])) {
		want, got := results[0][name], results[1][name]
		if strings.HasPrefix(name, "GOAWAY") {
			want, got = "1: 200 whole, 3: 200 whole, 5: 200 whole, ", strings.TrimSuffix(strings.TrimSuffix(got, "closed"), "open")
		}
		for _, id := range []string{"1", "5"} {
			want = strings.ReplaceAll(want, id+": 400 whole, ", "")
		}
		if want != got || strings.Contains(got, "CORRUPT") {
			t.Errorf("%s:\n\twant: %s\n\tgot:  %s", name, want, got)
		}
	}
}
