package process

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"bench/internal/sock"
	"bench/proxy/cli"
	"bench/proxy/log"
)

// masterSocket is one -S.
type masterSocket struct {
	fd     int
	hidden *sock.Hidden // not yet to be found by its name
	level  cli.Level
	listen net.Listener
}

// parseMasterSocket reads "ADDRESS[,option...]".
func parseMasterSocket(text string) (sock.Addr, *sock.ListenOptions, cli.Level, error) {
	words := strings.Split(text, ",")
	o, level := &sock.ListenOptions{}, cli.AdminLevel // as in the reference
	addr, err := sock.Parse(words[0])
	if err != nil {
		return addr, nil, 0, fmt.Errorf("-S %s: %w", text, err)
	}
	for words = words[1:]; len(words) > 0; words = words[2:] {
		bad := func(want string) error { return fmt.Errorf("-S %s: %s needs %s", text, words[0], want) }
		if len(words) < 2 {
			return addr, nil, 0, bad("a value")
		}
		value := words[1]
		switch words[0] {
		case "level":
			switch value {
			case "user":
				level = cli.User
			case "operator":
				level = cli.Operator
			case "admin":
				level = cli.AdminLevel
			default:
				return addr, nil, 0, bad("user, operator or admin")
			}
		case "mode":
			n, err := strconv.ParseUint(value, 8, 12)
			if err != nil {
				return addr, nil, 0, bad("an octal mode")
			}
			o.Mode = os.FileMode(n)
		case "uid", "gid":
			n, err := strconv.ParseUint(value, 10, 31)
			if err != nil {
				return addr, nil, 0, bad("a number")
			}
			if !o.ChangeOwner {
				o.ChangeOwner, o.UID, o.GID = true, -1, -1
			}
			if words[0] == "uid" {
				o.UID = int(n)
			} else {
				o.GID = int(n)
			}
		default:
			return addr, nil, 0, fmt.Errorf("-S %s: unknown option %q: want level, mode, uid or gid", text, words[0])
		}
	}
	return addr, o, level, nil
}

// bindCLI opens the sockets of -S.
func (m *master) bindCLI() error {
	for _, text := range m.opt.MasterCLI {
		addr, o, level, err := parseMasterSocket(text)
		if err != nil {
			return err
		}
		fd, hidden, err := sock.ListenHidden(&addr, o)
		if err != nil {
			return fmt.Errorf("master socket: %w", err)
		}
		m.cli = append(m.cli, &masterSocket{fd: fd, hidden: hidden, level: level})
	}
	return nil
}

// adoptCLI takes the sockets over from the former image.
func (m *master) adoptCLI(fds []int) error {
	if len(fds) != len(m.opt.MasterCLI) {
		return fmt.Errorf("%d sockets handed on for %d -S", len(fds), len(m.opt.MasterCLI))
	}
	for i, text := range m.opt.MasterCLI {
		_, _, level, err := parseMasterSocket(text)
		if err != nil {
			return err
		}
		m.cli = append(m.cli, &masterSocket{fd: fds[i], level: level})
	}
	return nil
}

func (s *masterSocket) descriptor() (int, error) { return sock.Dup(s.fd) }

func (m *master) serveCLI() {
	for _, s := range m.cli {
		dup, err := sock.Dup(s.fd)
		if err == nil {
			f := os.NewFile(uintptr(dup), "master socket")
			s.listen, err = net.FileListener(f)
			_ = f.Close()
		}
		if err != nil {
			m.say(log.Warning, "master socket: "+err.Error())
			continue
		}
		go m.accept(s)
	}
}

// accept serves the connections of a socket until it is closed. There is a place for so many
// of all sockets; others wait.
func (m *master) accept(s *masterSocket) {
	for {
		c, err := s.listen.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(50 * time.Millisecond)
			continue
		}
		m.places <- struct{}{}
		go func() {
			defer func() { <-m.places }()
			(&masterConn{m: m, level: s.level, nc: c, r: bufio.NewReaderSize(c, cli.LineSize)}).serve()
		}()
	}
}

