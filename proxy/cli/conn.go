package cli

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"bench/internal/giveway"
	"bench/internal/sock"
)

const (
	// LineSize bounds a line.
	LineSize = 16 << 10
	// pieceSize bounds the pieces of an answer: between them, whoever makes a long one
	// gives way to others.
	pieceSize = 4 << 10
	// PayloadSize bounds a payload.
	PayloadSize = 1 << 20
	// lingerTime and lingerSize bound what is read and thrown away after the
	// last answer, so that the close does not reset it away.
	lingerTime = time.Second
	lingerSize = 1 << 20
)

// conn is one connection.
type conn struct {
	s      *Service
	nc     net.Conn
	r      *bufio.Reader
	w      *bufio.Writer
	access Access

	timeout      time.Duration
	prompt       bool // stays open and shows "> "
	quit         bool
	expert       bool
	experimental bool
	severity     severityStyle
	anon         uint32 // the key that names are hidden by; 0: they are not
	pacer        giveway.Pacer
}

// severityStyle is how messages tell their severity.
type severityStyle uint8

const (
	severityNone severityStyle = iota
	severityNumber
	severityString
)

// severity of a message, as in syslog.
type severity int

const (
	sevError   severity = 3
	sevWarning severity = 4
	sevNotice  severity = 5
	sevInfo    severity = 6
)

func (s severity) String() string {
	switch s {
	case sevError:
		return "err"
	case sevWarning:
		return "warning"
	case sevNotice:
		return "notice"
	case sevInfo:
	}
	return "info"
}

func newConn(s *Service, nc net.Conn, a Access) *conn {
	c := &conn{s: s, nc: nc, access: a, timeout: s.opt.Timeout, expert: a.Expert, experimental: a.Experimental}
	c.r = bufio.NewReaderSize(nc, LineSize)
	c.w = bufio.NewWriterSize(progress{c}, pieceSize)
	return c
}

// progress writes with a deadline that starts anew whenever something has been taken: a
// slow reader gets all of an answer as long as it goes on reading. What it takes out of a
// socket counts although there is no room for more yet: of a unix socket most must be read
// before there is.
type progress struct{ c *conn }

func (p progress) Write(b []byte) (done int, err error) {
	p.c.pacer.Step()
	for done < len(b) {
		waiting := sock.Unread(p.c.nc)
		_ = p.c.nc.SetWriteDeadline(time.Now().Add(p.c.timeout))
		n, err := p.c.nc.Write(b[done:])
		done += n
		if err != nil && (!errors.Is(err, os.ErrDeadlineExceeded) || n == 0 && sock.Unread(p.c.nc) >= waiting) {
			return done, err
		}
	}
	return done, nil
}

// request is one command being carried out.
type request struct {
	*conn
	args    []string
	payload []byte // what followed the line, if it ended in the payload mark
}

// arg is the i-th argument, "" if there are fewer.
func (r *request) arg(i int) string {
	if i < len(r.args) {
		return r.args[i]
	}
	return ""
}

// message answers with text of a severity.
func (r *request) message(s severity, text string) error {
	switch r.severity {
	case severityNumber:
		text = "[" + strconv.Itoa(int(s)) + "]: " + text
	case severityString:
		text = "[" + s.String() + "]: " + text
	case severityNone:
	}
	_, err := r.w.WriteString(text)
	return err
}

// fail answers with what is wrong. Its error is that of the connection only.
func (r *request) fail(text string) error { return r.message(sevError, text+"\n") }

// warn answers with what was changed, or was not, where the reference takes both for a warning.
func (r *request) warn(text string) error { return r.message(sevWarning, text+"\n") }

// notice answers with what has become of something.
func (r *request) notice(text string) error { return r.message(sevNotice, text+"\n") }

// brief is message for what has no line end of its own in the reference: the empty line that
// ends answers is missing.
func (r *request) brief(s severity, text string) error { return r.message(s, text) }

// complain is fail for what is wrong with a value: what is no whole sentence is brief.
func (r *request) complain(problem string) error {
	if strings.HasSuffix(problem, ".") {
		return r.fail(problem)
	}
	return r.brief(sevError, problem)
}

// info answers with what was asked for or done.
func (r *request) info(text string) error { return r.message(sevInfo, text+"\n") }

