package session_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"bench/internal/hosts/session"
	"bench/internal/hosts/wire"
	"bench/internal/loop"
	"bench/internal/proc"
)

// rogue is the connection of somebody who was let in as a host, and does what it likes.
func (w *world) rogue(name string) *nats.Conn {
	w.t.Helper()
	nc, err := wire.Connect(w.hub.JoinAddress(w.hub.Listens()), wire.Options{Name: wire.ClientOfHost(name)})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(nc.Close)
	return nc
}

// said waits until the stream has taken everything that a connection has sent so far.
func said(t *testing.T, nc *nats.Conn, subject string) {
	t.Helper()
	m, err := nc.Request(subject, []byte("x"), patience)
	if err != nil || !strings.Contains(string(m.Data), `"seq"`) {
		t.Fatalf("%v, %v", m, err)
	}
}

// A host can have the stream acknowledge what it says on any subject, also on those of others.
// Nobody takes that for what is said there.
func TestAcknowledgementsElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, loop.Nanotime, "gen1")
	run := session.Run(w.session)
	out := &text{}
	p := w.start(proc.Spec{StdinPipe: true, Stdout: out}, "cat")
	nc := w.rogue("rogue")
	own := wire.Output(run, "rogue", "x")
	for _, to := range []string{
		wire.Orders("gen1", run, wire.RunChannel), wire.Orders("gen1", run, "p1"), wire.Orders("gen1", run, "p1-s"),
		wire.Orders("gen1", run, wire.ClockChannel), wire.Beat("gen1"), wire.HelloOf("gen1"), wire.Full, wire.RunBeat(run),
		wire.Output(run, "gen1", "p1"), "$JS.API.STREAM.DELETE." + wire.Stream(run), "$JS.API.STREAM.PURGE." + wire.Stream(run),
	} {
		for range 20 { // each with a higher number
			if err := nc.PublishRequest(own, to, []byte("x")); err != nil {
				t.Fatal(err)
			}
		}
	}
	said(t, nc, own)
	if _, err := io.WriteString(p.Stdin, "hello\n"); err != nil {
		t.Fatal(err)
	}
	if err := p.Stdin.Close(); err != nil {
		t.Fatal(err)
	}
	wait(t, "the end", p.Done())
	if out.String() != "hello\n" || p.ExitCode() != 3 {
		t.Errorf("%q, %s", out.String(), p.State())
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	h := w.session.Hosts()[0]
	if port, err := h.Port(ctx); err != nil || port == 0 {
		t.Errorf("port %d, %v", port, err)
	}
	if err := h.CompareClock(ctx); err != nil {
		t.Error(err)
	}
	if err := w.session.Err(); err != nil {
		t.Error(err)
	}
}

// The numbers of messages that others have yet to send cannot be used up.
func TestMessagesOfOthersTakenForKnown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, loop.Nanotime, "gen1")
	run := session.Run(w.session)
	nc := w.rogue("rogue")
	own := wire.Output(run, "rogue", "x")
	for process := 1; process <= 2; process++ {
		for seq := 1; seq <= 10; seq++ {
			m := nats.NewMsg(own)
			m.Header.Set(nats.MsgIdHdr, wire.Output(run, "gen1", fmt.Sprintf("p%d", process))+" "+strconv.Itoa(seq))
			m.Header.Set(wire.HeaderSeq, strconv.Itoa(seq))
			m.Header.Set(wire.HeaderKind, wire.OutputText)
			if err := nc.PublishMsg(m); err != nil {
				t.Fatal(err)
			}
		}
	}
	said(t, nc, own)
	out := &text{}
	p := w.start(proc.Spec{Stdin: []byte("hello\n"), Stdout: out}, "cat")
	wait(t, "the end", p.Done())
	if out.String() != "hello\n" || p.ExitCode() != 3 || w.session.Err() != nil {
		t.Errorf("%q, %s, %v", out.String(), p.State(), w.session.Err())
	}
}

