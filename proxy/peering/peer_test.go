package peering

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"bench/internal/sock"
	"bench/internal/testquiet"
	"bench/proxy/table"
	"bench/proxy/varint"
)

// alone starts a process whose peer is the test.
func alone(t *testing.T) (*node, string) {
	t.Helper()
	fd, a := listen(t)
	_, nowhere := listen(t) // it accepts nothing
	n := start(t, "a", fd, map[string]sock.Addr{"a": a, "b": nowhere}, func(c *Config) { c.Times.Retry = patience; c.Times.Resync = patience })
	return n, a.String()
}

func dial(t *testing.T, to string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return c
}

// Each wrong greeting has its answer, behind which the connection ends.
func TestGreetings(t *testing.T) {
	_, at := alone(t)
	for hello, want := range map[string]string{
		"HAProxyS 2.1\nx\nb 1 1\n":                         "503\n",
		"HAProxyS 2.1\na\nx 1 1\n":                         "504\n",
		"HAProxyS 1.0\na\nb 1 1\n":                         "502\n",
		"HAProxyS 3.0\na\nb 1 1\n":                         "502\n",
		"HAProxyS two\na\nb 1 1\n":                         "502\n",
		"GET / HTTP/1.1\r\n":                               "501\n",
		"HAProxyS 2.1\na\nb\n":                             "501\n",
		strings.Repeat("x", 2*maxHello):                    "501\n",
		"HAProxyS 2.1\n" + strings.Repeat("a", 2*maxHello): "501\n",
	} {
		c := dial(t, at)
		if _, err := io.WriteString(c, hello); err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(c) // what was not read may end it by a reset
		if string(got) != want && len(got) > 0 {
			t.Errorf("%.40q is answered by %q, want %q", hello, got, want)
		}
	}
	for _, hello := range []string{"HAProxyS 2.1\na\nb 1 1\n", "HAProxyS 2.0\r\na\r\nb 1 1\r\n", "HAProxyS 2.9\na\nb 1 1 more\n"} {
		c := dial(t, at)
		if _, err := io.WriteString(c, hello); err != nil {
			t.Fatal(err)
		}
		if got, err := bufio.NewReader(c).ReadString('\n'); got != "200\n" {
			t.Errorf("%q is answered by %q, %v", hello, got, err)
		}
	}
}

// stream is what a peer says: tables, entries in all forms, and what is asked.
func stream() []byte {
	out := []byte("HAProxyS 2.1\na\nb 1 1\n")
	var d sentTexts
	for i, s := range tableSpecs() {
		from := table.New(s)
		out = appendMessage(out, define, appendDefinition(nil, uint64(i)*1000+3, s))
		n := node{tables: []*table.Table{from}}
		for k := range uint32(5) {
			change(&n, 0, k, uint64(k)*300)
			x, _ := from.Get(key(s, k), from.Now())
			var b []byte
			kind := [...]byte{update, nextUpdate, timedUpdate, nextTimed, nextUpdate}[k]
			if kind == update || kind == timedUpdate {
				b = append(b, 0, 0, 1, byte(k))
			}
			if kind == timedUpdate || kind == nextTimed {
				b = append(b, 0, 1, 0, 0)
			}
			b = appendCells(appendKey(b, s, x.Key()), s, &x, &d)
			b = append(b, "what later versions add"...)
			out = appendMessage(out, kind, b)
		}
		out = append(out, classControl, heartbeat, classControl, 77, 200, 1)
		out = appendMessage(out, 140, []byte("unknown"))
	}
	out = appendMessage(out, define, appendDefinition(nil, 9, &table.Spec{SharedAs: "strange", Type: table.IP, Length: 4}))
	out = appendMessage(out, update, []byte{0, 0, 0, 1, 9, 9, 9, 9})
	out = appendMessage(out, switchTo, varint.Append(nil, 3))
	return append(out, classControl, resyncFinished)
}

// What comes means the same in whatever pieces it comes, and so does what comes twice.
func TestPieces(t *testing.T) {
	said := stream()
	var want string
	for _, size := range []int{len(said), 1, 3, 0, 0} {
		n, at := alone(t)
		c := dial(t, at)
		for rest := said; len(rest) > 0; {
			piece := size
			if size == 0 {
				piece = 1 + rand.N(60)
			}
			piece = min(piece, len(rest))
			if _, err := c.Write(rest[:piece]); err != nil {
				t.Fatal(err)
			}
			rest = rest[piece:]
		}
		// The answer to the last message shows that all was read.
		var got []byte
		buf := make([]byte, 4096)
		for !bytes.Contains(got, []byte{classControl, resyncConfirm}) {
			k, err := c.Read(buf)
			if err != nil {
				t.Fatalf("pieces of %d: %v behind %q", size, err, got)
			}
			got = append(got, buf[:k]...)
		}
		if d := dump(n); want == "" {
			want = d
			if strings.Count(d, "\n") != 25 {
				t.Fatalf("not all entries have come:\n%s", d)
			}
		} else if d != want {
			t.Errorf("in pieces of %d:\n%s\nwant\n%s", size, d, want)
		}
		n.stop()
	}
}

// A message that ends early or late, or is damaged, ends the connection at worst.
func TestDamage(t *testing.T) {
	said := stream()
	greeting := bytes.IndexByte(said, '\n')
	n, at := alone(t)
	for round := range 150 {
		b := bytes.Clone(said)
		switch round % 4 {
		case 0:
			b = b[:rand.N(len(b))]
		case 1:
			for range 1 + rand.N(5) {
				b[greeting+rand.N(len(b)-greeting)] = byte(rand.N(256))
			}
		case 2:
			from := rand.N(len(b))
			b = append(b[:from], b[min(len(b), from+rand.N(20)):]...)
		default:
			for i := 24; i < len(b); i++ {
				b[i] = byte(rand.N(256))
			}
		}
		c := dial(t, at)
		_, _ = c.Write(b)
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.CloseWrite()
		}
		_, _ = io.Copy(io.Discard, c)
		_ = c.Close()
	}
	if _, ok := n.g.View(); !ok {
		t.Fatal("the loop has ended")
	}
}

