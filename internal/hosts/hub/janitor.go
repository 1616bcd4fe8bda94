package hub

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"

	"bench/internal/hosts/wire"
)

// A run that is killed leaves its streams behind, and each holds room for what it might
// have come to hold: after a dozen of them the hub would take no more runs.
const (
	sweepEvery = 15 * time.Second
	// orphanSweeps is how many sweeps in a row a run has to be without a connection.
	orphanSweeps = 4
	sweepLimit   = 10 * time.Second
)

// clientOfJanitor is the connection of the hub to itself.
const clientOfJanitor = "hub-janitor"

// janitor removes the streams of runs that are gone.
type janitor struct {
	hub  *Hub
	conn *nats.Conn
	js   jetstream.JetStream
	over chan struct{}
	once sync.Once // of the end
	done sync.WaitGroup

	mu      sync.Mutex
	orphans map[string]int // sweeps by the name of the stream
}

func (h *Hub) startJanitor() (*janitor, error) {
	pair, err := nkeys.FromSeed([]byte(h.id.own.Seed))
	if err != nil {
		return nil, err
	}
	j := &janitor{hub: h, over: make(chan struct{}), orphans: map[string]int{}}
	j.conn, err = nats.Connect("", nats.InProcessServer(h.server), nats.Name(clientOfJanitor), nats.Nkey(h.id.own.public, pair.Sign),
		nats.CustomInboxPrefix(wire.Inbox(clientOfJanitor)))
	if err != nil {
		return nil, fmt.Errorf("the hub cannot connect to itself: %w", err)
	}
	if j.js, err = jetstream.New(j.conn); err != nil {
		j.conn.Close()
		return nil, err
	}
	j.done.Go(j.watchStore)
	j.done.Go(func() {
		tick := time.NewTicker(sweepEvery)
		defer tick.Stop()
		for {
			select {
			case <-j.over:
				return
			case <-tick.C:
				_ = j.sweep() // the next one does it
			}
		}
	})
	return j, nil
}

func (j *janitor) end() {
	if j != nil {
		j.once.Do(func() { close(j.over) })
		j.conn.Close()
		j.done.Wait()
	}
}

// sweep looks once which runs are there, and removes what those have left that were not
// for long enough.
func (j *janitor) sweep() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), sweepLimit)
	defer cancel()
	list := j.js.StreamNames(ctx)
	orphans := map[string]int{}
	for name := range list.Name() {
		run := wire.RunOfStream(name)
		if run == "" {
			continue
		}
		there, err := j.hub.connected(wire.ClientOfRun(run))
		if err != nil {
			return err
		}
		if !there {
			orphans[name] = j.orphans[name] + 1
		}
	}
	if err := list.Err(); err != nil {
		return err
	}
	j.orphans = orphans
	for name, sweeps := range orphans {
		if sweeps < orphanSweeps {
			continue
		}
		if err := j.js.DeleteStream(ctx, name); err != nil {
			return err
		}
		delete(orphans, name)
		j.hub.note("removed what run " + wire.RunOfStream(name) + " has left behind")
	}
	return nil
}

// connected reports whether a client of that name is connected.
func (h *Hub) connected(name string) (bool, error) {
	const page = 1024
	for offset := 0; ; offset += page {
		all, err := h.server.Connz(&server.ConnzOptions{Limit: page, Offset: offset})
		if err != nil {
			return false, err
		}
		for _, c := range all.Conns {
			if c.Name == name {
				return true, nil
			}
		}
		if len(all.Conns) < page {
			return false, nil
		}
	}
}

// janitorMay is what the hub's own connection may do.
func janitorMay() *server.Permissions {
	return &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: []string{wire.Full, "$JS.API.STREAM.NAMES", "$JS.API.STREAM.DELETE.*", "$JS.API.INFO"}},
		Subscribe: &server.SubjectPermission{Allow: []string{wire.Inbox(clientOfJanitor) + ".>"}},
	}
}

// isJanitor reports whether a client is the hub's own connection.
func (g *gate) isJanitor(o *server.ClientOpts, nonce []byte) bool {
	return o.Nkey == g.id.own.public && strings.HasPrefix(o.Name, clientOfJanitor) && signed(o.Nkey, o.Sig, nonce)
}
