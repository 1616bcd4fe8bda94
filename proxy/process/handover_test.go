package process_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"bench/internal/sock"
	"bench/internal/testpeer"
)

// exchange sends one request to an address and reads the answer.
func exchange(network, addr string) error {
	if name, ok := strings.CutPrefix(addr, "abns@"); ok {
		// Padded to the full length, as proxies do.
		addr = "@" + name + strings.Repeat("\x00", 107-len(name))
	}
	c, err := net.DialTimeout(network, addr, time.Second)
	if err != nil {
		return err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := c.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")); err != nil {
		return err
	}
	_, err = response(bufio.NewReader(c))
	return err
}

// doors are the addresses of a site by kind.
type doors map[string]string

func (d doors) check(t *testing.T, when string) {
	t.Helper()
	for kind, addr := range d {
		network := "unix"
		if kind == "tcp" {
			network = "tcp"
		}
		// A socket that was paused a moment ago may take a moment to listen again.
		err := exchange(network, addr)
		for range 50 {
			if err == nil {
				break
			}
			time.Sleep(20 * time.Millisecond)
			err = exchange(network, addr)
		}
		if err != nil {
			t.Errorf("%s: %s: %v", when, kind, err)
		}
	}
}

// TestFailedStart starts, in place of a process that
// serves, one that finds an address of its own taken by somebody else. The former
// must not lose anything by it, and the next start must succeed. Both this program
// and the reference are tried as the former and the new process.
func TestFailedStart(t *testing.T) {
	for _, pair := range [][2]string{{"engine", "engine"}, {"engine", "haproxy"}, {"haproxy", "engine"}} {
		ways := []string{"sf", "sf-x", "sf-noreuseport", "sf-x-noreuseport"}
		if pair == [2]string{"engine", "engine"} {
			ways = append(ways, "sf-master", "sf-x-master")
		}
		for _, way := range ways {
			t.Run(pair[0]+"-"+pair[1]+"-"+way, func(t *testing.T) {
				t.Parallel() // most of it is waiting
				program := func(name string) string {
					if name == "engine" {
						return os.Args[0]
					}
					return reference(t)
				}
				failedStart(t, program(pair[0]), program(pair[1]), !strings.Contains(way, "noreuseport"), strings.Contains(way, "-x"), strings.Contains(way, "master"))
			})
		}
	}
}

