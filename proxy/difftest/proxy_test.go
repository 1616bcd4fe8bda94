package difftest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"bench/internal/testpeer"

	"golang.org/x/sys/unix"
)

// subject is a proxy under comparison.
type subject struct {
	name string
	argv []string // before -db -f FILE
}

// logSink receives syslog datagrams.
type logSink struct {
	conn *net.UDPConn
	mu   sync.Mutex
	got  []string
	more chan struct{}
	done sync.WaitGroup
}

// usualLine tells lines of option httplog and tcplog from others.
func usualLine(line string) bool { return logLine.MatchString(line) || tcpLogLine.MatchString(line) }

// anyLine tells lines of any format from what proxies say of themselves.
func anyLine(line string) bool { return !ofProcess.MatchString(line) }

var ofProcess = regexp.MustCompile(`\]: (Proxy \S+ (started|stopped)|Server \S+ is |Health check for |backend \S+ has no server)`)

// newLogSink makes one for the lines that are wanted.
func newLogSink(wanted func(line string) bool) (*logSink, error) {
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, err
	}
	s := &logSink{conn: c, more: make(chan struct{}, 1)}
	s.done.Go(func() {
		var buf [65536]byte
		for {
			n, err := c.Read(buf[:])
			if err != nil {
				return
			}
			line := string(bytes.TrimRight(buf[:n], "\n"))
			if !wanted(line) {
				continue
			}
			s.mu.Lock()
			s.got = append(s.got, line)
			s.mu.Unlock()
			select {
			case s.more <- struct{}{}:
			default:
			}
		}
	})
	return s, nil
}

// wait returns the lines once there are n, or when time is up.
func (s *logSink) wait(n int, limit time.Duration) []string {
	deadline := time.After(limit)
	for {
		s.mu.Lock()
		got := s.got
		s.mu.Unlock()
		if len(got) >= n {
			return got
		}
		select {
		case <-s.more:
		case <-deadline:
			return got
		}
	}
}

func (s *logSink) stop() []string {
	s.conn.Close()
	s.done.Wait()
	return s.got
}

const base = `global
    log 127.0.0.1:%d local0
    nbthread 1
    maxconn 200
    stats socket DIR/stats level admin
%s
defaults
    mode http
    timeout connect 500ms
    timeout client 2s
    timeout server 2s
    retries 0
%s
frontend ready
    bind fd@4
    mode http
    monitor-uri /ready
frontend fe
    bind fd@3
    log global
    option httplog
%s
    default_backend be
backend be
%s
    server s1 127.0.0.1:%d%s
`

// running is a started proxy. Its listening sockets are made here and handed
// down, so that no other program can come between.
type running struct {
	addr   string
	ready  string   // address of the frontend "ready"
	more   []string // those of descriptors 5 and up
	cmd    *exec.Cmd
	output transcript
	exited chan struct{}
}

// start starts the subject with a configuration, which is put in dir. OFFSET in it
// is how far the origin's port is above that of the frontend.
func (s *subject) start(dir, conf string, origin int) (*running, error) {
	return s.startWith(dir, conf, origin, 0)
}

// startWith is start with more listeners, from descriptor 5 on.
func (s *subject) startWith(dir, conf string, origin, more int) (*running, error) {
	addrs := make([]string, 2+more)
	files := make([]*os.File, 2+more)
	for i := range files {
		l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			return nil, err
		}
		defer l.Close()
		addrs[i] = l.Addr().String()
		if files[i], err = l.File(); err != nil {
			return nil, err
		}
		defer files[i].Close()
	}
	_, port, _ := net.SplitHostPort(addrs[0])
	n, _ := strconv.Atoi(port)
	conf = strings.ReplaceAll(conf, "OFFSET", fmt.Sprintf("%+d", origin-n))
	path := filepath.Join(dir, "proxy.cfg")
	if err := os.WriteFile(path, []byte(conf), 0o600); err != nil {
		return nil, err
	}
	r := &running{addr: addrs[0], ready: addrs[1], more: addrs[2:], exited: make(chan struct{})}
	args := append(s.argv[1:len(s.argv):len(s.argv)], "-db", "-f", path)
	r.cmd = exec.Command(s.argv[0], args...)
	r.cmd.ExtraFiles = files
	r.cmd.Stdout, r.cmd.Stderr = &r.output, &r.output
	if err := testpeer.Launch(r.cmd); err != nil {
		return nil, err
	}
	go func() {
		_ = r.cmd.Wait()
		close(r.exited)
	}()
	if err := ready(addrs[1]); err != nil {
		return nil, errors.Join(err, r.stop())
	}
	return r, nil
}

// ready waits until the proxy serves, so that the pauses of a script are not
// spent on its start.
func ready(addr string) error {
	c, err := net.DialTimeout("tcp4", addr, awaitLimit)
	if err != nil {
		return err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(2 * awaitLimit))
	if _, err := io.WriteString(c, "GET /ready HTTP/1.0\r\n\r\n"); err != nil {
		return err
	}
	var answer [12]byte
	if _, err := io.ReadFull(c, answer[:]); err != nil {
		return fmt.Errorf("not ready: %w", err)
	}
	if !bytes.HasSuffix(answer[:], []byte(" 200")) {
		return fmt.Errorf("not ready: %q", answer)
	}
	return nil
}

// stop ends the proxy. It returns an error when it had died before.
func (r *running) stop() error {
	select {
	case <-r.exited:
		return fmt.Errorf("died: %v\n%s", r.cmd.ProcessState, r.output.String())
	default:
	}
	_ = r.cmd.Process.Kill()
	<-r.exited
	return nil
}

// starve leaves a process one descriptor to open, until feed is called.
func starve(pid int) (feed func(), err error) {
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return nil, err
	}
	used := map[string]bool{}
	for _, e := range entries {
		used[e.Name()] = true
	}
	free := 0
	for used[strconv.Itoa(free)] {
		free++
	}
	var old unix.Rlimit
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &old); err != nil {
		return nil, err
	}
	limit := old
	limit.Cur = uint64(free) + 1
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, &limit, nil); err != nil {
		return nil, err
	}
	return func() { _ = unix.Prlimit(pid, unix.RLIMIT_NOFILE, &old, nil) }, nil
}

// transcript is what a process has written so far.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (t *transcript) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.Write(p)
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}
