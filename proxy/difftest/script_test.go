package difftest

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// A step is one thing an end of the exchange does on its connection.
type step struct {
	op   op
	text string
	time time.Duration
}

type op int

const (
	opSend  op = iota
	opAwait    // read until text has come
	opPause
	opShut  // end our direction
	opClose // close at once
	opReset // close with a reset
	opLoop  // start over
	opDie   // the whole origin ends, as a process does that is killed
	// opCommand has the runtime API do something; scripts of TestTables have it.
	opCommand
)

func send(text string) step         { return step{op: opSend, text: text} }
func await(text string) step        { return step{op: opAwait, text: text} }
func pause(d time.Duration) step    { return step{op: opPause, time: d} }
func shut() step                    { return step{op: opShut} }
func closeNow() step                { return step{op: opClose} }
func reset() step                   { return step{op: opReset} }
func loop() step                    { return step{op: opLoop} }
func die() step                     { return step{op: opDie} }
func answer(text string) []step     { return []step{await("\r\n\r\n"), send(text), loop()} }
func answerOnce(text string) []step { return []step{await("\r\n\r\n"), send(text), closeNow()} }

// How a connection ended, as seen by one end of it.
const (
	endOpen   = "open"   // not at all: we left first
	endEOF    = "closed" // the proxy ended its direction
	endReset  = "reset"
	endByUs   = "left" // the script closed it
	endFailed = "failed"
)

// awaitLimit bounds how long a script waits for something it expects.
const awaitLimit = 3 * time.Second

// firstLimit is how long to wait for the first bytes after a script's last step:
// on a busy machine an answer takes its time.
const firstLimit = time.Second

// peer runs a script on a connection and records what comes in.
type peer struct {
	conn  *net.TCPConn
	quiet time.Duration // with the script at its end: leave when nothing came for so long
	cut   *cutter       // what to send in pieces, nil for in one
	die   func()        // what ends the whole origin

	mu   sync.Mutex
	got  []byte
	end  string
	read int // how much of got earlier awaits have used
}

// play runs the script, then reads on until the proxy closes or is quiet. It
// returns once the connection is closed.
func (p *peer) play(script []step) {
	defer p.conn.Close()
	for i := 0; i < len(script); i++ {
		s := script[i]
		switch s.op {
		case opSend:
			_ = p.conn.SetWriteDeadline(time.Now().Add(awaitLimit))
			if err := p.cut.write(p.conn, s.text); err != nil {
				// The proxy may have closed already: what it said is still to be read.
				p.drain(p.quiet)
				return
			}
		case opAwait:
			if !p.await(s.text) {
				return
			}
		case opPause:
			time.Sleep(s.time)
		case opShut:
			_ = p.conn.CloseWrite()
		case opClose:
			p.setEnd(endByUs)
			return
		case opReset:
			p.setEnd(endByUs)
			_ = p.conn.SetLinger(0)
			return
		case opLoop:
			i = -1
		case opDie:
			p.setEnd(endByUs)
			p.die()
			return
		case opCommand: // by those who play scripts that have it
		}
	}
	if p.receive(time.Now().Add(max(p.quiet, firstLimit))) || p.cut.sending() {
		p.drain(p.quiet)
	}
}

// await reads until text has come since the await before.
func (p *peer) await(text string) bool {
	deadline := time.Now().Add(awaitLimit)
	for {
		p.mu.Lock()
		i := bytes.Index(p.got[p.read:], []byte(text))
		if i >= 0 {
			p.read += i + len(text)
		}
		p.mu.Unlock()
		if i >= 0 {
			return true
		}
		if !p.receive(deadline) {
			return false
		}
	}
}

// drain reads until the end, or until nothing came for so long and nobody is at
// sending pieces.
func (p *peer) drain(quiet time.Duration) {
	for p.receive(time.Now().Add(quiet)) || p.end == endOpen && p.cut.sending() {
	}
}

// receive reads once. It reports whether the connection goes on.
func (p *peer) receive(deadline time.Time) bool {
	var buf [16384]byte
	_ = p.conn.SetReadDeadline(deadline)
	n, err := p.conn.Read(buf[:])
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got = append(p.got, buf[:n]...)
	switch {
	case err == nil:
		return true
	case errors.Is(err, os.ErrDeadlineExceeded):
		p.end = endOpen
	case errors.Is(err, io.EOF):
		p.end = endEOF
	case errors.Is(err, syscall.ECONNRESET):
		p.end = endReset
	default:
		p.end = endFailed
	}
	return false
}

func (p *peer) setEnd(end string) {
	p.mu.Lock()
	p.end = end
	p.mu.Unlock()
}

// origin is a server that plays one script per connection, in the order the
// connections come; the last script is for all further ones.
type origin struct {
	l       *net.TCPListener
	scripts [][]step
	quiet   time.Duration
	cut     func() *cutter // for each connection
	done    sync.WaitGroup

	mu    sync.Mutex
	peers []*peer
}

// Without scripts there is none.
func newOrigin(scripts [][]step, quiet time.Duration, cut func() *cutter) (*origin, error) {
	if len(scripts) == 0 {
		return nil, nil
	}
	l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, err
	}
	o := &origin{l: l, scripts: scripts, quiet: quiet, cut: cut}
	o.done.Go(o.accept)
	return o, nil
}

func (o *origin) accept() {
	for {
		c, err := o.l.AcceptTCP()
		if err != nil {
			return
		}
		p := &peer{conn: c, quiet: o.quiet, cut: o.cut(), die: o.die}
		o.mu.Lock()
		script := o.scripts[min(len(o.peers), len(o.scripts)-1)]
		o.peers = append(o.peers, p)
		o.mu.Unlock()
		o.done.Go(func() { p.play(script) })
	}
}

// die ends the origin as the end of its process would: nothing listens any more, and
// its connections are reset.
func (o *origin) die() {
	o.l.Close()
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, p := range o.peers {
		_ = p.conn.SetLinger(0)
		_ = p.conn.Close()
	}
}

// port is where the origin listens, or one where nothing does.
func (o *origin) port() int {
	if o == nil {
		return 1
	}
	return o.l.Addr().(*net.TCPAddr).Port
}

// stop ends the origin and returns what came in on every connection.
func (o *origin) stop() []string {
	if o == nil {
		return nil
	}
	o.l.Close()
	o.mu.Lock()
	for _, p := range o.peers {
		_ = p.conn.SetReadDeadline(time.Now())
	}
	o.mu.Unlock()
	o.done.Wait()
	var got []string
	for _, p := range o.peers {
		got = append(got, string(p.got))
	}
	return got
}