func failedStart(t *testing.T, oldBin, newBin string, reuse, take, master bool) {
	s := newSite(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	d := doors{"tcp": s.httpAddr, "unix": filepath.Join(s.dir, "web")}
	// The reference loses unix sockets by a start of its own that fails, and
	// crashes when it is asked to pause an abstract one.
	if oldBin == newBin {
		d["abstract"] = "abns@failed-start" + strings.ReplaceAll(s.httpAddr, ":", "-")
	}
	text, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	binds := "bind " + s.httpAddr
	for kind, addr := range d {
		if kind != "tcp" {
			binds += "\n  bind " + strings.Replace(addr, "/", "unix@/", 1)
		}
	}
	good := strings.Replace(string(text), "bind "+s.httpAddr, binds, 1)
	if !reuse {
		good = strings.Replace(good, "global\n", "global\n  noreuseport\n", 1)
	}
	bad := good + "  bind " + taken.Addr().String() + "\n"

	launch := func(bin, config string, args ...string) error {
		s.write(t, config)
		args = append([]string{"-D"}, args...)
		if master {
			args = append([]string{"-W", "-S", s.masterAddr}, args...)
		}
		cmd := s.command(t, args...)
		cmd.Path = bin
		return cmd.Run()
	}
	if err := launch(oldBin, good); err != nil {
		t.Fatal(err)
	}
	pid, err := s.pid()
	if err != nil {
		t.Fatal(err)
	}
	d.check(t, "at first")
	args := []string{"-sf", strconv.Itoa(pid)}
	if take {
		args = append(args, "-x", s.stats)
	}
	if err := launch(newBin, bad, args...); err == nil {
		t.Fatal("a start with an address in use succeeded")
	}
	if newBin == os.Args[0] {
		d.check(t, "after the failed start")
		if now, err := s.pid(); err != nil || now != pid {
			t.Errorf("the pid file says %d (%v), want %d still", now, err, pid)
		}
		if master && len(s.workers("# workers")) != 1 {
			t.Error("the former master does not answer on its socket")
		}
		if left, _ := filepath.Glob(filepath.Join(s.dir, "*.tmp")); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	} else {
		doors{"tcp": d["tcp"]}.check(t, "after the failed start")
	}
	if err := launch(newBin, good, args...); err != nil {
		t.Fatalf("the next start fails: %v", err)
	}
	waitFor(t, "the former process to leave", func() bool { return !slices.Contains(s.processes(), pid) })
	d.check(t, "after the reload")
	if now, err := s.pid(); err != nil || now == pid {
		t.Errorf("the pid file says %d (%v) after the reload", now, err)
	}
}

// TestPauseAndResume: however often, and however close together, SIGTTOU and
// SIGTTIN come, the last word is obeyed, and of both at once SIGTTIN is it.
func TestPauseAndResume(t *testing.T) {
	s := newSite(t)
	text, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	d := doors{"tcp": s.httpAddr, "unix": filepath.Join(s.dir, "web"), "abstract": "abns@pause" + strconv.Itoa(os.Getpid())}
	s.write(t, strings.Replace(string(text), "bind "+s.httpAddr, "bind "+s.httpAddr+"\n  bind unix@"+d["unix"]+"\n  bind "+d["abstract"], 1))
	cmd := s.foreground(t, "-db")
	send := func(signals ...syscall.Signal) {
		for _, sig := range signals {
			_ = cmd.Process.Signal(sig)
		}
	}
	refused := func(when string) {
		t.Helper()
		waitFor(t, when, func() bool { return exchange("tcp", d["tcp"]) != nil && exchange("unix", d["abstract"]) != nil })
		if err := exchange("unix", d["unix"]); err != nil {
			t.Errorf("%s: a unix socket need not pause: %v", when, err)
		}
		// The port is free for others that set SO_REUSEADDR.
		if l, err := net.Listen("tcp", s.httpAddr); err != nil {
			t.Errorf("%s: %v", when, err)
		} else {
			l.Close()
		}
	}
	const out, in = syscall.SIGTTOU, syscall.SIGTTIN
	send(out)
	refused("paused")
	send(out)
	time.Sleep(50 * time.Millisecond)
	send(out, out, out)
	refused("paused often")
	send(in)
	d.check(t, "resumed")
	send(in, in)
	d.check(t, "resumed twice")
	for _, both := range [][]syscall.Signal{{out, in}, {in, out}, {out, in, out}} {
		// Stopped, it finds them all pending at once.
		send(syscall.SIGSTOP)
		send(both...)
		send(syscall.SIGCONT)
		time.Sleep(50 * time.Millisecond)
		d.check(t, fmt.Sprintf("%v at once", both))
	}
}

// TestSharedSocketPausedByAnother: a socket shared with a former process goes on
// although that one, late, is asked to pause it.
func TestSharedSocketPausedByAnother(t *testing.T) {
	s := newSite(t)
	addr, err := sock.Parse(s.httpAddr)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := sock.Listen(&addr, nil)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), "shared")
	defer f.Close()
	text, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, strings.Replace(string(text), "bind "+s.httpAddr, "bind fd@3", 1))
	cmd := s.command(t, "-db")
	cmd.ExtraFiles = []*os.File{f}
	if err := testpeer.Launch(cmd); err != nil {
		t.Fatal(err)
	}
	s.started = append(s.started, cmd)
	s.serving(t)
	for range 3 {
		if err := sock.StopListening(fd); err != nil {
			t.Fatal(err)
		}
		doors{"tcp": s.httpAddr}.check(t, "paused by another")
	}
}
