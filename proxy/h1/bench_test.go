package h1

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"bench/proxy/message"
)

// smallRequest is what a load generator or an API client sends.
const smallRequest = "GET /api/v1/items?id=12345 HTTP/1.1\r\n" +
	"Host: www.example.com\r\n" +
	"User-Agent: bench/1.0\r\n" +
	"Accept: */*\r\n" +
	"Accept-Encoding: gzip, deflate\r\n" +
	"Connection: keep-alive\r\n\r\n"

// browserRequest is what a browser sends.
const browserRequest = "GET /static/app/main.js?v=8f2a6c HTTP/1.1\r\n" +
	"Host: www.example.com\r\n" +
	"Connection: keep-alive\r\n" +
	"sec-ch-ua: \"Chromium\";v=\"130\", \"Not?A_Brand\";v=\"99\"\r\n" +
	"sec-ch-ua-mobile: ?0\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36\r\n" +
	"sec-ch-ua-platform: \"Linux\"\r\n" +
	"Accept: */*\r\n" +
	"Sec-Fetch-Site: same-origin\r\n" +
	"Sec-Fetch-Mode: no-cors\r\n" +
	"Sec-Fetch-Dest: script\r\n" +
	"Referer: https://www.example.com/dashboard/overview?tab=latency&range=24h\r\n" +
	"Accept-Encoding: gzip, deflate, br, zstd\r\n" +
	"Accept-Language: en-US,en;q=0.9\r\n" +
	"Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; _ga=GA1.1.123456789.1700000000\r\n\r\n"

const smallResponse = "HTTP/1.1 200 OK\r\n" +
	"Server: nginx\r\n" +
	"Date: Mon, 23 Nov 2026 11:00:00 GMT\r\n" +
	"Content-Type: text/plain\r\n" +
	"Content-Length: 13\r\n" +
	"Connection: keep-alive\r\n\r\n"

func benchmarkRequest(b *testing.B, raw string) {
	var (
		p   Parser
		req message.Request
		lim = DefaultLimits()
		buf = make([]byte, len(raw))
	)
	b.ReportAllocs()
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		copy(buf, raw)
		if n, err := p.Request(&req, buf, &lim); n != len(raw) || err != nil {
			b.Fatal(n, err)
		}
	}
}

func BenchmarkRequestSmall(b *testing.B)   { benchmarkRequest(b, smallRequest) }
func BenchmarkRequestBrowser(b *testing.B) { benchmarkRequest(b, browserRequest) }

func BenchmarkResponse(b *testing.B) {
	var (
		p    Parser
		resp message.Response
		lim  = DefaultLimits()
		buf  = make([]byte, len(smallResponse))
	)
	b.ReportAllocs()
	for b.Loop() {
		copy(buf, smallResponse)
		if n, err := p.Response(&resp, buf, message.MethodGet, &lim); n != len(buf) || err != nil {
			b.Fatal(n, err)
		}
	}
}

func BenchmarkAppendRequest(b *testing.B) {
	var (
		p   Parser
		req message.Request
		lim = DefaultLimits()
	)
	if _, err := p.Request(&req, []byte(smallRequest), &lim); err != nil {
		b.Fatal(err)
	}
	dst := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		dst = AppendRequest(dst[:0], &req, WriteOptions{KeepAlive: true, Peer: req.Version})
	}
}

// A head that comes in one byte at a time must cost about as much per byte
// whatever its length.
func BenchmarkRequestDrip(b *testing.B) {
	for _, size := range []int{1 << 10, 14 << 10} {
		raw := "GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", size) + "\r\n\r\n"
		b.Run(fmt.Sprintf("%dk", size>>10), func(b *testing.B) {
			var (
				p   Parser
				req message.Request
				lim = DefaultLimits()
				buf = make([]byte, len(raw))
			)
			b.ReportAllocs()
			b.SetBytes(int64(len(raw)))
			for b.Loop() {
				copy(buf, raw)
				for i := 1; i <= len(raw); i++ {
					if n, err := p.Request(&req, buf[:i], &lim); err != nil || (n > 0) != (i == len(raw)) {
						b.Fatal(i, n, err)
					}
				}
			}
		})
	}
}

func BenchmarkChunkedWalk(b *testing.B) {
	var raw []byte
	for range 8 {
		raw = AppendChunkHead(raw, 2048)
		raw = append(raw, bytes.Repeat([]byte("x"), 2048)...)
		raw = append(raw, ChunkEnd...)
	}
	raw = append(raw, LastChunk...)
	var c Chunked
	b.ReportAllocs()
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		c.Start(ChunkKeep, 0)
		if used, _, err := c.Walk(raw); used != len(raw) || err != nil || !c.Done() {
			b.Fatal(used, err)
		}
	}
}

// A head that comes in two pieces is parsed twice, but for its last line.
func BenchmarkRequestInTwo(b *testing.B) {
	var (
		p   Parser
		req message.Request
		lim = DefaultLimits()
		buf = make([]byte, len(browserRequest))
	)
	b.ReportAllocs()
	b.SetBytes(int64(len(buf)))
	for b.Loop() {
		copy(buf, browserRequest)
		for _, i := range []int{len(buf) / 2, len(buf)} {
			if n, err := p.Request(&req, buf[:i], &lim); err != nil || (n > 0) != (i == len(buf)) {
				b.Fatal(i, n, err)
			}
		}
	}
}