// A message that is longer than any may be is refused as such.
func TestTooLong(t *testing.T) {
	_, at := alone(t)
	c := dial(t, at)
	b := varint.Append(append([]byte("HAProxyS 2.1\na\nb 1 1\n"), classTable, update), maxMessage+1)
	if _, err := c.Write(b); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(c)
	if err != nil || !bytes.HasSuffix(got, []byte{classError, sizeError}) {
		t.Errorf("answered by %q, %v", got, err)
	}
}

// A peer that says nothing any more is given up, and one that lives is not.
func TestSilence(t *testing.T) {
	fd, a := listen(t)
	_, nowhere := listen(t)
	n := start(t, "a", fd, map[string]sock.Addr{"a": a, "b": nowhere}, func(c *Config) {
		c.Times.Heartbeat, c.Times.Dead, c.Times.Retry = 20*time.Millisecond, 300*time.Millisecond, patience
	})
	c := dial(t, a.String())
	if _, err := fmt.Fprint(c, "HAProxyS 2.1\na\nb 1 1\n"); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(c)
	if !bytes.Contains(got, []byte{classControl, heartbeat}) {
		t.Errorf("no sign of life in %q, %v", got, err)
	}
	v, _ := n.g.View()
	silent := 0
	for i := range v.Peers {
		silent += v.Peers[i].Silent
	}
	if silent != 1 {
		t.Errorf("%d connections have ended for silence, want 1", silent)
	}
}

// A message that does not come to an end is no sign of life.
func TestHalfMessages(t *testing.T) {
	fd, a := listen(t)
	_, nowhere := listen(t)
	start(t, "a", fd, map[string]sock.Addr{"a": a, "b": nowhere}, func(c *Config) {
		c.Times.Dead, c.Times.Retry = 200*time.Millisecond, patience
	})
	c := dial(t, a.String())
	if _, err := fmt.Fprint(c, "HAProxyS 2.1\na\nb 1 1\n"); err != nil {
		t.Fatal(err)
	}
	b := varint.Append([]byte{classTable, update}, maxMessage)
	for end := time.Now().Add(patience / 2); ; time.Sleep(20 * time.Millisecond) {
		if _, err := c.Write(b); err != nil {
			return
		}
		if b = []byte("x"); time.Now().After(end) {
			t.Fatal("it is waited for the end of a message")
		}
	}
}

// Behind an attempt that has come to nothing the next one follows when it would have been
// due anyway.
func TestHangingAttempts(t *testing.T) {
	if testquiet.Tried(t) {
		return
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	b, err := sock.Parse(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	fd, a := listen(t)
	const every = 200 * time.Millisecond
	start(t, "a", fd, map[string]sock.Addr{"a": a, "b": b}, func(c *Config) { c.Times.Retry = every })
	var last time.Time
	for range 4 {
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if took := time.Since(last); !last.IsZero() && (took < every*9/10 || took > every*3/2) {
			t.Errorf("the next attempt came after %v, want %v", took, every)
		}
		last = time.Now()
	}
}

// One that does not know the version is greeted by the one before.
func TestOlderVersion(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	b, err := sock.Parse(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	fd, a := listen(t)
	start(t, "a", fd, map[string]sock.Addr{"a": a, "b": b}, nil)
	for _, want := range []string{"HAProxyS 2.1\n", "HAProxyS 2.0\n", "HAProxyS 2.1\n"} {
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(patience))
		if got, err := bufio.NewReader(c).ReadString('\n'); got != want {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
		_, _ = io.WriteString(c, "502\n")
		_ = c.Close()
	}
}

// A peer that lives, but takes nothing, is told so no sooner than any other one.
func TestNothingIsTaken(t *testing.T) {
	n, at := alone(t)
	c := dial(t, at)
	if _, err := fmt.Fprint(c, "HAProxyS 2.1\na\nb 1 1\n"); err != nil {
		t.Fatal(err)
	}
	until(t, "connected", func() bool { return connected(n) == 1 })
	n.l.Call(func() {
		for s := range n.g.sessions {
			for sent := 1; sent > 0; {
				sent, _ = s.end.Send(make([]byte, 1<<16))
			}
			now := n.l.Refresh()
			s.heard, s.said = now, now-int64(time.Minute)
			s.Expired(&s.timer)
			if due := time.Duration(s.timer.When() - now); due < n.g.cfg.Times.Heartbeat/2 {
				t.Errorf("the next sign of life is due in %v", due)
			}
		}
	})
}

func FuzzMessages(f *testing.F) {
	said := stream()
	f.Add(said[bytes.IndexByte(said, 'b')+6:])
	f.Fuzz(func(t *testing.T, b []byte) {
		tables := tableSpecs()
		var d knownTexts
		for len(b) > 0 {
			m, n, err := readMessage(b)
			if err != nil || n == 0 {
				return
			}
			if n > len(b) {
				t.Fatalf("a message of %d bytes in %d", n, len(b))
			}
			b = b[n:]
			if m.class != classTable {
				continue
			}
			if def, useful, ok := parseDefinition(m.body); useful && ok {
				for _, s := range tables {
					r := reader{b: m.body}
					r.uint32()
					r.key(s, make([]byte, 16))
					cells := r.cells(nil, def.columns, &d)
					if len(cells) > 3*table.MaxArray+int(table.NumData) {
						t.Fatalf("%d cells", len(cells))
					}
				}
			}
		}
	})
}
