package stream_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"testing"
	"time"

	"bench/proxy/spec"
)

// With "minconn" the limit of a server grows with the number of streams. The slot that
// becomes free by that belongs to whoever has waited longest, not to whoever comes.
func TestNobodyOvertakesTheQueue(t *testing.T) {
	for _, algorithm := range []spec.Balance{"roundrobin", "leastconn"} {
		arrived, answer := make(chan string, 10), make(chan struct{})
		addr := origin(t, func(c net.Conn, br *bufio.Reader) {
			req, err := http.ReadRequest(br)
			if err != nil {
				return
			}
			arrived <- req.URL.Path
			<-answer
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
		})
		r := newRig(t, spec.ModeHTTP, func(p *spec.Proxy) {
			p.Balance, p.FullConn = algorithm, 20
			p.Servers[0].MinConn, p.Servers[0].MaxConn = 1, 10
		}, addr)
		for i := range 9 {
			r.dial().send(fmt.Sprintf("GET /%d HTTP/1.1\r\nHost: a\r\n\r\n", i+1))
			for r.backend.Cur.Load() <= int64(i) {
				time.Sleep(time.Millisecond)
			}
		}
		// Nine streams are almost half of fullconn, and have four of ten slots.
		var first []string
		for range 4 {
			first = append(first, <-arrived)
		}
		close(answer)
		slices.Sort(first) // two that get their slots at almost the same time may swap
		if want := []string{"/1", "/2", "/3", "/4"}; !slices.Equal(first, want) {
			t.Errorf("%s: first came %v, want %v", algorithm, first, want)
		}
	}
}
