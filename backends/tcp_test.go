package backends_test

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"bench/backends"
	"bench/backends/control"
	"bench/backends/tcporigin"
	"bench/internal/dist"
	"bench/internal/integrity"
	"bench/internal/testquiet"
)

// startTCP runs a process of TCP origins.
func startTCP(t *testing.T, o tcporigin.Options, change func(*backends.Options)) *rig {
	t.Helper()
	k, err := tcporigin.NewConfig(o)
	if err != nil {
		t.Fatal(err)
	}
	opts := defaults()
	opts.Kind = k
	if change != nil {
		change(&opts)
	}
	return startProcess(t, &opts)
}

func script(t *testing.T, lines ...string) tcporigin.Options {
	t.Helper()
	steps, err := tcporigin.ParseScript(lines)
	if err != nil {
		t.Fatal(err)
	}
	return tcporigin.Options{Mode: tcporigin.Script, Script: steps}
}

// say writes, closes the writing side if asked to, and reads to the end.
func say(t *testing.T, c net.Conn, text string) string {
	t.Helper()
	go func() {
		_, _ = io.WriteString(c, text) // what was read tells
		_ = c.(*net.TCPConn).CloseWrite()
	}()
	got, err := io.ReadAll(c)
	if err != nil {
		t.Fatalf("after %d bytes: %v", len(got), err)
	}
	return string(got)
}

func TestTCPEcho(t *testing.T) {
	r := startTCP(t, tcporigin.Options{}, nil)
	for _, size := range []int{1, 1000, 70_000, 5 << 20} {
		text := strings.Repeat("0123456789abcde\n", size/16+1)[:size]
		if got := say(t, r.dial(), text); got != text {
			t.Errorf("%d bytes came back as %d", size, len(got))
		}
	}
	eventually(t, "connections closed", func() bool {
		c, err := r.control.Counters(t.Context())
		n := c.Replicas[0].Connections
		return err == nil && n.Active == 0 && n.BytesIn == n.BytesOut && n.BytesIn == 1+1000+70_000+5<<20
	})
	if k := r.class("-"); k.Received < 4 || k.Answered != k.Received {
		t.Errorf("counted %+v", k)
	}
}

func TestTCPSink(t *testing.T) {
	r := startTCP(t, tcporigin.Options{Mode: tcporigin.Sink}, nil)
	if got := say(t, r.dial(), strings.Repeat("x", 1<<20)); got != "" {
		t.Errorf("said %q", got)
	}
	c, err := r.control.Counters(t.Context())
	if err != nil || c.Replicas[0].Connections.BytesIn != 1<<20 {
		t.Errorf("counted %+v, %v", c.Replicas[0].Connections, err)
	}
}

func TestTCPSource(t *testing.T) {
	for _, size := range []int64{1, 64, 256 << 10, 256<<10 + 1, 3 << 20} {
		r := startTCP(t, tcporigin.Options{Mode: tcporigin.Source, Bytes: size}, nil)
		got := say(t, r.dial(), "")
		if int64(len(got)) != size {
			t.Fatalf("%d bytes, want %d", len(got), size)
		}
		for i := range got {
			if got[i] != integrity.SourceByte(int64(i)) {
				t.Fatalf("byte %d of %d is %q", i, size, got[i])
			}
		}
		if k := r.class("-"); k.Received != 1 || k.Answered != 1 {
			t.Errorf("%d bytes are counted %+v", size, k)
		}
	}
}

func TestTCPSourceWithoutEnd(t *testing.T) {
	r := startTCP(t, tcporigin.Options{Mode: tcporigin.Source, Latency: dist.FixedDuration(20 * time.Millisecond)}, nil)
	begin := time.Now()
	c := r.dial()
	if _, err := io.ReadFull(c, make([]byte, 8<<20)); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took < 19*time.Millisecond {
		t.Errorf("the first bytes did not wait: all came within %v", took)
	}
	c.Close()
	eventually(t, "request aborted", func() bool { return r.class("-").Aborted == 1 })
}