// serve handles a connection until its end. Errors are the peer's: it closed,
// stopped reading or fell silent; there is nobody to tell.
func (c *conn) serve() {
	// A mistake in one command must not take the traffic down with it.
	defer func() {
		if v := recover(); v != nil {
			_, _ = fmt.Fprintf(c.w, "Internal error: %v\n\n", v)
			_ = c.w.Flush()
		}
	}()
	for !c.quit {
		_ = c.nc.SetReadDeadline(time.Now().Add(c.timeout))
		line, err := c.line()
		if err != nil {
			c.tooLong(err)
			break
		}
		if err := c.handle(line); err != nil {
			c.tooLong(err)
			break // what was answered before is answered
		}
		if !c.prompt && c.r.Buffered() == 0 {
			break
		}
		if c.r.Buffered() == 0 && c.w.Flush() != nil {
			return
		}
	}
	if c.w.Flush() == nil {
		c.linger()
	}
}

// tooLong answers what is beyond a limit, naming the limit, if that is what was wrong.
func (c *conn) tooLong(err error) {
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		_, _ = fmt.Fprintf(c.w, "Line too long: at most %d bytes.\n\n", LineSize)
	case errors.Is(err, errPayloadTooLong):
		_, _ = fmt.Fprintf(c.w, "Payload too long: at most %d bytes.\n\n", PayloadSize)
	}
}

// line reads one line without its end.
func (c *conn) line() ([]byte, error) {
	b, err := c.r.ReadSlice('\n')
	if n := Complete(b); errors.Is(err, io.EOF) && n > 0 {
		return b[:n-1], nil
	}
	if err != nil {
		// A command without its end may have been cut short on its way: it is
		// not carried out.
		return nil, err
	}
	return bytes.TrimSuffix(b[:len(b)-1], []byte("\r")), nil
}

// handle carries out one line of commands.
func (c *conn) handle(line []byte) error {
	list, withPayload, rest, err := split(line)
	if err != nil {
		r := &request{conn: c}
		return c.end(r.fail(err.Error()))
	}
	if rest != nil {
		rest = append(bytes.Clone(rest), '\n') // the line is gone when the next one is read
	}
	for i, words := range list {
		r := &request{conn: c}
		if withPayload && i == len(list)-1 {
			if r.payload, err = c.readPayload(rest); err != nil {
				return err
			}
		}
		if err := c.run(r, words); err != nil {
			return err
		}
		if c.quit {
			return nil
		}
		if err := c.end(nil); err != nil {
			return err
		}
	}
	return nil
}

// run carries out one command.
func (c *conn) run(r *request, words []string) error {
	cmd, args := c.s.table.Find(words)
	switch {
	case cmd == nil:
		return r.message(sevInfo, c.s.table.Unknown(words, c.expert))
	case cmd.Expert && !c.expert:
		return r.fail("This command is restricted to expert mode only.")
	case cmd.Experimental && !c.experimental:
		return r.fail("This command is restricted to experimental mode only.")
	case c.access.Level < cmd.Level:
		return r.fail("Permission denied")
	}
	r.args = args
	c.s.taint(cmd)
	return cmd.Fn(r)
}

// end writes what follows every answer.
func (c *conn) end(err error) error {
	if err != nil {
		return err
	}
	s := "\n"
	if c.prompt {
		s = "\n> "
	}
	_, err = c.w.WriteString(s)
	return err
}

var errPayloadTooLong = errors.New("payload too long")

// readPayload reads the lines up to an empty one, behind p, which was there before.
func (c *conn) readPayload(p []byte) ([]byte, error) {
	for {
		if c.prompt {
			if _, err := c.w.WriteString("+ "); err != nil {
				return nil, err
			}
		}
		if c.r.Buffered() == 0 {
			if err := c.w.Flush(); err != nil {
				return nil, err
			}
		}
		_ = c.nc.SetReadDeadline(time.Now().Add(c.timeout))
		line, err := c.line()
		switch {
		case err != nil:
			return nil, err
		case len(line) == 0:
			return p, nil
		case len(p)+len(line) >= PayloadSize:
			return nil, errPayloadTooLong
		}
		p = append(append(p, line...), '\n')
	}
}

// linger ends our side, then waits a moment for the peer's end: closing with
// unread data would reset the connection and could take the answer with it.
func (c *conn) linger() {
	if h, ok := c.nc.(interface{ CloseWrite() error }); !ok || h.CloseWrite() != nil {
		return
	}
	_ = c.nc.SetReadDeadline(time.Now().Add(lingerTime))
	_, _ = io.CopyN(io.Discard, c.r, lingerSize)
}
