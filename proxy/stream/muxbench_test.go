package stream_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"golang.org/x/sys/unix"

	"bench/internal/sock"
	"bench/proxy/spec"
)

// BenchmarkMux sends one request after the other over one connection of HTTP/2. The
// allocations reported are those of the whole process: they must be 0.
func BenchmarkMux(b *testing.B) {
	const size = 128
	resp := "HTTP/1.1 200 OK\r\ncontent-length: 128\r\ncontent-type: text/plain\r\n\r\n" + strings.Repeat("x", size)
	rig := newRigWith(b, spec.ModeHTTP, func(p *spec.Proxy) { p.ForwardFor = &spec.ForwardFor{} }, discard{}, startCanned(b, resp))
	addr, _ := sock.Parse(rig.addr)
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer unix.Close(fd)
	ap := addr.AddrPort()
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: int(ap.Port()), Addr: ap.Addr().As4()}); err != nil {
		b.Fatal(err)
	}
	var out, block bytes.Buffer
	f := http2.NewFramer(&out, nil)
	out.WriteString(http2.ClientPreface)
	_ = f.WriteSettings()
	if _, err := unix.Write(fd, out.Bytes()); err != nil {
		b.Fatal(err)
	}
	out.Reset()
	enc := hpack.NewEncoder(&block)
	enc.SetMaxDynamicTableSize(0) // each block stands for itself
	for _, h := range [][2]string{{":method", "GET"}, {":scheme", "http"}, {":authority", "example.org"}, {":path", "/some/path?x=1"}, {"user-agent", "bench"}, {"accept", "*/*"}} {
		_ = enc.WriteField(hpack.HeaderField{Name: h[0], Value: h[1]})
	}
	_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: true})
	_ = f.WriteWindowUpdate(0, size)
	request := out.Bytes()
	id, in, have := uint32(1), make([]byte, 64<<10), 0
	round := func() {
		binary.BigEndian.PutUint32(request[5:], id)
		if _, err := unix.Write(fd, request); err != nil {
			b.Fatal(err)
		}
		for done := false; !done; {
			n, err := unix.Read(fd, in[have:])
			if err != nil || n == 0 {
				b.Fatalf("read %d, %v", n, err)
			}
			have += n
			at := 0
			for have-at >= 9 {
				end := at + 9 + int(in[at])<<16 + int(in[at+1])<<8 + int(in[at+2])
				if end > have {
					break
				}
				if in[at+3] == byte(http2.FrameRSTStream) || in[at+3] == byte(http2.FrameGoAway) {
					b.Fatalf("stream %d: frame %x", id, in[at:end])
				}
				done = done || in[at+3] <= byte(http2.FrameHeaders) && in[at+4]&byte(http2.FlagDataEndStream) != 0 && binary.BigEndian.Uint32(in[at+5:]) == id
				at = end
			}
			have = copy(in, in[at:have])
		}
		id += 2
	}
	for range 200 {
		round()
	}
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		round()
	}
}
