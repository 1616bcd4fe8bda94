// Package testserver answers what tests connect to. Only tests may import it.
package testserver

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"testing"
)

// TCP hands every connection to an address of the loopback to serve, in a goroutine of
// its own. It listens until the test ends; serve closes its connections.
func TCP(t testing.TB, serve func(net.Conn)) (addr string) {
	t.Helper()
	l := listen(t)
	t.Cleanup(func() { l.Close() })
	go Serve(l, serve)
	return l.Addr().String()
}

// Serve hands every connection to serve until the listener is closed.
func Serve(l net.Listener, serve func(net.Conn)) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go serve(c)
	}
}

// HTTP serves requests to an address of the loopback until the test ends.
func HTTP(t testing.TB, h http.HandlerFunc) (addr string) {
	t.Helper()
	l := listen(t)
	s := &http.Server{Handler: h}
	t.Cleanup(func() { _ = s.Close() })
	go func() { _ = s.Serve(l) }() // until it is closed
	return l.Addr().String()
}

// Saying answers every request without a body with 200 and a text, whatever else it
// says, and keeps the connection.
func Saying(text string) func(net.Conn) {
	return func(c net.Conn) {
		defer c.Close()
		r := bufio.NewReader(c)
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			if line != "\r\n" {
				continue
			}
			if _, err := fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(text), text); err != nil {
				return
			}
		}
	}
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}
