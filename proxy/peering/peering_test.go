package peering

import (
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"bench/internal/loop"
	"bench/internal/poison"
	"bench/internal/sock"
	"bench/internal/tlsio"
	"bench/proxy/spec"
	"bench/proxy/table"
	"bench/proxy/transport"
)

func TestMain(m *testing.M) {
	poison.Enable()
	os.Exit(m.Run())
}

// patience is how long tests wait for what ought to come at once.
const patience = 30 * time.Second

// quick are times at which a test does not have to wait.
func quick() Times {
	return Times{
		Resync: 200 * time.Millisecond, Retry: 20 * time.Millisecond, Heartbeat: 3 * time.Second, Dead: patience,
		Again: time.Millisecond, Spread: 5 * time.Millisecond, Gather: time.Millisecond,
	}
}

// tableSpecs are tables of all types of keys, with all types of data among them.
func tableSpecs() []*table.Spec {
	one := func(name string, typ table.Type, length int, columns ...table.Column) *table.Spec {
		s := &table.Spec{Name: name, SharedAs: name, Peers: "p", Type: typ, Length: length, Size: 100_000, Expire: time.Hour}
		for _, c := range columns {
			s.Add(c)
		}
		return s
	}
	var all []table.Column
	for d := range table.NumData {
		if d == table.GPC || d == table.GPT || d == table.GPCRate {
			continue // an element of them and a datum of its own are not kept at a time
		}
		c := table.Column{Datum: d, N: 1}
		if d.Form() == table.Frequency {
			c.Period = time.Hour
		}
		all = append(all, c)
	}
	arrays := []table.Column{{Datum: table.GPC, N: 5}, {Datum: table.GPT, N: 3}, {Datum: table.GPCRate, N: 4, Period: time.Hour}}
	return []*table.Spec{
		one("ip", table.IP, 4, all...), one("ip6", table.IPv6, 16, all...), one("int", table.Integer, 4, arrays...),
		one("str", table.String, 20, all...), one("bin", table.Binary, 7, arrays...),
	}
}

// node is one process in a test.
type node struct {
	g      *Group
	l      *loop.Loop
	tables []*table.Table
	fd     int
	ended  chan struct{}
}

