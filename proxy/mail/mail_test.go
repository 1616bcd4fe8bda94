package mail

import (
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"bench/internal/sock"
	"bench/internal/testserver"
	"bench/proxy/spec"
)

func post(addr string, timeout time.Duration) *Post {
	m := &spec.Mailers{Timeout: timeout, Servers: []spec.Mailer{{Addr: sock.FromAddrPort(netip.MustParseAddrPort(addr))}}}
	return New(&spec.Mail{From: "a@x", To: "b@y", Level: 5, Mailers: m}, "host")
}

// What a mail server says may come byte by byte, and in lines.
func TestAnswersInPieces(t *testing.T) {
	told := make(chan string, 2)
	addr := testserver.TCP(t, func(c net.Conn) {
		defer c.Close()
		got := ""
		for _, x := range []struct{ say, until string }{
			{"220-a\r\n220 b\r\n", "HELO host\r\n"},
			{"250-a\r\n250-b\r\n250 c\r\n", "MAIL FROM:<a@x>\r\n"},
			{"250\r\n", "RCPT TO:<b@y>\r\n"},
			{"250 d\r\n", "DATA\r\n"},
			{"354 e\r\n", "\r\n.\r\n"},
			{"250 f\r\n", "QUIT\r\n"},
		} {
			for i := range x.say {
				_, _ = io.WriteString(c, x.say[i:i+1])
			}
			for b := make([]byte, 1); !strings.HasSuffix(got, x.until); {
				if _, err := c.Read(b); err != nil {
					told <- got
					return
				}
				got += string(b)
			}
		}
		told <- got
	})
	p := post(addr, 20*time.Second)
	defer p.Close()
	p.Send(6, "too little")
	p.Send(5, "a server\r\nis UP.")
	got := <-told
	if !strings.HasPrefix(got, "HELO host\r\n") || !strings.Contains(got, "Subject: [HAProxy Alert] a server  is UP\r\n\r\na server  is UP\r\n\r\n.\r\nQUIT\r\n") {
		t.Errorf("the server was told %q", got)
	}
}

// A server that says nothing costs its time, and mail behind it is sent all the same; the
// end of the process waits for none.
func TestMute(t *testing.T) {
	came := make(chan bool, 10)
	addr := testserver.TCP(t, func(c net.Conn) {
		came <- true
		_, _ = io.Copy(io.Discard, c)
		c.Close()
	})
	p := post(addr, 50*time.Millisecond)
	for range longest + 10 {
		p.Send(1, "down.")
	}
	b := p.boxes[0]
	b.mu.Lock()
	if n := len(b.waiting); n > longest {
		t.Errorf("%d mails wait", n)
	}
	b.mu.Unlock()
	<-came
	<-came
	p.Close()
	p.Send(1, "late")
}

// Servers change while the process ends: what is said then is dropped, and nothing is sent
// behind the end.
func TestSendWhileClosing(t *testing.T) {
	for range 200 {
		p := post("127.0.0.1:1", time.Second)
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() { p.Send(1, "a server is DOWN.") })
		}
		p.Close()
		all.Wait()
		for _, b := range p.boxes {
			if b.mu.Lock(); b.busy {
				t.Error("mail is on its way after the end")
			}
			b.mu.Unlock()
		}
	}
}
