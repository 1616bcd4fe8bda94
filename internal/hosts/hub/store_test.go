package hub

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"bench/internal/hosts/wire"
)

// Runs hear that the disk is nearly full, as long as it is.
func TestFullStore(t *testing.T) {
	t.Parallel()
	var free atomic.Int64
	free.Store(2 * leastFree)
	n := &notes{}
	h, err := Start(Options{Listen: "127.0.0.1:0", Store: t.TempDir(), Note: n.take, free: func() (int64, error) { return free.Load(), nil }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	heard := make(chan string, 100)
	nc := connect(t, h.RunAddress(h.Listens()), wire.ClientOfRun("r1"))
	if _, err := nc.Subscribe(wire.Full, func(m *nats.Msg) {
		if m.Header.Get(wire.HeaderKind) != wire.SaidFull {
			t.Errorf("%q says no more than that", m.Data)
		}
		select {
		case heard <- string(m.Data):
		default:
		}
	}); err != nil {
		t.Fatal(err)
	}
	free.Store(tight - 1)
	select {
	case text := <-heard:
		if !strings.Contains(text, "has 127 MiB free, and 128 are wanted") {
			t.Errorf("%q", text)
		}
	case <-time.After(30 * time.Second):
		t.Error("nothing is heard")
	}
	n.wait(t, "has 127 MiB free")
	free.Store(tight)
	n.wait(t, "has room again")
	if _, err := roomIn("/no/such/directory"); err == nil {
		t.Error("there is room where there is nothing")
	}
}