func listen(t *testing.T) (int, sock.Addr) {
	t.Helper()
	a, err := sock.Parse("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	fd, err := sock.Listen(&a, &sock.ListenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	a, _ = sock.LocalAddr(fd)
	return fd, a
}

// start starts a process that listens on a socket. at are the addresses of all by name.
func start(t *testing.T, name string, fd int, at map[string]sock.Addr, change func(*Config)) *node {
	t.Helper()
	l, err := loop.New("", 64)
	if err != nil {
		t.Fatal(err)
	}
	kit := new(transport.Kit)
	kit.Init(l, 16384, 0, new(transport.PipeQuota))
	n := &node{l: l, fd: fd, ended: make(chan struct{})}
	for _, s := range tableSpecs() {
		n.tables = append(n.tables, table.New(s))
	}
	s := &spec.Peers{Name: "p"}
	for other, a := range at {
		s.Peers = append(s.Peers, &spec.Peer{Name: other, Local: other == name, Addr: a})
	}
	cfg := Config{
		Spec: s, Local: name, Tables: n.tables, Loop: l, Kit: kit, TLS: tlsio.NewQueue(l), AtOnce: 50, Times: quick(),
		Secure: func(*spec.Peer) *tls.Config { return nil },
	}
	if change != nil {
		change(&cfg)
	}
	n.g = New(cfg)
	if fd >= 0 {
		if err := n.g.Listen(fd, nil); err != nil {
			t.Fatal(err)
		}
	}
	n.g.Start()
	go func() {
		defer close(n.ended)
		if err := l.Run(); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(n.stop)
	return n
}

func (n *node) stop() {
	n.l.Stop()
	<-n.ended
	n.g.Close()
	if n.fd >= 0 {
		sock.Close(n.fd)
		n.fd = -1
	}
}

// key is a key of table i.
func key(s *table.Spec, n uint32) []byte {
	switch s.Type {
	case table.String:
		return fmt.Appendf(nil, "key %d", n)
	case table.Integer:
		return binary.NativeEndian.AppendUint32(nil, n)
	case table.IP, table.IPv6, table.Binary:
	}
	b := make([]byte, s.Length)
	binary.BigEndian.PutUint32(b[s.Length-4:], n)
	return b
}

// change changes all data of an entry, by a number.
func change(n *node, i int, k uint32, v uint64) {
	t := n.tables[i]
	now := t.Now()
	r, ok := t.Make(key(t.Spec, k), now)
	if !ok {
		panic("no room")
	}
	for _, c := range t.Columns {
		for e := range c.N {
			switch c.Datum.Form() {
			case table.Name:
				r.SetServer(int(v), fmt.Sprintf("server-%d", v%200), now)
			case table.Signed, table.Unsigned, table.Long, table.Frequency:
				r.Set(c.Datum, e, (v+uint64(e))&0xffff, now)
			}
		}
	}
	r.Drop()
}

// dump is all that tables hold, but for what is not shared.
func dump(n *node) string {
	var b strings.Builder
	for _, t := range n.tables {
		t.Each(t.Now(), func(x *table.Entry) bool {
			fmt.Fprintf(&b, "%s %x:", t.Name, x.Key())
			for _, c := range t.Columns {
				for i := range c.N {
					v := x.Cell(c.Datum, i)
					if v.Age = 0; c.Datum == table.ConnCur {
						continue
					}
					fmt.Fprintf(&b, " %v", v)
				}
			}
			b.WriteByte('\n')
			return true
		})
	}
	return b.String()
}

func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

func same(t *testing.T, a, b *node) {
	t.Helper()
	var x, y string
	defer func() {
		if t.Failed() {
			i := 0
			for i < min(len(x), len(y)) && x[i] == y[i] {
				i++
			}
			i = max(0, i-200)
			t.Logf("one has %d bytes, the other %d:\n%.400s\n---\n%.400s", len(x), len(y), x[min(i, len(x)):], y[min(i, len(y)):])
		}
	}()
	until(t, "both know the same", func() bool {
		x, y = dump(a), dump(b)
		if x != y {
			time.Sleep(20 * time.Millisecond)
		}
		return x == y
	})
}

func connected(n *node) int {
	v, _ := n.g.View()
	c := 0
	for i := range v.Peers {
		if v.Peers[i].Good {
			c++
		}
	}
	return c
}

// settled waits until nobody is taught: what is, would be put in place of what has been
// changed since it was said.
func settled(t *testing.T, all ...*node) {
	t.Helper()
	for _, n := range all {
		until(t, "up to date", func() bool {
			v, _ := n.g.View()
			for i := range v.Peers {
				if v.Peers[i].Teaching {
					return false
				}
			}
			return v.Stage == "finished"
		})
	}
}

func pair(t *testing.T, change func(*Config)) (a, b *node) {
	t.Helper()
	fa, aa := listen(t)
	fb, ab := listen(t)
	at := map[string]sock.Addr{"a": aa, "b": ab}
	a, b = start(t, "a", fa, at, change), start(t, "b", fb, at, change)
	settled(t, a, b)
	return a, b
}

// Whatever changes on one side appears on the other, in both directions, of all types of
// keys and data.
func TestChangesAreTold(t *testing.T) {
	a, b := pair(t, nil)
	for i := range a.tables {
		for k := range uint32(300) {
			change(a, i, k, uint64(k)*7)
			change(b, i, k+1000, uint64(k)*9)
		}
	}
	same(t, a, b)
	for i := range a.tables {
		change(a, i, 1005, 77)
		change(b, i, 5, 78)
	}
	same(t, a, b)
	if used := a.tables[0].Used(); used != 600 {
		t.Errorf("%d entries, want 600", used)
	}
}

// A change is there soon: how soon is in the log.
func TestChangesAreToldSoon(t *testing.T) {
	a, b := pair(t, nil)
	var worst time.Duration
	for k := range uint32(50) {
		began := time.Now()
		change(a, 0, k, 1)
		until(t, "told", func() bool {
			_, ok := b.tables[0].Get(key(b.tables[0].Spec, k), b.tables[0].Now())
			return ok
		})
		worst = max(worst, time.Since(began))
	}
	t.Logf("an entry appears on the other side within %v", worst)
	if worst > 10*time.Second {
		t.Errorf("an entry took %v", worst)
	}
}

// One that begins is taught what the other knows, also what that has from others.
func TestLessons(t *testing.T) {
	fa, aa := listen(t)
	fb, ab := listen(t)
	at := map[string]sock.Addr{"a": aa, "b": ab}
	a := start(t, "a", fa, at, nil)
	settled(t, a)
	for i, x := range a.tables {
		for k := range uint32(2000) {
			if k%2 == 0 {
				change(a, i, k, uint64(k))
			} else {
				x.Learn(key(x.Spec, k), nil, -1, x.Now()) // by others: these are no changes
			}
		}
	}
	b := start(t, "b", fb, at, nil)
	same(t, a, b)
	settled(t, b)
}

// relay stands between two processes, and can be cut.
type relay struct {
	l     net.Listener
	to    string
	mu    sync.Mutex
	conns map[net.Conn]bool
	down  bool
}

func newRelay(t *testing.T, to sock.Addr) (*relay, sock.Addr) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{l: l, to: to.String(), conns: map[net.Conn]bool{}}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go r.serve(c)
		}
	}()
	t.Cleanup(func() { _ = l.Close(); r.set(true) })
	a, err := sock.Parse(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return r, a
}

func (r *relay) add(c net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.down {
		_ = c.Close()
		return false
	}
	r.conns[c] = true
	return true
}

