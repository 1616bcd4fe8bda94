package sock

import (
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"
)

// connected are both ends of a unix socket.
func connected(t *testing.T) (client *net.UnixConn, server net.Conn) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "s"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if client, err = net.DialUnix("unix", nil, l.Addr().(*net.UnixAddr)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	if server, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	return client, server
}

// A side that only says nothing more still reads; one that has closed does not.
func TestHungUp(t *testing.T) {
	client, server := connected(t)
	if HungUp(server) {
		t.Error("at first")
	}
	if err := client.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if HungUp(server) {
		t.Error("when the client has said all")
	}
	_ = client.Close()
	for range 500 {
		if HungUp(server) {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if !HungUp(server) {
		t.Error("not when the client has gone")
	}
	_ = server.Close()
	if !HungUp(server) {
		t.Error("a connection of ours that is closed has an other side")
	}
	if a, b := net.Pipe(); HungUp(a) || HungUp(b) {
		t.Error("what is no socket is not known to have ended")
	}
}

// What has been read lies in a connection no more.
func TestUnread(t *testing.T) {
	client, server := connected(t)
	piece := make([]byte, 4096)
	none := Unread(server)
	var counts []int
	for range 2 {
		if _, err := server.Write(piece); err != nil {
			t.Fatal(err)
		}
		counts = append(counts, Unread(server))
	}
	for range 2 {
		if _, err := io.ReadFull(client, piece); err != nil {
			t.Fatal(err)
		}
		counts = append(counts, Unread(server))
	}
	if none != 0 || counts[0] < len(piece) || counts[1] <= counts[0] || counts[2] >= counts[1] || counts[3] != 0 {
		t.Errorf("%d at first, then %v", none, counts)
	}
	pipe, other := net.Pipe()
	defer pipe.Close()
	defer other.Close()
	if n := Unread(pipe); n != 0 {
		t.Errorf("%d of what is no socket", n)
	}
}