// closeCLI closes the sockets. Their files stay, as those of stats sockets do.
func (m *master) closeCLI() {
	for _, s := range m.cli {
		s.hidden.Discard()
		if s.listen != nil {
			if u, ok := s.listen.(*net.UnixListener); ok {
				u.SetUnlinkOnClose(false)
			}
			_ = s.listen.Close()
		}
		unix.Close(s.fd)
	}
	m.cli = nil
}

// masterConn is one connection to the master's command socket.
type masterConn struct {
	m      *master
	level  cli.Level
	nc     net.Conn
	r      *bufio.Reader
	prompt bool
	target *worker // nil: the master
	quit   bool
	// expert and experimental are the modes that commands of workers are given with.
	expert, experimental bool
}

const (
	// idleLimit ends silent connections.
	idleLimit = 10 * time.Minute
	// maxMasterConns bounds the connections of all sockets, as the reference does.
	maxMasterConns = 10
	// goneLook is how often whoever waits for a worker looks whether anybody still wants
	// its answer.
	goneLook = 250 * time.Millisecond
	// lingerTime bounds what is read after the end.
	lingerTime = time.Second
)

func (c *masterConn) serve() {
	defer c.nc.Close()
	defer c.linger()
	for !c.quit {
		line, err := c.line()
		if err != nil {
			c.tooLong(err)
			return
		}
		commands := splitCommands(line)
		for i, command := range commands {
			if c.quit {
				break
			}
			payload := ""
			if i == len(commands)-1 && strings.HasSuffix(command, cli.PayloadMark) {
				if payload, err = c.payload(); err != nil {
					c.tooLong(err)
					return
				}
			}
			c.command(command, payload)
			if c.prompt && !c.quit {
				c.write(c.promptText())
			}
		}
	}
}

// line reads one line without its end. A command without an end may have been cut short on
// its way, and is not carried out.
func (c *masterConn) line() (string, error) {
	_ = c.nc.SetReadDeadline(time.Now().Add(idleLimit))
	b, err := c.r.ReadSlice('\n')
	if n := cli.Complete(b); errors.Is(err, io.EOF) && n > 0 {
		return string(b[:n-1]), nil
	}
	if err != nil {
		return "", err
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}

// linger ends our side, then reads for a moment what is not wanted any more: to close with
// that unread would take the answer away.
func (c *masterConn) linger() {
	if h, ok := c.nc.(interface{ CloseWrite() error }); !ok || h.CloseWrite() != nil {
		return
	}
	_ = c.nc.SetReadDeadline(time.Now().Add(lingerTime))
	_, _ = io.CopyN(io.Discard, c.r, cli.PayloadSize)
}

// tooLong says what is beyond a limit.
func (c *masterConn) tooLong(err error) {
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		c.write(fmt.Sprintf("Line too long: at most %d bytes.\n\n", cli.LineSize))
	case errors.Is(err, errPayload):
		c.write(fmt.Sprintf("Payload too long: at most %d bytes.\n\n", cli.PayloadSize))
	}
}

func (c *masterConn) write(s string) {
	_ = c.nc.SetWriteDeadline(time.Now().Add(idleLimit))
	if _, err := io.WriteString(c.nc, s); err != nil {
		c.quit = true
	}
}

var errPayload = errors.New("payload too long")

// payload reads the lines up to an empty one, which is part of it.
func (c *masterConn) payload() (string, error) {
	var b strings.Builder
	for {
		line, err := c.line()
		switch {
		case err != nil:
			return "", err
		case b.Len()+len(line) >= cli.PayloadSize:
			return "", errPayload
		}
		b.WriteString(line + "\n")
		if line == "" {
			return b.String(), nil
		}
	}
}

