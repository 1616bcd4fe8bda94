package process_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// link carries connections to a peer, and cuts them.
type link struct {
	mu    sync.Mutex
	conns map[net.Conn]bool
	made  int
}

// newLink begins to accept for a peer, and returns where.
func newLink(t *testing.T, to string) (*link, string) {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	k := &link{conns: map[net.Conn]bool{}}
	var carrying sync.WaitGroup
	carrying.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			d, err := net.Dial("tcp4", to)
			if err != nil {
				_ = c.Close()
				continue
			}
			k.mu.Lock()
			k.conns[c], k.conns[d] = true, true
			k.made++
			k.mu.Unlock()
			carry := func(a, b net.Conn) {
				_, _ = io.Copy(a, b)
				_ = a.Close()
				_ = b.Close()
			}
			carrying.Go(func() { carry(c, d) })
			carrying.Go(func() { carry(d, c) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); k.cut(); carrying.Wait() })
	return k, l.Addr().String()
}

// cut ends all connections in whatever they are, and tells how many were made so far.
func (k *link) cut() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	for c := range k.conns {
		_ = c.(*net.TCPConn).SetLinger(0)
		_ = c.Close()
	}
	clear(k.conns)
	return k.made
}

func (k *link) links() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.made
}

// The link between our process and the reference is cut at 50 moments, while both change
// entries, and none is lost in either direction.
func TestLinkToHAProxyIsCut(t *testing.T) {
	t.Parallel()
	var links []*link
	all := linked(t, map[string]string{"a": os.Args[0], "b": reference(t)}, "", func(_, addr string) string {
		k, at := newLink(t, addr)
		links = append(links, k)
		return at
	})
	made := func() (n int) {
		for _, k := range links {
			n += k.links()
		}
		return n
	}
	stop := make(chan struct{})
	var changing sync.WaitGroup
	for _, m := range all {
		changing.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				command := fmt.Sprintf("set table str key %s%d data.gpc0 %d", m.name, n%400, n)
				if out := strings.TrimSpace(ask(m.stats, command)); out != "" {
					t.Errorf("%s: %s", command, out)
					return
				}
			}
		})
	}
	// A cut before there is a link again would be none.
	for range 25 {
		before := made()
		time.Sleep(rand.N(40 * time.Millisecond))
		for _, k := range links {
			k.cut()
		}
		waitLong(t, "a link", func() bool { return made() > before })
	}
	close(stop)
	changing.Wait()
	agree(t, all)
	if lines := strings.Count(tablesOf(all["a"]), "key=a"); lines < 100 {
		t.Errorf("only %d entries were changed", lines)
	}
}
