package difftest

import (
	"bufio"
	"flag"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var seed = flag.Uint64("seed", 1, "of where messages are cut at random; 0: by the clock")

// pieces says how everything that clients and origins send is cut. Messages come
// from the network like that, and meanwhile bytes of others pass through the same
// thread.
type pieces string

const (
	atOnce     pieces = ""
	byByte     pieces = "byte by byte"
	atRandom   pieces = "in random pieces"
	inSegments pieces = "in segments"
)

// segment is what an Ethernet frame carries of a TCP stream.
const segment = 1448

// drawSeed draws the seed if none was given, and says it: a failure can be had again
// with it.
func drawSeed(t *testing.T) {
	if *seed == 0 {
		*seed = uint64(time.Now().UnixNano())
	}
	t.Logf("messages are cut by -seed %d", *seed)
}

// inPieces are all exchanges once more in pieces. HAProxy gets the same pieces.
func inPieces() []exchange {
	var all []exchange
	for _, table := range tables() {
		for _, e := range table {
			if e.onlyAtOnce != "" || e.listsOptions() {
				continue
			}
			for _, how := range []pieces{byByte, atRandom, inSegments} {
				if how == inSegments && !e.sendsMoreThan(segment) {
					continue // the same as at once
				}
				in := e
				in.name += " (" + string(how) + ")"
				in.pieces = how
				in.unsteady = true // where HAProxy differs, it may not by the timing of pieces
				all = append(all, in)
			}
		}
	}
	return all
}

// Reasons why exchanges are not played in pieces.
const (
	passedOn = "what came before the fault has been passed on by then"
	timed    = "a time-out runs while the pieces come"
	byChance = "how far the bytes have come when somebody leaves is chance"
)

// optionList finds several options of a connection.
var optionList = regexp.MustCompile(`(?i)\nconnection:[^\n]*,|(?is)\nconnection:.*\nconnection:`)

// listsOptions tells whether the client lists options of the connection. HAProxy
// 2.6 then rewrites the field where it lies, and reads what it wrote over the rest
// of it once more when the head goes on later: "keep-alive, Upgrade" becomes
// "Upgradeive, Upgrade". It is no reference there.
func (e *exchange) listsOptions() bool {
	for _, s := range e.client {
		if s.op == opSend && optionList.MatchString(s.text) {
			return true
		}
	}
	return false
}

// sendsMoreThan tells whether anything is sent that is longer than n bytes.
func (e *exchange) sendsMoreThan(n int) bool {
	for _, scripts := range [][][]step{{e.client}, e.others, e.origin} {
		for _, script := range scripts {
			for _, s := range script {
				if s.op == opSend && len(s.text) > n {
					return true
				}
			}
		}
	}
	return false
}

// end is how a connection has ended, as far as that is no chance. Whoever still
// sends when the proxy closes sees a reset or not as it happens.
func (how pieces) end(end string) string {
	if how != atOnce && end == endReset {
		return endEOF
	}
	return end
}

// cutter sends texts in pieces; nil sends them in one.
type cutter struct {
	how    pieces
	rng    *rand.Rand
	beside *neighbour
}

func (how pieces) cutter(beside *neighbour) *cutter {
	if how == atOnce {
		return nil
	}
	// The same cuts for both proxies.
	return &cutter{how, rand.New(rand.NewPCG(*seed, 0)), beside}
}

// headEnd is up to where texts are cut finely: in what follows there are no heads.
const headEnd = 400

// bulkGap is how many pieces of a body go out before the neighbour acts again.
const bulkGap = 32

// size is that of the next piece behind the first n bytes.
func (c *cutter) size(n int) int {
	switch {
	case c.how == byByte && n < headEnd:
		return 1
	case c.how == atRandom && n < headEnd:
		return 1 + c.rng.IntN(60)
	case c.how == atRandom:
		return 1 + c.rng.IntN(8000)
	}
	return segment
}

func (c *cutter) write(conn net.Conn, text string) error {
	if c == nil {
		_, err := io.WriteString(conn, text)
		return err
	}
	c.beside.senders.Add(1)
	defer c.beside.senders.Add(-1)
	for n, k := 0, 0; n < len(text); k++ {
		size := min(c.size(n), len(text)-n)
		if _, err := io.WriteString(conn, text[n:n+size]); err != nil {
			return err
		}
		n += size
		if n < headEnd || k%bulkGap == 0 {
			c.beside.act()
		}
	}
	return nil
}

// sending tells whether pieces are still on their way, on any connection of the
// exchange.
func (c *cutter) sending() bool { return c != nil && c.beside.senders.Load() > 0 }

// neighbour is another client of the proxy's one thread.
type neighbour struct {
	senders atomic.Int32 // cutters at work

	mu   sync.Mutex
	addr string
	n    int
	conn net.Conn
	r    *bufio.Reader
}

// come lets the neighbour act from now on.
func (b *neighbour) come(addr string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.addr = addr
}

// act has the proxy answer a request, so that its thread has read other bytes, and
// what was sent before them, by then. The head comes in pieces every other time.
func (b *neighbour) act() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.conn == nil {
		c, err := net.DialTimeout("tcp4", b.addr, awaitLimit)
		if err != nil {
			return // the proxy has died, which is told elsewhere
		}
		b.conn, b.r = c, bufio.NewReader(c)
	}
	b.n++
	text := "GET /ready HTTP/1.1\r\nHost: neighbour\r\nCookie: " + strings.Repeat(string(rune('A'+b.n%26)), 100+b.n%50) + "\r\n\r\n"
	_ = b.conn.SetDeadline(time.Now().Add(awaitLimit))
	cut := len(text)
	if b.n%2 == 0 {
		cut = b.n % len(text)
	}
	_, _ = io.WriteString(b.conn, text[:cut])
	if cut < len(text) {
		_, _ = io.WriteString(b.conn, text[cut:])
	}
	resp, err := http.ReadResponse(b.r, nil)
	if err == nil {
		_, err = io.Copy(io.Discard, resp.Body)
	}
	if err != nil || resp.Close || resp.StatusCode != http.StatusOK {
		b.close()
	}
}

func (b *neighbour) close() {
	if b.conn != nil {
		b.conn.Close()
		b.conn = nil
	}
}

func (b *neighbour) leave() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.close()
}
