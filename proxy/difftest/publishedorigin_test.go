package difftest

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

// publishedOrigin is every server of a published configuration: it answers in the clear
// and over TLS, behind a PROXY header or not, and tells servers apart by its address.
type publishedOrigin struct {
	l    net.Listener
	tls  *tls.Config
	mu   sync.Mutex
	seen strings.Builder
	all  map[net.Conn]bool
}

func newPublishedOrigin(pair tls.Certificate) (*publishedOrigin, error) {
	// Addresses below 127.0.0.0/8 are made up as servers are met: it listens on all.
	l, err := net.Listen("tcp4", "0.0.0.0:0")
	if err != nil {
		return nil, err
	}
	o := &publishedOrigin{l: l, tls: &tls.Config{Certificates: []tls.Certificate{pair}}, all: map[net.Conn]bool{}}
	go o.serve()
	return o, nil
}

func (o *publishedOrigin) port() int { return o.l.Addr().(*net.TCPAddr).Port }

func (o *publishedOrigin) serve() {
	for {
		c, err := o.l.Accept()
		if err != nil {
			return
		}
		if !c.RemoteAddr().(*net.TCPAddr).IP.IsLoopback() {
			c.Close()
			continue
		}
		o.mu.Lock()
		o.all[c] = true
		o.mu.Unlock()
		go func() {
			defer func() {
				c.Close()
				o.mu.Lock()
				delete(o.all, c)
				o.mu.Unlock()
			}()
			o.one(c)
		}()
	}
}

// one serves a connection.
func (o *publishedOrigin) one(c net.Conn) {
	ip := c.LocalAddr().(*net.TCPAddr).IP.To4()
	server := int(ip[2])*250 + int(ip[3]) - 1
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	r := bufio.NewReader(c)
	prefix := ""
	if first, _ := r.Peek(2); bytes.Equal(first, []byte("\r\n")) {
		head, _ := r.Peek(16)
		if len(head) < 16 {
			return
		}
		rest := make([]byte, 16+int(head[14])<<8+int(head[15]))
		if _, err := io.ReadFull(r, rest); err != nil {
			return
		}
		prefix = "PROXY v2\n"
	} else if string(first) == "PR" {
		if line, _ := r.Peek(6); string(line) == "PROXY " {
			text, _ := r.ReadString('\n')
			prefix = strings.Join(strings.Fields(text)[:4], " ") + "\n"
		}
	}
	var out io.Writer = c
	if first, _ := r.Peek(1); len(first) == 1 && first[0] == 0x16 {
		t := tls.Server(&readConn{c, r}, o.tls)
		if t.Handshake() != nil {
			return
		}
		prefix += "TLS " + t.ConnectionState().ServerName + "\n"
		r, out = bufio.NewReader(t), t
	}
	for {
		got, err := readMessage(r, true, false)
		if len(got) > 0 {
			o.mu.Lock()
			fmt.Fprintf(&o.seen, "server %d\n%s%s", server, prefix, normal(got, false))
			o.mu.Unlock()
		}
		if err != nil {
			return
		}
		if _, err := io.WriteString(out, publishedAnswer(got)); err != nil {
			return
		}
	}
}

// publishedAnswer is what a request is answered.
func publishedAnswer(request []byte) string {
	n := 0
	for line := range strings.SplitSeq(string(request), "\r\n") {
		if name, value, _ := strings.Cut(line, ":"); strings.EqualFold(name, "X-Want") {
			n, _ = strconv.Atoi(strings.TrimSpace(value))
		}
	}
	answer := publishedAnswers[max(0, n)%len(publishedAnswers)]
	if bytes.HasPrefix(request, []byte("HEAD ")) {
		answer = answer[:strings.Index(answer, "\r\n\r\n")+4]
	}
	return answer
}

// take is what came since it was asked last.
func (o *publishedOrigin) take() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	seen := o.seen.String()
	o.seen.Reset()
	return seen
}

// part ends all connections.
func (o *publishedOrigin) part() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for c := range o.all {
		c.Close()
	}
	o.seen.Reset()
}

// readConn is a connection of which something has been read ahead.
type readConn struct {
	net.Conn
	r *bufio.Reader
}

func (c *readConn) Read(p []byte) (int, error) { return c.r.Read(p) }
