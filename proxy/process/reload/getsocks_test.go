package reload

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bench/internal/sock"
	"bench/internal/testpeer"
)

func listen(t *testing.T, addr string, o *sock.ListenOptions) (int, sock.Addr) {
	t.Helper()
	a, err := sock.Parse(addr)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := sock.Listen(&a, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if !a.IsUnix() {
		got, errno := sock.LocalAddr(fd)
		if errno != 0 {
			t.Fatal(errno)
		}
		a = got
	}
	return fd, a
}

// giver answers one "_getsocks" on a unix socket and returns its path.
func giver(t *testing.T, ls []Listener) (path string, result <-chan error) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "old.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	done := make(chan error, 1)
	go func() {
		conn, err := l.AcceptUnix()
		if err != nil {
			done <- err
			return
		}
		defer conn.Close()
		line, err := bufio.NewReader(io.LimitReader(conn, int64(len(request)))).ReadString('\n')
		if err != nil || line != request {
			done <- fmt.Errorf("request %q: %w", line, err)
			return
		}
		done <- Send(conn, ls)
	}()
	return path, done
}

func TestTransferInBatches(t *testing.T) {
	var ls []Listener
	var addrs []sock.Addr
	for range maxFDs + 3 {
		fd, a := listen(t, "127.0.0.1:0", nil)
		ls, addrs = append(ls, Listener{FD: fd}), append(addrs, a)
	}
	path, done := giver(t, ls)
	got, err := Fetch(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error("giver:", err)
	}
	if got.Len() != len(ls) {
		t.Fatalf("%d sockets received, want %d", got.Len(), len(ls))
	}
	fd, ok := got.Take(&addrs[maxFDs+1], &sock.ListenOptions{})
	if !ok {
		t.Fatal("a socket that was sent is not found")
	}
	unix.Close(fd)
	if err := got.Close(); err != nil {
		t.Error(err)
	}
}

func TestTakeMatchesAddressAndOptions(t *testing.T) {
	dir := t.TempDir()
	v4, a4 := listen(t, "127.0.0.1:0", nil)
	v6, a6 := listen(t, "[::1]:0", &sock.ListenOptions{V6Only: true})
	un, au := listen(t, filepath.Join(dir, "s"), nil)
	ab, aa := listen(t, fmt.Sprintf("abns@take-%d", os.Getpid()), nil)
	other, _ := sock.Parse(filepath.Join(dir, "s2"))
	l := &Listeners{}
	for _, fd := range []int{v4, v6, un, ab} {
		d, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		l.add(d)
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[1])
	l.add(pair[0]) // no listener: dropped
	if l.Len() != 4 {
		t.Fatalf("%d sockets held, want 4", l.Len())
	}
	tests := []struct {
		name string
		addr *sock.Addr
		o    sock.ListenOptions
		want bool
	}{
		{"IPv6 with another option", &a6, sock.ListenOptions{}, false},
		{"IPv6", &a6, sock.ListenOptions{V6Only: true}, true},
		{"IPv6 twice", &a6, sock.ListenOptions{V6Only: true}, false},
		{"IPv4 on an interface", &a4, sock.ListenOptions{Interface: "lo"}, false},
		{"IPv4", &a4, sock.ListenOptions{}, true},
		{"another unix path", &other, sock.ListenOptions{}, false},
		{"unix, bound under a temporary name", &au, sock.ListenOptions{}, true},
		{"abstract", &aa, sock.ListenOptions{}, true},
	}
	for _, tt := range tests {
		fd, ok := l.Take(tt.addr, &tt.o)
		if ok != tt.want {
			t.Errorf("%s: taken = %v, want %v", tt.name, ok, tt.want)
		}
		if ok {
			unix.Close(fd)
		}
	}
	if l.Len() != 0 {
		t.Errorf("%d sockets left", l.Len())
	}
}

