package sock_test

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"bench/internal/sock"
	"bench/internal/testpeer"
)

// threadNamespace names the network namespace that the calling thread is in.
func threadNamespace(t *testing.T) string {
	t.Helper()
	name, err := os.Readlink("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func TestSocketsInNamespace(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	name := fmt.Sprintf("bench-sock-%d", os.Getpid())
	do := testpeer.Namespace(t, name)
	ns, err := sock.OpenNamespace(name)
	if err != nil {
		t.Fatal(err)
	}
	home := threadNamespace(t)
	addr, _ := sock.Parse("127.0.0.1:7")
	fd, err := sock.Listen(&addr, &sock.ListenOptions{Namespace: ns})
	if err != nil {
		t.Fatal(err)
	}
	defer sock.Close(fd)
	if ns.Name() != name || ns.Cookie() == 0 || sock.NamespaceCookie(fd) != ns.Cookie() {
		t.Errorf("%q, cookies %d and %d", ns.Name(), ns.Cookie(), sock.NamespaceCookie(fd))
	}
	if own := (*sock.Namespace)(nil); own.Name() != "" || own.Cookie() == ns.Cookie() {
		t.Errorf("the namespace of the process: %q, %d", own.Name(), own.Cookie())
	}
	// Whoever is inside finds the socket, and so do connections that are made there.
	if err := do(func() error {
		c, err := net.Dial("tcp", "127.0.0.1:7")
		if err == nil {
			c.Close()
		}
		return err
	}); err != nil {
		t.Error("from inside:", err)
	}
	for _, c := range []struct {
		in   *sock.Namespace
		want syscall.Errno
	}{{ns, 0}, {nil, syscall.ECONNREFUSED}} {
		fd, _, e := sock.Connect(&addr, &sock.ConnectOptions{Namespace: c.in})
		if e == 0 {
			p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
			_, _ = unix.Poll(p, 1000)
			e = sock.Error(fd)
			sock.Close(fd)
		}
		if e != c.want {
			t.Errorf("connecting in %q: %v, want %v", c.in.Name(), e, c.want)
		}
	}
	inside := ""
	if err := ns.Do(func() error { inside = threadNamespace(t); return os.ErrClosed }); err != os.ErrClosed || inside == home { //nolint:errorlint // the very error
		t.Errorf("Do: %v, in %s", err, inside)
	}
	if now := threadNamespace(t); now != home {
		t.Errorf("the thread is in %s, and was in %s", now, home)
	}
}

func TestNoNamespace(t *testing.T) {
	for name, want := range map[string]string{
		"bench-none":                "cannot open namespace 'bench-none': no such file or directory",
		"../../../proc/self/ns/uts": "is no network namespace",
		"../../../dev/null":         "is no network namespace",
	} {
		if _, err := sock.OpenNamespace(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Connections may come from addresses that are not of this host, which takes privileges.
func TestConnectFromForeignAddress(t *testing.T) {
	if os.Geteuid() != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("needs root")
		}
		t.Skip("needs root")
	}
	for _, c := range []struct{ network, listen, from string }{{"tcp4", "127.0.0.1:0", "192.0.2.77:0"}, {"tcp6", "[::1]:0", "[2001:db8::77]:0"}} {
		l, err := net.Listen(c.network, c.listen)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		to, _ := sock.Parse(l.Addr().String())
		from, _ := sock.Parse(c.from)
		if fd, _, e := sock.Connect(&to, &sock.ConnectOptions{Source: &from}); e != syscall.EADDRNOTAVAIL {
			t.Errorf("%s without privilege: %d, %v", c.from, fd, e)
		}
		fd, _, e := sock.Connect(&to, &sock.ConnectOptions{Source: &from, Transparent: true})
		if e != 0 {
			t.Errorf("%s: %v", c.from, e)
			continue
		}
		if own, e := sock.LocalAddr(fd); e != 0 || own.AddrPort().Addr() != from.AddrPort().Addr() {
			t.Errorf("comes from %s, %v", own.String(), e)
		}
		sock.Close(fd)
	}
}
