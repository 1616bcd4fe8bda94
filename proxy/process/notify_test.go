package process_test

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"bench/internal/testpeer"
)

// manager is the socket of a service manager ($NOTIFY_SOCKET).
type manager struct {
	*net.UnixConn
	address string
}

func newManager(t *testing.T, address string) *manager {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &manager{conn, address}
}

// next is the next message, line by line; nil: there is none for a while.
func (m *manager) next(patience time.Duration) []string {
	b := make([]byte, 1024)
	_ = m.SetReadDeadline(time.Now().Add(patience))
	n, err := m.Read(b)
	if err != nil {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(b[:n]), "\n"), "\n")
}

// told are the messages up to the one that says word, each as far as the reference knows
// its lines: what systemd shows to people, and the moment that later versions of it want
// to know, are said besides. ask makes the process say them: a signal that comes in the midst
// of a reload is lost on the reference now and then, and is sent again.
func (m *manager) told(t *testing.T, word string, pid int, ask func()) (list []string) {
	t.Helper()
	ask()
	for silent := 0; silent < 4; {
		lines := m.next(3 * time.Second)
		if lines == nil {
			silent++
			ask()
			continue
		}
		known := slices.DeleteFunc(slices.Clone(lines), func(l string) bool {
			return strings.HasPrefix(l, "STATUS=") || strings.HasPrefix(l, "MONOTONIC_USEC=")
		})
		text := strings.ReplaceAll(strings.Join(known, " "), strconv.Itoa(pid), "PID")
		if list = append(list, text); slices.Contains(lines, word) {
			return list
		}
	}
	t.Errorf("never told %s, only %q", word, list)
	return list
}

// argv0 is how a program is called: the reference runs itself again by that name.
func argv0(bin string) string {
	if bin == os.Args[0] {
		return "haproxy"
	}
	return bin
}

// TestServiceManagerIsTold: the service manager hears of starts, reloads, failed reloads and
// the end what the reference tells it, in the same order. That runs its master once more
// after each start, which it tells as another reload: here such a start is one.
func TestServiceManagerIsTold(t *testing.T) {
	haproxy := reference(t)
	for _, end := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGUSR1} {
		t.Run(end.String(), func(t *testing.T) {
			t.Parallel() // most of it is waiting
			var said [2][]string
			for i, bin := range []string{os.Args[0], haproxy} {
				said[i] = slices.Compact(serviceLife(t, bin, end))
			}
			if said[1][0] == "RELOADING=1" {
				said[1] = said[1][1:]
			}
			if !slices.Equal(said[0], said[1]) {
				t.Errorf("told %q\nthe reference %q", said[0], said[1])
			}
		})
	}
}

// serviceLife is all that a program tells from its start to its end.
func serviceLife(t *testing.T, bin string, end syscall.Signal) (said []string) {
	s := newSite(t)
	m := newManager(t, filepath.Join(s.dir, "notify"))
	cmd := s.command(t, "-Ws")
	cmd.Path = bin
	cmd.Args[0] = argv0(bin)
	cmd.Env = append(cmd.Env, "NOTIFY_SOCKET="+m.address)
	if err := testpeer.Launch(cmd); err != nil {
		t.Fatal(err)
	}
	s.started = append(s.started, cmd)
	step := func(sig syscall.Signal, word string) {
		if sig != 0 && bin != os.Args[0] {
			time.Sleep(300 * time.Millisecond) // it is deaf for a moment after it has said that it is ready
		}
		said = append(said, m.told(t, word, cmd.Process.Pid, func() {
			if sig != 0 {
				_ = cmd.Process.Signal(sig)
			}
		})...)
	}
	step(0, "READY=1")
	s.serving(t)
	step(syscall.SIGUSR2, "READY=1")
	good, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"nonsense\n", string(good) + "listen taken\n  mode tcp\n  bind 192.0.2.1:1\n"} {
		s.write(t, bad)
		step(syscall.SIGHUP, "READY=1")
	}
	s.write(t, string(good))
	step(syscall.SIGHUP, "READY=1")
	s.serving(t)
	step(end, "STOPPING=1")
	_ = cmd.Wait()
	s.started = nil
	if more := m.next(time.Millisecond); more != nil {
		said = append(said, more...)
	}
	return said
}

// TestServiceManagerKnowsMore: what is said beyond the reference is what later versions of it
// say, and systemd asks of services that it reloads by a signal.
func TestServiceManagerKnowsMore(t *testing.T) {
	s := newSite(t)
	m := newManager(t, "@bench-notify-"+strconv.Itoa(os.Getpid()))
	cmd := s.command(t, "-Ws")
	cmd.Env = append(cmd.Env, "NOTIFY_SOCKET="+m.address)
	if err := testpeer.Launch(cmd); err != nil {
		t.Fatal(err)
	}
	s.started = append(s.started, cmd)
	if got := m.next(10 * time.Second); !slices.Contains(got, "STATUS=Ready.") {
		t.Errorf("at the start: %q", got)
	}
	s.write(t, "nonsense\n")
	_ = cmd.Process.Signal(syscall.SIGUSR2)
	got := m.next(10 * time.Second)
	if i := slices.IndexFunc(got, func(l string) bool { return strings.HasPrefix(l, "MONOTONIC_USEC=") }); i < 0 || !slices.Contains(got, "STATUS=Reloading.") {
		t.Errorf("at the reload: %q", got)
	} else if n, err := strconv.ParseInt(got[i][len("MONOTONIC_USEC="):], 10, 64); err != nil || n <= 0 {
		t.Errorf("at %q: %v", got[i], err)
	}
	if got := m.next(10 * time.Second); !slices.Contains(got, "STATUS=Reload failed, the former configuration is in force.") {
		t.Errorf("after the reload: %q", got)
	}
}

// TestNobodyToTell: without a service manager, or with one that has gone, the proxy runs.
func TestNobodyToTell(t *testing.T) {
	for _, address := range []string{"", "/nonexistent/notify", "@nobody-listens-here"} {
		s := newSite(t)
		cmd := s.command(t, "-Ws")
		cmd.Env = append(cmd.Env, "NOTIFY_SOCKET="+address)
		if err := testpeer.Launch(cmd); err != nil {
			t.Fatal(err)
		}
		s.started = append(s.started, cmd)
		s.serving(t)
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("%q: ended with %v", address, err)
		}
		s.started = nil
	}
}
