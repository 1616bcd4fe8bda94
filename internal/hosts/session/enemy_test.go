package session_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"bench/internal/hosts/hub"
	"bench/internal/hosts/member"
	"bench/internal/hosts/wire"
	"bench/internal/loop"
)

// enemy is a runner that orders what it likes.
type enemy struct {
	t    *testing.T
	conn *nats.Conn
	run  string
	seq  map[string]uint64 // of the last order in each channel
}

// send sends text to a channel and waits for the answer.
func (e *enemy) send(channel string, text []byte) (r wire.Reply) {
	e.t.Helper()
	m, err := e.conn.Request(wire.Orders("gen1", e.run, channel), text, patience)
	if err != nil {
		e.t.Fatalf("%.200s: %v", text, err)
	}
	if err := json.Unmarshal(m.Data, &r); err != nil {
		e.t.Fatalf("%.200s: %v", text, err)
	}
	return r
}

// order gives the next order of a channel.
func (e *enemy) order(channel string, o wire.Order) wire.Reply {
	e.t.Helper()
	e.seq[channel]++
	o.Seq = e.seq[channel]
	text, err := json.Marshal(o)
	if err != nil {
		e.t.Fatal(err)
	}
	return e.send(channel, text)
}

// newEnemy is one that has the token for runs, and a host that allows a proxy of its own
// and one program.
func newEnemy(t *testing.T) *enemy {
	t.Helper()
	h, err := hub.Start(hub.Options{Listen: "127.0.0.1:0", Store: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	ctx, cancel := context.WithCancel(context.Background())
	var joined sync.WaitGroup
	t.Cleanup(func() { cancel(); joined.Wait() })
	o := hostOptions(h.JoinAddress(h.Listens()), "gen1", t.TempDir(), loop.Nanotime)
	o.Allow, o.Exec = []string{wire.RoleProxy}, []string{"/bin/true"}
	joined.Go(func() {
		if err := member.Join(ctx, o); err != nil {
			t.Errorf("the host: %v", err)
		}
	})
	e := &enemy{t: t, run: "enemy", seq: map[string]uint64{}}
	if e.conn, err = wire.Connect(h.RunAddress(h.Listens()), wire.Options{Name: wire.ClientOfRun(e.run)}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.conn.Close)
	hello, err := e.conn.SubscribeSync(wire.AnyHello)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "a host", func() bool {
		if err := e.conn.Publish(wire.Who, nil); err != nil {
			t.Fatal(err)
		}
		_, err := hello.NextMsg(200 * time.Millisecond)
		return err == nil
	})
	var beats sync.WaitGroup
	t.Cleanup(beats.Wait)
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	beats.Go(func() {
		for {
			_ = e.conn.Publish(wire.RunBeat(e.run), nil)
			select {
			case <-over:
				return
			case <-time.After(wire.BeatEvery):
			}
		}
	})
	return e
}

// Whatever a runner orders, the host does what it allows, says what it refuses, and lives.
func TestEnemyOrders(t *testing.T) {
	t.Parallel()
	e := newEnemy(t)
	if r := e.send("p1", []byte(`{"seq":1,"op":"start","args":["/bin/true"]}`)); r.Kind != wire.KindGone {
		t.Errorf("an order before the run was opened: %+v", r)
	}
	opened := e.order(wire.RunChannel, wire.Order{Op: wire.OpOpen})
	if opened.Error != "" || opened.Dir == "" {
		t.Fatalf("%+v", opened)
	}
	outside := filepath.Join(filepath.Dir(opened.Dir), "enemy-was-here")
	t.Cleanup(func() { _ = os.Remove(outside) }) // or the next test would find it, too
	for _, path := range []string{
		"../enemy-was-here", "a/../../enemy-was-here", outside, "", "..", "./../enemy-was-here", "/etc/passwd", strings.Repeat("../", 40) + "etc/enemy",
	} {
		r := e.order(wire.RunChannel, wire.Order{Op: wire.OpFile, Path: path, Mode: 0o600, Data: []byte("x")})
		if r.Error == "" {
			t.Errorf("a file %q: %+v", path, r)
		}
	}
	if _, err := os.Stat(outside); err == nil {
		t.Error("a file outside of the run's directory was written")
	}
	// A link does not lead out, either.
	if err := os.Symlink(outside, filepath.Join(opened.Dir, "link")); err != nil {
		t.Fatal(err)
	}
	if r := e.order(wire.RunChannel, wire.Order{Op: wire.OpFile, Path: "link", Data: []byte("x")}); r.Error == "" {
		t.Errorf("a file behind a link: %+v", r)
	}
	if r := e.order(wire.RunChannel, wire.Order{Op: "other"}); !strings.Contains(r.Error, "is no order") {
		t.Errorf("%+v", r)
	}
	if r := e.send(wire.RunChannel, []byte("\x00garbage{")); !strings.Contains(r.Error, "cannot be understood") {
		t.Errorf("%+v", r)
	}
	if r := e.send(wire.RunChannel, []byte(`{"seq":"one"}`)); !strings.Contains(r.Error, "cannot be understood") {
		t.Errorf("%+v", r)
	}
	for i, c := range []struct {
		args []string
		self bool
		want string
	}{
		{[]string{"/bin/sh", "-c", "true"}, false, "may not start"},
		{[]string{"/bin/../bin/true"}, false, "may not start"},
		{[]string{"./true"}, false, "may not start"},
		{[]string{"../../bin/true"}, false, "may not start"},
		{[]string{""}, false, "may not start"},
		{nil, false, "no program is named"},
		{nil, true, "nothing that runs start on hosts"},
		{[]string{"agent", "port"}, true, "nothing that runs start on hosts"},
		{[]string{"guard"}, true, "nothing that runs start on hosts"},
		{[]string{"agent", "load"}, true, "it takes no load"},
		{[]string{"backend", "http"}, true, "it takes no backend"},
	} {
		r := e.order(fmt.Sprintf("p%d", i+10), wire.Order{Op: wire.OpStart, Self: c.self, Args: c.args})
		if r.Kind != wire.KindRefused || !strings.Contains(r.Error, c.want) {
			t.Errorf("%q: %+v", c.args, r)
		}
	}
	if r := e.order("p40", wire.Order{Op: wire.OpStart, Args: []string{"true"}}); r.Error != "" {
		t.Errorf("a program that is allowed: %+v", r)
	}
	for _, op := range []string{wire.OpSignal, wire.OpStdin, wire.OpEOF, "other"} {
		if r := e.order("p50", wire.Order{Op: op, Signal: 9}); r.Error == "" {
			t.Errorf("%s to nobody: %+v", op, r)
		}
	}
	// The last one again, as a connection that was cut makes it: it is not carried out twice.
	text, err := json.Marshal(wire.Order{Seq: 1, Op: wire.OpOpen})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.conn.Request(wire.Orders("gen1", e.run, wire.RunChannel), text, 300*time.Millisecond); err == nil {
		t.Error("an order of long ago is answered")
	}
	// Orders are numbered from 1: one without a number could be carried out again and again.
	if _, err := e.conn.Request(wire.Orders("gen1", e.run, "p60"), []byte(`{"op":"start","args":["true"]}`), 300*time.Millisecond); err == nil {
		t.Error("an order without a number is carried out")
	}
	// Nobody else is worked for meanwhile, and afterwards whoever comes.
	if r := e.order(wire.RunChannel, wire.Order{Op: wire.OpClose}); r.Error != "" {
		t.Errorf("%+v", r)
	}
	if r := e.send(wire.RunChannel, []byte(`{"seq":1,"op":"open"}`)); r.Kind != wire.KindGone {
		t.Errorf("a run that was closed is opened again: %+v", r)
	}
}

// Faults concern ports that the run was given, on the host that has given them.
func TestFaultsOfPortsOfOthers(t *testing.T) {
	t.Parallel()
	e := newEnemy(t)
	if r := e.order(wire.RunChannel, wire.Order{Op: wire.OpOpen}); r.Error != "" {
		t.Fatal(r.Error)
	}
	given := e.order(wire.RunChannel, wire.Order{Op: wire.OpPort})
	if given.Port == 0 {
		t.Fatalf("%+v", given)
	}
	for i, server := range []string{"127.0.0.1:22", "127.0.0.1:0", "0.0.0.0:0", fmt.Sprintf("192.0.2.1:%d", given.Port), fmt.Sprintf("127.0.0.1:%d", given.Port+1)} {
		order := fmt.Appendf(nil, `{"kind":"packets","server":%q,"packets":{"id":"x","match":{},"drop":true}}`, server)
		r := e.order(fmt.Sprintf("%s%d", wire.FaultChannel, i+1), wire.Order{Op: wire.OpFault, Fault: &wire.Fault{Kind: wire.FaultPort, Port: order}})
		if !strings.Contains(r.Error, "was not given to this run") {
			t.Errorf("%s: %+v", server, r)
		}
	}
	for i, order := range []string{`{}`, `[]`, `"x"`, `{"server":"nowhere"}`} {
		r := e.order(fmt.Sprintf("%s%d", wire.FaultChannel, i+20), wire.Order{Op: wire.OpFault, Fault: &wire.Fault{Kind: wire.FaultPort, Port: json.RawMessage(order)}})
		if r.Error == "" {
			t.Errorf("%s: %+v", order, r)
		}
	}
}