// splitCommands cuts a line at semicolons that are not escaped.
func splitCommands(line string) []string {
	var out []string
	start := 0
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case ';':
			out = append(out, line[start:i])
			start = i + 1
		}
	}
	return append(out, line[start:])
}

func (c *masterConn) promptText() string {
	c.m.mu.Lock()
	defer c.m.mu.Unlock()
	switch {
	case c.target != nil:
		return fmt.Sprintf("%d> ", c.target.PID)
	case c.m.broken:
		return "master[ReloadFailed]> "
	}
	return "master> "
}

// command carries out one command, which may begin with a prefix that names its
// target; a prefix alone is for all that follow.
func (c *masterConn) command(text, payload string) {
	text = strings.TrimSpace(text)
	target, named := c.target, strings.HasPrefix(text, "@")
	if named {
		prefix, rest := text, ""
		if i := strings.IndexAny(text, " \t"); i >= 0 {
			prefix, rest = text[:i], text[i:]
		}
		w, ok := c.m.find(prefix[1:])
		if !ok {
			c.write(fmt.Sprintf("Can't find the target PID matching the prefix '%s'\n", prefix))
			c.quit = true
			return
		}
		if target, text = w, strings.TrimSpace(rest); text == "" {
			c.target = w
			return
		}
	}
	words := strings.Fields(text)
	// What is about the connection is the master's, unless the target is named.
	if len(words) == 0 {
		c.nothing(target)
		return
	}
	if own := masterCommand(words[0]); target == nil || !named && own != nil && own.session {
		c.own(words)
		return
	}
	c.forward(target, text, payload)
}

// nothing answers a command without a word, by all that there are.
func (c *masterConn) nothing(target *worker) {
	if target == nil {
		c.own(nil)
		return
	}
	c.forward(target, "", "")
}

// find resolves what follows "@": "", "master" and 0 are the master (nil), N is the
// N-th present worker, !PID any worker.
func (m *master) find(name string) (*worker, bool) {
	if name == "" || name == "master" {
		return nil, true
	}
	number, byPID := strings.CutPrefix(name, "!")
	n, err := strconv.Atoi(number)
	if err != nil {
		return nil, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if byPID && n == m.pid || !byPID && n == 0 {
		return nil, true
	}
	for _, w := range m.workers {
		if byPID && w.PID == n || !byPID && n == 1 && w.ready && !w.Leaving {
			return w, w.control != nil
		}
	}
	return nil, false
}

// forward has a worker carry out a command and copies what it answers.
func (c *masterConn) forward(w *worker, text, payload string) {
	conn, err := openCLI(w.control, cli.Access{Level: c.level, Expert: c.expert, Experimental: c.experimental})
	if err != nil {
		c.write(fmt.Sprintf("Can't reach the process %d: %v\n", w.PID, err))
		return
	}
	defer func() { _ = conn.Close() }()
	if _, err = io.WriteString(conn, text+"\n"+payload); err == nil {
		err = conn.CloseWrite()
	}
	if err == nil {
		done := make(chan struct{})
		defer close(done)
		go c.endWithClient(conn, done)
		_, err = io.Copy(patient{c.nc}, conn)
	}
	if err != nil {
		c.quit = true
	}
}

// endWithClient ends a connection to a worker when nobody waits for its answer any more.
func (c *masterConn) endWithClient(worker net.Conn, done <-chan struct{}) {
	look := time.NewTicker(goneLook)
	defer look.Stop()
	for {
		select {
		case <-done:
			return
		case <-look.C:
			if sock.HungUp(c.nc) {
				_ = worker.Close()
				return
			}
		}
	}
}

// patient writes to a client as long as it takes something now and then.
type patient struct{ net.Conn }

func (p patient) Write(b []byte) (int, error) {
	_ = p.SetWriteDeadline(time.Now().Add(idleLimit))
	return p.Conn.Write(b)
}
