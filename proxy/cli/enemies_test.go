package cli

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"bench/internal/sock"
)

// A socket that nobody uses takes no place from the others.
func TestPlacesAreForConnections(t *testing.T) {
	s, first := start(t, newFake(), Options{MaxConn: 1, Version: "v"}, Access{})
	second := first + "2"
	addr, err := sock.Parse(second)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := sock.Listen(&addr, &sock.ListenOptions{Backlog: 64})
	if err != nil {
		t.Fatal(err)
	}
	defer sock.Close(fd)
	if err := s.Listen(fd, Access{}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		for _, path := range []string{first, second} {
			if got := ask(t, path, "show version"); got != "v\n\n" {
				t.Errorf("%s: %q", path, got)
			}
		}
	}
	// Who waits for a place does not keep the service from ending.
	held := dial(t, first)
	_, _ = held.Write([]byte("prompt\n"))
	_ = readFor(held, 50*time.Millisecond)
	waits := dial(t, second)
	_, _ = waits.Write([]byte("show version\n"))
	if got := readFor(waits, 50*time.Millisecond); got != "" {
		t.Errorf("beyond the limit: %q", got)
	}
	closed := make(chan struct{})
	go func() { s.Close(); close(closed) }()
	select {
	case <-closed:
	case <-time.After(10 * time.Second):
		t.Fatal("the service waits for a place")
	}
	_ = waits.SetReadDeadline(time.Now().Add(5 * time.Second))
	if b, err := io.ReadAll(waits); len(b) > 0 || os.IsTimeout(err) {
		t.Errorf("%q, %v", b, err)
	}
}

// Whoever asks for a long wait and leaves gives the place back.
func TestWhoHasGoneDoesNotWait(t *testing.T) {
	e := newFake()
	e.backends[0].Servers[2].(*fakeServer).state.Sessions = 1 // in maintenance
	_, path := start(t, e, Options{MaxConn: 1, Version: "v"}, Access{Level: AdminLevel})
	for _, line := range []string{"wait 1h", "wait 1h srv-removable be/s3"} {
		c := dial(t, path)
		_, _ = c.Write([]byte("show version; " + line + "\n"))
		if got := readFor(c, 100*time.Millisecond); got != "v\n\n" {
			t.Fatalf("%s: %q", line, got)
		}
		_ = c.Close()
		if got := ask(t, path, "show version"); got != "v\n\n" {
			t.Errorf("after %s: %q", line, got)
		}
	}
	// One who has only said all waits.
	c := dial(t, path)
	_, _ = c.Write([]byte("wait 600ms; show version\n"))
	_ = c.CloseWrite()
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	if b, err := io.ReadAll(c); string(b) != "Done.\n\nv\n\n" {
		t.Errorf("%q, %v", b, err)
	}
}

// A reader that takes a few bytes now and then gets all of an answer, however long that
// takes; one that takes nothing does not keep a connection.
func TestSlowReaders(t *testing.T) {
	const timeout = 100 * time.Millisecond
	client, server := net.Pipe() // which has no room for what is not read
	s := New(newFake(), Options{Version: strings.Repeat("v", pieceSize), Timeout: timeout})
	defer s.Close()
	go s.Serve(server, Access{})
	_, _ = client.Write([]byte("show version\n"))
	began, n := time.Now(), 0
	for b := make([]byte, pieceSize/8); ; {
		m, err := client.Read(b)
		if n += m; err != nil {
			break
		}
		time.Sleep(timeout / 4)
	}
	if n != pieceSize+2 || time.Since(began) < timeout {
		t.Errorf("%d bytes in %v, want %d", n, time.Since(began), pieceSize+2)
	}
	client, server = net.Pipe()
	ended := make(chan struct{})
	go func() { s.Serve(server, Access{}); close(ended) }()
	_, _ = client.Write([]byte("show version\n"))
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("who reads nothing keeps the connection")
	}
}

// Of a unix socket most of what it holds must be read before there is room for more. Who takes
// longer for that than the connection may be silent goes on reading all the same.
func TestSlowReadersOfUnixSockets(t *testing.T) {
	e := newFake()
	for range 4000 {
		e.rows = append(e.rows, e.rows[1])
	}
	const timeout = time.Second
	_, path := start(t, e, Options{Timeout: timeout}, Access{})
	c := dial(t, path)
	_, _ = c.Write([]byte("show stat\n"))
	lines, b := 0, make([]byte, 8<<10)
	for began := time.Now(); ; {
		n, err := c.Read(b)
		lines += bytes.Count(b[:n], []byte("\n"))
		if err != nil {
			break
		}
		if time.Since(began) < 3*timeout {
			time.Sleep(timeout / 10)
		}
	}
	if lines != len(e.rows)+2 {
		t.Errorf("%d lines, want %d", lines, len(e.rows)+2)
	}
}

// A version of a map that replaces another one is shown, or the other one: never none.
func TestMapsAreShownWhileVersionsChange(t *testing.T) {
	e := newFake()
	l := e.patterns.File("m")
	l.Map = true
	if _, err := l.Add("key", "value"); err != nil {
		t.Fatal(err)
	}
	_, path := start(t, e, Options{}, Access{Level: AdminLevel})
	over, changed := make(chan struct{}), make(chan error)
	go func() {
		for {
			select {
			case <-over:
				changed <- nil
				return
			default:
			}
			n := l.Prepare()
			if err := errors.Join(l.AddTo(n, "key", "value"), l.Commit(n)); err != nil {
				changed <- err
				return
			}
		}
	}()
	for i := range 2000 {
		if got := ask(t, path, "show map m"); !strings.Contains(got, " key value\n") {
			t.Errorf("show %d: %q", i, got)
			break
		}
	}
	close(over)
	if err := <-changed; err != nil {
		t.Error(err)
	}
}

// However great a percentage is, also one that an agent tells, the weight is one.
func TestWeightsHaveBounds(t *testing.T) {
	for _, initial := range []int{0, 1, 7, 10, 100, 255, 256} {
		for _, text := range []string{"25600%", "1000000000000000000%", "922337203685477581%", "9223372036854775807%", "36028797018963968%"} {
			want := min(initial*256, 256)
			if n, problem := ParseWeight(text, initial, false); n != want || problem != "" {
				t.Errorf("%s of %d: %d, %q, want %d", text, initial, n, problem, want)
			}
		}
	}
	for _, text := range []string{"9223372036854775808", "-9223372036854775809%", "1e3", "0x10", "\u0663", "%", "5%%", "-1"} {
		if n, problem := ParseWeight(text, 10, false); n != 0 || problem == "" {
			t.Errorf("%s: %d, %q", text, n, problem)
		}
	}
}

// Commands that end in a semicolon are carried out although the rest of the line never comes,
// and a lower level has no modes any more.
func TestWhatIsCutAndWhatIsLowered(t *testing.T) {
	_, path := start(t, newFake(), Options{Version: "v"}, Access{Level: AdminLevel})
	for text, want := range map[string]string{
		"show version;show cli": "v\n\n", "show version\\;": "", "show version;show cli level;x\\;y": "v\n\nadmin\n\n",
		"experimental-mode on;operator;set var proc.x int(5);": "\n\nThis command is restricted to experimental mode only.\n\n",
	} {
		c := dial(t, path)
		_, _ = c.Write([]byte(text))
		_ = c.CloseWrite()
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		if b, err := io.ReadAll(c); string(b) != want || err != nil {
			t.Errorf("%q: %q, %v, want %q", text, b, err, want)
		}
	}
}