func TestTCPScripts(t *testing.T) {
	for _, c := range []struct {
		name, says, want   string
		steps              []string
		received, answered uint64
	}{
		{"greeting", "", "220 ready\r\n", []string{`send 220 ready\r\n`, "close"}, 0, 0},
		{"rounds", "..PING\r\nPING\r\n", "+PONG\n+PONG\n", []string{`expect PING\r\n`, `send +PONG\n`, "loop"}, 2, 2},
		{"binary", "\x00\x01", "\xff ", []string{`expect \x00\x01`, `send "\xff "`, "close"}, 1, 1},
		{"quotes", `say "a" `, ` "b"`, []string{`expect say "a"`, `send " \"b\""`, "close"}, 1, 1},
		{"wait", "a", "12", []string{"expect a", "send 1", "wait 30ms", "send 2", "close"}, 1, 1},
		{"no end", "ab", "1", []string{"expect a", "send 1"}, 1, 1},
		{"never", "abc", "", []string{"expect x", "send 1", "close"}, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := startTCP(t, script(t, c.steps...), nil)
			if got := say(t, r.dial(), c.says); got != c.want {
				t.Errorf("said %q, want %q", got, c.want)
			}
			if k := r.class("-"); k.Received != c.received || k.Answered != c.answered {
				t.Errorf("counted %+v", k)
			}
		})
	}
}

func TestTCPScriptReset(t *testing.T) {
	r := startTCP(t, script(t, "expect a", "send 12", "reset"), nil)
	c := r.dial()
	if _, err := c.Write([]byte("a")); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(c); err == nil {
		t.Errorf("no reset after %q", got)
	}
}

func TestBadScripts(t *testing.T) {
	for _, c := range []struct{ steps, want string }{
		{"say hello", "unknown step"},
		{"expect", "0 bytes"},
		{`send \q`, "invalid text"},
		{"wait soon", "invalid time"},
		{"close now", "takes nothing"},
		{"close;send a", "nothing after close"},
		{"send a;loop", "never rest"},
	} {
		if _, err := tcporigin.ParseScript(strings.Split(c.steps, ";")); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.steps, err, c.want)
		}
	}
	for _, o := range []tcporigin.Options{
		{Mode: "mirror"}, {Mode: tcporigin.Script}, {Script: []tcporigin.Step{{}}}, {Bytes: 1}, {Mode: tcporigin.Source, Bytes: -1},
	} {
		if _, err := tcporigin.NewConfig(o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}

// The faults that all stream origins share, seen on the echo.
func TestStreamFaults(t *testing.T) {
	if testquiet.Tried(t) {
		return
	}
	echo := func(t *testing.T, c net.Conn, text string) (string, error) {
		t.Helper()
		if _, err := io.WriteString(c, text); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(text))
		n, err := io.ReadFull(c, got)
		return string(got[:n]), err
	}
	t.Run("stall", func(t *testing.T) {
		r := startTCP(t, tcporigin.Options{}, nil)
		c, begin := r.dial(), time.Now()
		r.apply(control.Fault{Kind: control.Stall, For: "100ms"})
		if got, err := echo(t, c, "abc"); got != "abc" || err != nil || !near(time.Since(begin), 100*time.Millisecond) {
			t.Errorf("%q, %v after %v", got, err, time.Since(begin))
		}
	})
	t.Run("latency", func(t *testing.T) {
		r := startTCP(t, tcporigin.Options{}, nil)
		r.apply(control.Fault{Kind: control.Latency, For: "1m", Latency: "50ms"})
		c, begin := r.dial(), time.Now()
		if got, err := echo(t, c, "abc"); got != "abc" || err != nil || !near(time.Since(begin), 50*time.Millisecond) {
			t.Errorf("%q, %v after %v", got, err, time.Since(begin))
		}
	})
	t.Run("truncate", func(t *testing.T) {
		r := startTCP(t, tcporigin.Options{}, nil)
		r.apply(control.Fault{Kind: control.Truncate, For: "1m", Bytes: new(int64(2))})
		if got, err := echo(t, r.dial(), "abcdef"); got != "ab" || err == nil {
			t.Errorf("%q, %v", got, err)
		}
		if k := r.class("-"); k.Cut != 1 || k.Received != 1 {
			t.Errorf("counted %+v", k)
		}
	})
	t.Run("corrupt", func(t *testing.T) {
		r := startTCP(t, tcporigin.Options{}, nil)
		r.apply(control.Fault{Kind: control.Corrupt, For: "1m"})
		sent := strings.Repeat("a", 100)
		got, err := echo(t, r.dial(), sent)
		if err != nil || strings.Count(got, "a") != 99 || !bytes.Contains([]byte(got), []byte{'a' ^ 0xff}) {
			t.Errorf("%q, %v", got, err)
		}
	})
	t.Run("trickle", func(t *testing.T) {
		r := startTCP(t, tcporigin.Options{}, nil)
		r.apply(control.Fault{Kind: control.Trickle, For: "1m", Bytes: new(int64(10)), Every: "10ms"})
		c, begin := r.dial(), time.Now()
		if got, err := echo(t, c, strings.Repeat("a", 60)); len(got) != 60 || err != nil || !near(time.Since(begin), 50*time.Millisecond) {
			t.Errorf("%q, %v after %v", got, err, time.Since(begin))
		}
	})
	t.Run("bandwidth", func(t *testing.T) {
		r := startTCP(t, tcporigin.Options{Mode: tcporigin.Source}, nil)
		r.apply(control.Fault{Kind: control.Bandwidth, For: "1m", Bandwidth: "1MB"})
		c, begin := r.dial(), time.Now()
		if _, err := io.ReadFull(c, make([]byte, 200_000)); err != nil || !near(time.Since(begin), 195*time.Millisecond) {
			t.Errorf("%v: 200 kB within %v", err, time.Since(begin))
		}
	})
	t.Run("drain", func(t *testing.T) {
		r := startTCP(t, tcporigin.Options{}, nil)
		idle, busy := r.dial(), r.dial()
		if _, err := echo(t, busy, "a"); err != nil {
			t.Fatal(err)
		}
		if _, err := echo(t, idle, "a"); err != nil {
			t.Fatal(err)
		}
		r.apply(control.Fault{Kind: control.Latency, For: "1m", Latency: "50ms"})
		if _, err := io.WriteString(busy, "xyz"); err != nil {
			t.Fatal(err)
		}
		eventually(t, "request received", func() bool { return r.class("-").Received == 3 })
		r.apply(control.Fault{Kind: control.Drain, For: "1m"})
		if got, err := io.ReadAll(idle); err != nil || len(got) > 0 {
			t.Errorf("idle: %q, %v", got, err)
		}
		if got, err := io.ReadAll(busy); err != nil || string(got) != "xyz" {
			t.Errorf("busy: %q, %v", got, err)
		}
	})
	t.Run("reset", func(t *testing.T) {
		r := startTCP(t, tcporigin.Options{}, nil)
		c := r.dial()
		if _, err := echo(t, c, "a"); err != nil {
			t.Fatal(err)
		}
		r.apply(control.Fault{Kind: control.Reset, Scope: control.ScopeLive})
		if _, err := io.ReadAll(c); err == nil {
			t.Error("the connection ends without a reset")
		}
		if got, err := echo(t, r.dial(), "b"); got != "b" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	})
	t.Run("of others", func(t *testing.T) {
		r := startTCP(t, tcporigin.Options{}, nil)
		for _, kind := range []string{control.Error, control.KindState, control.Role, control.Lag, control.Limit} {
			if _, err := r.control.Apply(t.Context(), control.Fault{Kind: kind, For: "1s"}); err == nil || !strings.Contains(err.Error(), "of tcp origins") {
				t.Errorf("%s: %v", kind, err)
			}
		}
	})
}

