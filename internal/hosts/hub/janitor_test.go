package hub

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"bench/internal/hosts/wire"
)

// What a run that is gone has left in the hub goes, what one has that is there stays.
func TestStreamsOfRunsThatAreGone(t *testing.T) {
	t.Parallel()
	h, said := start(t, t.TempDir())
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	var all []jetstream.JetStream
	for _, run := range []string{"gone", "there"} {
		nc := connect(t, h.RunAddress(h.Listens()), wire.ClientOfRun(run))
		js, err := jetstream.New(nc)
		if err != nil {
			t.Fatal(err)
		}
		for _, stream := range []string{wire.Stream(run), wire.TodoStream(run), wire.DoneStream(run)} {
			if _, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: stream, Subjects: []string{stream}}); err != nil {
				t.Fatal(err)
			}
		}
		if run == "gone" {
			nc.Close()
		}
		all = append(all, js)
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if there, err := h.connected(wire.ClientOfRun("gone")); err != nil || time.Now().After(deadline) {
			t.Fatal("connected still", err)
		} else if !there {
			break
		}
	}
	for sweeps := range orphanSweeps {
		// Whose connection is cut comes back within that time, and finds its streams.
		if now, err := h.server.Jsz(nil); err != nil || now.Streams != 6 {
			t.Errorf("after %d sweeps: %+v, %v", sweeps, now, err)
		}
		if err := h.janitor.sweep(); err != nil {
			t.Fatal(err)
		}
	}
	said.wait(t, "removed what run gone has left behind")
	if _, err := all[1].Stream(ctx, wire.Stream("there")); err != nil {
		t.Error(err)
	}
	again, err := jetstream.New(connect(t, h.RunAddress(h.Listens()), wire.ClientOfRun("gone")))
	if err != nil {
		t.Fatal(err)
	}
	for _, stream := range []string{wire.Stream("gone"), wire.TodoStream("gone"), wire.DoneStream("gone")} {
		if _, err := again.Stream(ctx, stream); !errors.Is(err, jetstream.ErrStreamNotFound) {
			t.Errorf("%s: %v", stream, err)
		}
	}
}