// Sockets in two namespaces may have one address.
func TestTakeFromNamespace(t *testing.T) {
	name := fmt.Sprintf("bench-take-%d", os.Getpid())
	testpeer.Namespace(t, name)
	ns, err := sock.OpenNamespace(name)
	if err != nil {
		t.Fatal(err)
	}
	here, addr := listen(t, "127.0.0.1:0", nil)
	there, _ := listen(t, addr.String(), &sock.ListenOptions{Namespace: ns})
	for _, in := range []*sock.Namespace{nil, ns} {
		l := &Listeners{}
		for _, fd := range []int{there, here, there} {
			d, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
			if err != nil {
				t.Fatal(err)
			}
			l.add(d)
		}
		fd, ok := l.Take(&addr, &sock.ListenOptions{Namespace: in})
		if !ok || sock.NamespaceCookie(fd) != in.Cookie() {
			t.Errorf("in %q: %v, one of cookie %d, want %d", in.Name(), ok, sock.NamespaceCookie(fd), in.Cookie())
		}
		unix.Close(fd)
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestFetchFailures(t *testing.T) {
	if _, err := Fetch(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("no error without an old process")
	}
	path := filepath.Join(t.TempDir(), "cli")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		if c, err := l.Accept(); err == nil {
			c.Close() // as a stats socket without expose-fd does
		}
	}()
	if _, err := Fetch(path); err == nil {
		t.Error("no error from a process that refuses")
	}
}

// freeAddr is an address that nobody listens on.
func freeAddr(t *testing.T) sock.Addr {
	t.Helper()
	a, err := sock.Parse(testpeer.FreeAddr(t))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// startHAProxy runs the real one until the test ends.
func startHAProxy(t *testing.T, config string, args ...string) {
	t.Helper()
	bin := testpeer.Need(t, "haproxy")
	cfg := filepath.Join(t.TempDir(), "cfg")
	if err := os.WriteFile(cfg, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, append([]string{"-db", "-f", cfg}, args...)...)
	out := &tail{}
	cmd.Stderr = out
	if err := testpeer.Launch(cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("haproxy said:\n%s", out.b)
		}
	})
}

type tail struct{ b []byte }

func (w *tail) Write(p []byte) (int, error) { w.b = append(w.b, p...); return len(p), nil }

const relay = `
defaults
  mode http
  timeout client 5s
  timeout server 5s
  timeout connect 5s
`

func TestTakeFromHAProxy(t *testing.T) {
	testpeer.Need(t, "haproxy")
	cli := filepath.Join(t.TempDir(), "cli")
	addr := freeAddr(t)
	startHAProxy(t, "global\n  stats socket "+cli+" expose-fd listeners level admin\n"+relay+
		"frontend f\n  bind "+addr.AddrPort().String()+"\n  http-request return status 200\n")
	var ls *Listeners
	var err error
	for range 100 {
		if ls, err = Fetch(cli); err == nil {
			break
		}
		time.Sleep(30 * time.Millisecond)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer ls.Close()
	fd, ok := ls.Take(&addr, &sock.ListenOptions{})
	if !ok {
		t.Fatalf("%s is not among the %d sockets", addr.String(), ls.Len())
	}
	defer unix.Close(fd)
	path, _ := sock.UnixAddr(cli)
	if fd, ok := ls.Take(&path, &sock.ListenOptions{}); !ok {
		t.Error("the stats socket is not among the sockets")
	} else {
		unix.Close(fd)
	}
}

func TestGiveToHAProxy(t *testing.T) {
	testpeer.Need(t, "haproxy")
	// Without SO_REUSEPORT nobody else can bind the port: it must have been taken.
	fd, addr := listen(t, "127.0.0.1:0", nil)
	unused, _ := listen(t, "127.0.0.1:0", nil)
	path, done := giver(t, []Listener{{FD: unused}, {FD: fd}})
	startHAProxy(t, relay+"frontend f\n  bind "+addr.AddrPort().String()+"\n  http-request return status 200\n", "-x", path)
	select {
	case err := <-done:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("haproxy did not ask for the sockets")
	}
	conn, err := net.DialTimeout("tcp", addr.AddrPort().String(), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	fmt.Fprint(conn, "GET / HTTP/1.0\r\n\r\n")
	status, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || status != "HTTP/1.1 200 OK\r\n" && status != "HTTP/1.0 200 OK\r\n" {
		t.Errorf("answer %q, %v", status, err)
	}
}

func TestBorrow(t *testing.T) {
	testpeer.Need(t, "haproxy")
	addr := freeAddr(t)
	bin := testpeer.Need(t, "haproxy")
	cfg := filepath.Join(t.TempDir(), "cfg")
	if err := os.WriteFile(cfg, []byte(relay+"frontend f\n  bind "+addr.AddrPort().String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, "-db", "-f", cfg)
	testpeer.Start(t, cmd)
	for range 100 {
		if c, err := net.Dial("tcp", addr.AddrPort().String()); err == nil {
			c.Close()
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	ls := Borrow([]int{cmd.Process.Pid})
	defer ls.Close()
	if ls.Len() == 0 {
		t.Skip("the kernel does not let this process look into another")
	}
	fd, ok := ls.Take(&addr, &sock.ListenOptions{})
	if !ok {
		t.Fatalf("%s is not among the %d sockets", addr.String(), ls.Len())
	}
	unix.Close(fd)
}