func (r *relay) serve(c net.Conn) {
	if !r.add(c) {
		return
	}
	d, err := net.Dial("tcp", r.to)
	if err != nil || !r.add(d) {
		_ = c.Close()
		return
	}
	go func() { _, _ = io.Copy(d, c); _ = d.Close() }()
	_, _ = io.Copy(c, d)
	_ = c.Close()
}

// set cuts all connections, in whatever they are, and refuses more, or ends that.
func (r *relay) set(down bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down = down
	for c := range r.conns {
		if down {
			_ = c.(*net.TCPConn).SetLinger(0)
			_ = c.Close()
			delete(r.conns, c)
		}
	}
}

// The link is cut and restored at 50 moments, and nothing is lost.
func TestCutLinks(t *testing.T) {
	fa, aa := listen(t)
	fb, ab := listen(t)
	toB, viaB := newRelay(t, ab)
	toA, viaA := newRelay(t, aa)
	a := start(t, "a", fa, map[string]sock.Addr{"a": aa, "b": viaB}, nil)
	b := start(t, "b", fb, map[string]sock.Addr{"a": viaA, "b": ab}, nil)
	settled(t, a, b)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for k := uint32(0); ; k++ {
			select {
			case <-stop:
				return
			default:
			}
			for i := range a.tables {
				change(a, i, k%300*2, uint64(k))
				change(b, i, k%300*2+1, uint64(k))
			}
			if k%16 == 0 {
				time.Sleep(time.Millisecond)
			}
		}
	}()
	for range 50 {
		time.Sleep(rand.N(20 * time.Millisecond))
		toA.set(true)
		toB.set(true)
		time.Sleep(rand.N(10 * time.Millisecond))
		toA.set(false)
		toB.set(false)
	}
	close(stop)
	<-done
	same(t, a, b)
}

// Three processes agree, each connected to each.
func TestRing(t *testing.T) {
	at := map[string]sock.Addr{}
	fds := map[string]int{}
	names := []string{"a", "b", "c"}
	for _, name := range names {
		fds[name], at[name] = listen(t)
	}
	var all []*node
	for _, name := range names {
		all = append(all, start(t, name, fds[name], at, nil))
	}
	settled(t, all...)
	for k := range uint32(900) {
		change(all[k%3], int(k)%5, k, uint64(k))
	}
	same(t, all[0], all[1])
	same(t, all[1], all[2])
	for _, n := range all {
		until(t, "one connection to each", func() bool { return connected(n) == 2 })
	}
}

// A process that stops teaches the one that replaces it, under the same address.
func TestHandover(t *testing.T) {
	fd, a := listen(t)
	_, gone := listen(t)
	at := map[string]sock.Addr{"a": a, "b": gone}
	old := start(t, "a", fd, at, nil)
	for i := range old.tables {
		for k := range uint32(800) {
			change(old, i, k, uint64(k))
		}
	}
	settled(t, old)
	fresh, err := sock.Dup(fd)
	if err != nil {
		t.Fatal(err)
	}
	next := start(t, "a", fresh, at, func(c *Config) { c.Replaces = true; c.Times.Resync = patience })
	taught := make(chan struct{})
	old.l.Call(func() { old.g.Unlisten(); old.g.Stop(func() { close(taught) }) })
	select {
	case <-taught:
	case <-time.After(patience):
		t.Fatal("the old process has not taught the new one")
	}
	if x, y := dump(old), dump(next); x != y {
		t.Fatalf("the old process has %d bytes, the new one %d", len(x), len(y))
	}
	if v, _ := next.g.View(); v.Stage != "finished" {
		t.Errorf("the new process still learns: %s", v.Stage)
	}
	// What changes behind that is told, too, as long as the old process is there.
	change(old, 0, 99999, 1)
	same(t, old, next)
}

// Nobody replaces a process: it ends at once.
func TestNoHandover(t *testing.T) {
	fd, a := listen(t)
	n := start(t, "a", fd, map[string]sock.Addr{"a": a}, nil)
	change(n, 0, 1, 1)
	done := make(chan struct{})
	n.l.Call(func() { n.g.Unlisten() })
	n.stopListening()
	n.l.Call(func() { n.g.Stop(func() { close(done) }) })
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("it waits for nobody")
	}
}

func (n *node) stopListening() {
	sock.Close(n.fd)
	n.fd = -1
}

func TestTexts(t *testing.T) {
	var out sentTexts
	var in knownTexts
	for i := range 1000 {
		text := fmt.Sprint("name ", rand.N(200))
		if i%7 == 0 {
			text = ""
		}
		r := reader{b: out.append(nil, text)}
		got, ok := in.read(&r)
		if ok != (text != "") || got != text || r.failed || len(r.b) != 0 {
			t.Fatalf("%q comes as %q, %v", text, got, ok)
		}
	}
	if len(out.places) > texts {
		t.Errorf("%d texts are remembered", len(out.places))
	}
}
