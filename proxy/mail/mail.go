// Package mail tells people about servers by mail, as "email-alert" lines ask for. What is
// to be said may come from any thread, and none waits: each mail server has a queue, which
// one goroutine empties while there is something in it. A mail that a server does not take
// is lost, as in the reference.
package mail

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"bench/internal/sock"
	"bench/proxy/spec"
)

// longest is how many mails wait for one server at most; further ones are lost.
const longest = 1000

// Post sends mail about the servers of one backend.
type Post struct {
	mail  *spec.Mail
	host  string
	boxes []*box
	ctx   context.Context // of what goes on by itself
	end   context.CancelFunc
	busy  sync.WaitGroup
}

// box is what waits for one mail server.
type box struct {
	addr sock.Addr

	// Guarded by mu.

	mu      sync.Mutex
	waiting []string
	busy    bool
}

// New makes the post of a backend. host is the name of this host.
func New(m *spec.Mail, host string) *Post {
	p := &Post{mail: m, host: host}
	p.ctx, p.end = context.WithCancel(context.Background())
	if m.Host != "" {
		p.host = m.Host
	}
	for i := range m.Mailers.Servers {
		p.boxes = append(p.boxes, &box{addr: m.Mailers.Servers[i].Addr})
	}
	return p
}

// Send sends a mail about an event of a level, if that is severe enough.
func (p *Post) Send(level int, text string) {
	if p == nil || level > p.mail.Level {
		return
	}
	letter := p.letter(text, time.Now())
	for _, b := range p.boxes {
		b.mu.Lock()
		if len(b.waiting) < longest {
			b.waiting = append(b.waiting, letter)
		}
		if !b.busy && p.ctx.Err() == nil {
			b.busy = true
			p.busy.Go(func() { p.empty(b) })
		}
		b.mu.Unlock()
	}
}

// Close drops what has not been sent.
func (p *Post) Close() {
	if p == nil {
		return
	}
	p.end()
	for _, b := range p.boxes { // whoever sends has begun by now, or sees the end
		b.mu.Lock()
		b.waiting = nil
		b.mu.Unlock()
	}
	p.busy.Wait()
}

// empty sends what waits.
func (p *Post) empty(b *box) {
	for {
		b.mu.Lock()
		if len(b.waiting) == 0 || p.ctx.Err() != nil {
			b.waiting, b.busy = nil, false
			b.mu.Unlock()
			return
		}
		letter := b.waiting[0]
		b.waiting = b.waiting[1:]
		b.mu.Unlock()
		_ = p.deliver(&b.addr, letter) // there is nobody to tell
	}
}

// letter is the mail itself.
func (p *Post) letter(text string, now time.Time) string {
	text = strings.TrimSuffix(strings.NewReplacer("\r", " ", "\n", " ").Replace(text), ".")
	return fmt.Sprintf("From: %s\r\nTo: %s\r\nDate: %s\r\nSubject: [HAProxy Alert] %s\r\n\r\n%s\r\n\r\n.\r\n",
		p.mail.From, p.mail.To, now.Format("Mon, _2 Jan 2006 15:04:05 -0700 (MST)"), text, text)
}

var errRefused = errors.New("the mail server refuses")

// deliver has one server take one mail.
func (p *Post) deliver(to *sock.Addr, letter string) error {
	ctx, cancel := context.WithTimeout(p.ctx, p.mail.Mailers.Timeout)
	defer cancel()
	network, addr := "tcp", ""
	if to.IsUnix() {
		network, addr = "unix", to.Path()
	} else {
		addr = to.AddrPort().String()
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	answers := bufio.NewReader(conn)
	for _, say := range []struct {
		text string
		want byte // the first digit of a good answer to it
	}{
		{"", '2'},
		{"HELO " + p.host + "\r\n", '2'},
		{"MAIL FROM:<" + p.mail.From + ">\r\n", '2'},
		{"RCPT TO:<" + p.mail.To + ">\r\n", '2'},
		{"DATA\r\n", '3'},
		{letter, '2'},
		{"QUIT\r\n", '2'},
	} {
		if _, err := conn.Write([]byte(say.text)); err != nil {
			return err
		}
		code, err := answer(answers)
		switch {
		case err != nil:
			return err
		case code[0] != say.want:
			return errRefused
		}
	}
	return nil
}

// answer reads an answer, which may have several lines, and gives the code of the last one.
func answer(r *bufio.Reader) (code string, err error) {
	for size := 0; ; {
		line, err := r.ReadSlice('\n')
		size += len(line)
		switch {
		case err != nil:
			return "", err
		case len(line) < 4, size > 64<<10:
			return "", errRefused
		case line[3] != '-':
			return string(line[:3]), nil
		}
	}
}
