package session_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bench/internal/hosts/hub"
	"bench/internal/loop"
	"bench/internal/proc"
)

// again starts the hub once more where it was, after what is done in between.
func (w *world) again(between func()) {
	w.t.Helper()
	listen := w.hub.Listens()
	if err := w.hub.Close(); err != nil {
		w.t.Fatal(err)
	}
	between()
	eventually(w.t, "a hub", func() bool {
		h, err := hub.Start(hub.Options{Listen: listen, Store: w.store})
		if err != nil {
			w.t.Log(err)
			return false
		}
		w.hub = h
		return true
	})
}

// A hub that is started anew in the middle of a run goes on with what it has kept: every line
// comes once and in order.
func TestHubThatIsStartedAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t, loop.Nanotime, "gen1")
	const lines = 4000
	var next atomic.Int64
	p := w.start(proc.Spec{Stdout: &proc.LineWriter{Take: func(line []byte) {
		if n := next.Add(1) - 1; string(line) != strconv.FormatInt(n, 10) {
			t.Errorf("line %q where %d was due", line, n)
		}
	}}}, "count", strconv.Itoa(lines), "1ms")
	for _, after := range []int64{100, 600} {
		eventually(t, "some lines", func() bool { return next.Load() > after })
		w.again(func() {})
	}
	wait(t, "the end", p.Done())
	if next.Load() != lines || p.ExitCode() != 0 {
		t.Errorf("%d lines, %s", next.Load(), p.State())
	}
	if err := w.session.Err(); err != nil {
		t.Error(err)
	}
}

// One that has lost its store ends the run, and says why; nothing stays on the hosts.
func TestHubThatHasLostItsStore(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ lost, want string }{
		"streams":    {"jetstream", "has lost what the hosts of the run had said"},
		"everything": {"", "is lost: nothing was heard of it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, loop.Nanotime, "gen1")
			out := &text{}
			p := w.start(proc.Spec{Stdout: out}, "sleep")
			eventually(t, "a process", func() bool { return out.String() != "" })
			w.again(func() {
				if err := os.RemoveAll(filepath.Join(w.store, c.lost)); err != nil {
					t.Fatal(err)
				}
				if err := os.MkdirAll(w.store, 0o700); err != nil {
					t.Fatal(err)
				}
			})
			wait(t, "the loss", w.session.Lost())
			if err := w.session.Err(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v", err)
			}
			wait(t, "the end", p.Done())
			_ = w.session.Close() // what it cannot reach ends by itself
			for deadline := time.Now().Add(patience); !gone(p.PID()); time.Sleep(5 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatal("the process stays")
				}
			}
		})
	}
}