func TestTCPIdleAndThreads(t *testing.T) {
	if testquiet.Tried(t) {
		return
	}
	r := startTCP(t, tcporigin.Options{Idle: 50 * time.Millisecond}, func(o *backends.Options) { o.Threads, o.Replicas = 2, 2 })
	begin := time.Now()
	if got, err := io.ReadAll(r.dial()); err != nil || len(got) > 0 || !near(time.Since(begin), 50*time.Millisecond) {
		t.Errorf("%q, %v after %v", got, err, time.Since(begin))
	}
	// It was the origin that ended it.
	if c, err := r.control.Counters(t.Context()); err != nil || c.Replicas[0].Connections.Silent != 0 {
		t.Errorf("counted %+v, %v", c, err)
	}
}

// A connection is idle when nothing comes from the client, whether or not what
// comes gets an answer.
func TestTCPIdleIsNoLimitOfWork(t *testing.T) {
	const idle, every, pieces = 200 * time.Millisecond, 20 * time.Millisecond, 25
	for _, o := range []tcporigin.Options{
		{Mode: tcporigin.Echo},
		{Mode: tcporigin.Echo, Latency: dist.FixedDuration(time.Millisecond)},
		{Mode: tcporigin.Sink},
	} {
		t.Run(string(o.Mode), func(t *testing.T) {
			t.Parallel()
			o.Idle = idle
			c := startTCP(t, o, nil).dial()
			for i := range pieces {
				_, err := c.Write([]byte("piece"))
				if err == nil && o.Mode == tcporigin.Echo {
					_, err = io.ReadFull(c, make([]byte, 5))
				}
				if err != nil {
					t.Fatalf("piece %d: %v", i, err)
				}
				time.Sleep(every)
			}
			begin := time.Now()
			if _, err := io.ReadAll(c); err != nil || time.Since(begin) > 2*idle {
				t.Errorf("after the last piece: %v after %v", err, time.Since(begin))
			}
		})
	}
}