// A host is freed when its runner is gone, whatever another one has acknowledged in its place.
func TestLeaseIsNotKeptByOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, loop.Nanotime, "gen1")
	run := session.Run(w.session)
	out := &text{}
	p := w.start(proc.Spec{Stdout: out}, "sleep")
	eventually(t, "a process", func() bool { return out.String() != "" })
	nc := w.rogue("rogue")
	session.Vanish(w.session)
	eventually(t, "the end of the process", func() bool {
		for _, to := range []string{wire.RunBeat(run), wire.Orders("gen1", run, wire.RunChannel)} {
			if err := nc.PublishRequest(wire.Output(run, "rogue", "x"), to, nil); err != nil {
				t.Fatal(err)
			}
		}
		return gone(p.PID())
	})
}

// A host says of itself what it likes, and nothing of others.
func TestNobodyAnswersForAnother(t *testing.T) {
	t.Parallel()
	w := newWorld(t, loop.Nanotime, "gen1")
	nc := w.rogue("rogue")
	if _, err := nc.Subscribe(wire.Who, func(m *nats.Msg) {
		for _, name := range []string{"gen1", "gen2", "rogue"} {
			hello, err := json.Marshal(wire.Hello{Version: wire.Version, Name: name, Instance: "rogue", Address: "192.0.2.1"})
			if err != nil {
				t.Error(err)
			}
			_ = nc.Publish(wire.HelloOf("rogue"), hello)
			if m.Reply != "" {
				_ = m.Respond(hello)
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
	if err := nc.FlushTimeout(patience); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	found, err := w.session.Look(ctx, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != 2 || found[0].Name != "gen1" || found[0].Address != "127.0.0.1" || found[1].Name != "rogue" {
		t.Errorf("%+v", found)
	}
}

// liar is a host that has joined, whose answers to orders are those of lie; nil is none.
func (w *world) liar(name string, lie func(run, channel string, o *wire.Order) []byte) *nats.Conn {
	w.t.Helper()
	nc := w.rogue(name)
	hello, err := json.Marshal(wire.Hello{Version: wire.Version, Name: name, Instance: "liar", Address: "127.0.0.1"})
	if err != nil {
		w.t.Fatal(err)
	}
	for subject, take := range map[string]nats.MsgHandler{
		wire.Who: func(*nats.Msg) { _ = nc.Publish(wire.HelloOf(name), hello) },
		wire.AnyOrders(name): func(m *nats.Msg) {
			var o wire.Order
			_ = json.Unmarshal(m.Data, &o) // a clock is asked without a word
			parts := strings.Split(m.Subject, ".")
			if answer := lie(parts[3], parts[4], &o); answer != nil {
				_ = m.Respond(answer)
			}
		},
	} {
		if _, err := nc.Subscribe(subject, take); err != nil {
			w.t.Fatal(err)
		}
	}
	if err := nc.FlushTimeout(patience); err != nil {
		w.t.Fatal(err)
	}
	beating, over := make(chan struct{}), make(chan struct{})
	w.t.Cleanup(func() { close(over); <-beating })
	go func() {
		defer close(beating)
		for {
			_ = nc.Publish(wire.Beat(name), []byte(`{"instance":"liar"}`))
			select {
			case <-over:
				return
			case <-time.After(wire.BeatEvery):
			}
		}
	}()
	return nc
}

// reply is an answer to an order as hosts give it.
func reply(t *testing.T, seq uint64, r wire.Reply) []byte {
	t.Helper()
	r.Seq = seq
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Whatever a host says of its clock, its ports and its processes: the run ends with an error
// that names it, or knows nothing wrong of others.
func TestHostsThatLie(t *testing.T) {
	t.Parallel()
	honest := func() []byte { now := loop.Nanotime(); return wire.Stamps(now, now) }
	for _, c := range []struct {
		what  string
		clock func() []byte
		reply wire.Reply
		raw   string // in place of the reply
		say   []string
		take  bool // it can be taken all the same
		want  string
	}{
		{what: "a clock that says nothing", clock: func() []byte { return []byte("soon") }, want: "host liar: its clock cannot be compared"},
		{what: "a clock of other ages", clock: func() []byte { return wire.Stamps(-1<<63, 1<<63-1) }, take: true},
		{what: "no port", reply: wire.Reply{Port: 70_000}, take: true, want: "host liar: 70000 is no port"},
		{what: "a negative port", reply: wire.Reply{Port: -1}, take: true, want: "host liar: -1 is no port"},
		{what: "no answer", raw: "\x00{", take: true, want: "host liar: "},
		{what: "an error for terminals", reply: wire.Reply{Error: "\x1b[2J" + strings.Repeat("x", 100_000)}, take: true, want: "host liar: \uFFFD[2Jxxx"},
		{what: "output with a gap", say: []string{"1", "3"}, take: true, want: "lost liar: output 2 to 2 of a process is missing"},
		{what: "an end that is none", say: []string{"end"}, take: true, want: "lost liar: "},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, loop.Nanotime, "gen1")
			tell := honest
			if c.clock != nil {
				tell = c.clock
			}
			taken := make(chan struct{}, 1000)
			nc := w.liar("liar", func(_, channel string, o *wire.Order) []byte {
				select {
				case taken <- struct{}{}:
				default:
				}
				switch {
				case channel == wire.ClockChannel:
					return tell()
				case o.Op == wire.OpPort && c.raw != "":
					return []byte(c.raw)
				case o.Op == wire.OpPort:
					return reply(t, o.Seq, c.reply)
				case o.Op == wire.OpStart:
					return reply(t, o.Seq, wire.Reply{PID: -1})
				}
				return reply(t, o.Seq, wire.Reply{Dir: "/tmp/liar"})
			})
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			found, err := w.session.Look(ctx, time.Second)
			if err != nil || len(found) != 2 {
				t.Fatalf("%+v, %v", found, err)
			}
			h, err := w.session.Take(ctx, found[1])
			switch {
			case !c.take:
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("it is taken: %v", err)
				}
				return
			case err != nil:
				t.Fatal(err)
			}
			switch {
			case c.say != nil:
				p := w.start(proc.Spec{On: h, Stdout: io.Discard}, "cat")
				for _, seq := range c.say {
					m := nats.NewMsg(wire.Output(session.Run(w.session), "liar", "p1"))
					m.Header.Set(wire.HeaderSeq, seq)
					m.Header.Set(wire.HeaderKind, wire.OutputText)
					if seq == "end" {
						m.Header.Set(wire.HeaderSeq, "1")
						m.Header.Set(wire.HeaderKind, wire.OutputEnd)
					}
					m.Data = []byte("\xffno json")
					if err := nc.PublishMsg(m); err != nil {
						t.Fatal(err)
					}
				}
				wait(t, "the loss", w.session.Lost())
				wait(t, "the end", p.Done())
				err = w.session.Err()
			case c.want != "":
				_, err = h.Port(ctx)
			}
			if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 10_000) {
				t.Errorf("%.300v", err)
			}
			// What is known of the others is as right as before.
			for _, other := range w.session.Hosts() {
				now := loop.Nanotime()
				if other.Name() != "gen1" {
					continue
				}
				if k := other.Clocks(now, now); k.Err != nil || k.Offset.Abs() > 10*time.Millisecond {
					t.Errorf("the clock of gen1: %+v", k)
				}
			}
			if err := w.session.Close(); err != nil { // while it is there
				t.Error(err)
			}
		})
	}
}

// A second host of the name of one that works for a run is noticed, and ends it.
func TestTwoHostsOfOneName(t *testing.T) {
	t.Parallel()
	w := newWorld(t, loop.Nanotime)
	w.hostProcess("gen1")
	out := &text{}
	p := w.start(proc.Spec{Stdout: out}, "sleep")
	eventually(t, "a process", func() bool { return out.String() != "" })
	joined(t, hostOptions(w.hub.JoinAddress(w.relay.addr), "gen1", t.TempDir(), loop.Nanotime))
	wait(t, "the loss", w.session.Lost())
	if err := w.session.Err(); err == nil || !strings.Contains(err.Error(), "lost gen1") {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if found, err := w.session.Look(ctx, time.Second); err == nil || !strings.Contains(err.Error(), "two hosts have joined as gen1") {
		t.Errorf("%+v, %v", found, err)
	}
	if err := w.session.Close(); err != nil {
		t.Error(err)
	}
	eventually(t, "the end of the process", func() bool { return gone(p.PID()) })
}
