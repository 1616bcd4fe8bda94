package stream_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"bench/proxy/spec"
)

// turns counts the loop's turns while fn runs.
func (r *rig) turns(fn func()) uint64 {
	var before, after uint64
	r.loop.Call(func() { before = r.loop.Turns() })
	fn()
	r.loop.Call(func() { after = r.loop.Turns() })
	return after - before
}

// clients is the number of connections that the engine has.
func (r *rig) clients() (n int) {
	r.loop.Call(func() { n = r.thread.Clients() })
	return n
}

// What a peer sends without being asked is taken in portions, one in each turn of the loop,
// however fast it comes: the others have their turns in between.
func TestNobodyHoldsTheThread(t *testing.T) {
	t.Run("interim responses", func(t *testing.T) {
		const interim = 20000
		addr := origin(t, func(c net.Conn, br *bufio.Reader) {
			if _, err := http.ReadRequest(br); err != nil {
				return
			}
			_, _ = io.WriteString(c, strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", interim)+"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		})
		r := newRig(t, spec.ModeHTTP, nil, addr)
		c := r.dial()
		seen := 0
		turns := r.turns(func() {
			c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			for {
				line, err := c.r.ReadString('\n')
				if err != nil {
					t.Fatal(err)
				}
				if strings.HasPrefix(line, "HTTP/1.1 103 ") {
					seen++
				}
				if strings.HasPrefix(line, "HTTP/1.1 200 ") {
					return
				}
			}
		})
		if seen != interim {
			t.Errorf("%d interim responses came, want %d", seen, interim)
		}
		if turns < interim/100 {
			t.Errorf("%d interim responses took %d turns", interim, turns)
		}
	})
	t.Run("what comes after an error", func(t *testing.T) {
		const size = 8 << 20
		r := newRig(t, spec.ModeHTTP, nil)
		c := r.dial()
		var asked uint64 // turns for asking
		turns := r.turns(func() {
			c.send("BAD\r\n\r\n")
			c.send(strings.Repeat("x", size))
			if err := c.Conn.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			for r.clients() > 0 { // until all has been read
				asked++
				time.Sleep(time.Millisecond)
			}
		})
		if turns -= asked; turns < size/(256<<10) {
			t.Errorf("%d bytes took %d turns", size, turns)
		}
	})
}
