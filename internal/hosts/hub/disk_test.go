package hub

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sys/unix"

	"bench/internal/hosts/wire"
)

// roomVariable names the directory that a test is to have as a file system of its own.
const roomVariable = "BENCH_TEST_ROOM"

// room is a file system of a test: nobody else sees it, and it takes memory as it fills up only.
type room struct {
	t   *testing.T
	dir string
}

// newRoom has the test run again in a mount namespace of its own. It is nil where the test is
// over when that has ended.
func newRoom(t *testing.T, size int64) *room {
	t.Helper()
	if dir := os.Getenv(roomVariable); dir != "" {
		r := &room{t, dir}
		if err := unix.Mount("none", dir, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
			t.Fatal(err)
		}
		return r
	}
	if os.Geteuid() != 0 {
		if os.Getenv("CI") != "" {
			t.Fatal("file systems can be made by root only")
		}
		t.Skip("file systems can be made by root only")
	}
	again := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	again.Env = append(os.Environ(), roomVariable+"="+t.TempDir())
	again.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if out, err := again.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	return nil
}

// leave changes the size so that so much is free.
func (r *room) leave(free int64) {
	r.t.Helper()
	var s unix.Statfs_t
	if err := unix.Statfs(r.dir, &s); err != nil {
		r.t.Fatal(err)
	}
	size := int64(s.Blocks-s.Bfree)*s.Bsize + free
	if err := unix.Mount("none", r.dir, "tmpfs", unix.MS_REMOUNT, fmt.Sprintf("size=%d", size)); err != nil {
		r.t.Fatal(err)
	}
}

// When the disk of the store fills up all at once, runs hear it, and the hub lives; when there is
// room again, the next run goes as any other.
func TestDiskOfTheStoreIsFull(t *testing.T) {
	r := newRoom(t, 2*leastFree)
	if r == nil {
		return
	}
	h, said := start(t, r.dir)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	host := connect(t, h.JoinAddress(h.Listens()), wire.ClientOfHost("gen1"))
	// begin makes the stream of a run, and counts what is kept of a message.
	begin := func(name string) *nats.Conn {
		t.Helper()
		run := connect(t, h.RunAddress(h.Listens()), wire.ClientOfRun(name))
		js, err := jetstream.New(run)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: wire.Stream(name), Subjects: []string{wire.AnyOutput(name)}, MaxBytes: 64 << 20}); err != nil {
			t.Fatal(err)
		}
		return run
	}
	kept := func(run string) bool {
		m, err := host.Request(wire.Output(run, "gen1", "p1"), make([]byte, wire.MaxChunk), 2*time.Second)
		if err != nil {
			return false
		}
		var ack jetstream.PubAck
		return json.Unmarshal(m.Data, &ack) == nil && ack.Sequence > 0
	}
	first := begin("r1")
	full := make(chan struct{}, 100)
	if _, err := first.Subscribe(wire.Full, func(m *nats.Msg) {
		if m.Header.Get(wire.HeaderKind) == wire.SaidFull {
			select {
			case full <- struct{}{}:
			default:
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
	if err := first.FlushTimeout(20 * time.Second); err != nil {
		t.Fatal(err)
	}
	if !kept("r1") {
		t.Fatal("nothing is kept")
	}
	r.leave(0)
	select {
	case <-full:
	case <-time.After(20 * time.Second):
		t.Error("nobody says that the disk is full")
	}
	said.wait(t, "has 0 MiB free")
	for range 3 {
		_ = kept("r1") // there may be room in the file yet
	}
	first.Close()
	r.leave(2 * leastFree)
	said.wait(t, "has room again")
	begin("r2")
	for range 8 {
		if !kept("r2") {
			t.Fatal("nothing is kept of the next run")
		}
	}
}
