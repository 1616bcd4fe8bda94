package log

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bench/proxy/spec"
)

func plan(t testing.TB, g spec.Global, targets ...spec.LogTarget) *Plan {
	t.Helper()
	for i := range targets {
		if targets[i].Level == 0 {
			targets[i].Level = int(Debug)
		}
	}
	pl, err := NewPlan(&g, &spec.Proxy{Logs: targets, LogFormat: spec.LogHTTP, Options: spec.Options{LogSeparateErrors: true}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	pl.pid, pl.system = 42, "vm"
	return pl
}

func listen(t testing.TB, network, addr string) net.PacketConn {
	t.Helper()
	pc, err := net.ListenPacket(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pc.Close() })
	return pc
}

func receive(t testing.TB, pc net.PacketConn) string {
	t.Helper()
	b := make([]byte, 65536)
	_ = pc.SetReadDeadline(time.Now().Add(5 * time.Second))
	n, _, err := pc.ReadFrom(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

func nothing(t testing.TB, pc net.PacketConn) {
	t.Helper()
	_ = pc.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	if n, _, err := pc.ReadFrom(make([]byte, 65536)); err == nil {
		t.Errorf("unexpected line of %d bytes", n)
	}
}

func newSender(t testing.TB, now time.Time) *Sender {
	t.Helper()
	s := NewSender()
	s.now = func() time.Time { return now }
	t.Cleanup(s.Close)
	return s
}

func TestHeaders(t *testing.T) {
	pc := listen(t, "udp", "127.0.0.1:0")
	now := time.Date(2026, 11, 3, 11, 42, 49, 261_844_999, time.Local)
	zone := now.Format("-07:00")
	for _, tt := range []struct{ format, host, want string }{
		{"", "", "<134>Nov  3 11:42:49 tag[42]: text\n"},
		{"", "vm", "<134>Nov  3 11:42:49 vm tag[42]: text\n"},
		{"rfc3164", "", "<134>Nov  3 11:42:49 localhost tag[42]: text\n"},
		{"rfc3164", "vm", "<134>Nov  3 11:42:49 vm tag[42]: text\n"},
		{"local", "vm", "<134>Nov  3 11:42:49 tag[42]: text\n"},
		{"rfc5424", "vm", "<134>1 2026-11-03T11:42:49.261844" + zone + " vm tag 42 - - text\n"},
		{"rfc5424", "", "<134>1 2026-11-03T11:42:49.261844" + zone + " - tag 42 - - text\n"},
		{"priority", "", "<134>text\n"},
		{"short", "", "<6>text\n"},
		{"timed", "", "<6>2026-11-03T11:42:49.261844" + zone + " text\n"},
		{"iso", "", "2026-11-03T11:42:49.261844" + zone + " text\n"},
		{"raw", "", "text\n"},
	} {
		p := plan(t, spec.Global{LogTag: "tag", LogSendHost: tt.host}, spec.LogTarget{Addr: pc.LocalAddr().String(), Format: tt.format, Facility: 16})
		newSender(t, now).Logger(p).Message(Info, "text")
		if got := receive(t, pc); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.format, got, tt.want)
		}
	}
}

func TestLevels(t *testing.T) {
	pc := listen(t, "udp", "127.0.0.1:0")
	p := plan(t, spec.Global{}, spec.LogTarget{Addr: pc.LocalAddr().String(), Format: "short", Level: int(Notice), MinLevel: int(Error)})
	l := newSender(t, time.Now()).Logger(p)
	l.Message(Info, "too detailed")
	nothing(t, pc)
	l.Message(Alert, "capped")
	if got := receive(t, pc); got != "<3>capped\n" {
		t.Errorf("got %q", got)
	}
	r := record(t)
	l.Log(r, nil)
	nothing(t, pc)
	r.Failed = true
	l.Log(r, nil)
	if got := receive(t, pc); !strings.HasPrefix(got, "<3>10.0.1.2:33317 ") {
		t.Errorf("a failed stream logs %q, want level err", got)
	}
}

func TestLengthLimitsTheWholeLine(t *testing.T) {
	pc := listen(t, "udp", "127.0.0.1:0")
	p := plan(t, spec.Global{}, spec.LogTarget{Addr: pc.LocalAddr().String(), Len: 80, Facility: 22})
	l := newSender(t, time.Now()).Logger(p)
	l.Log(record(t), nil)
	if got := receive(t, pc); len(got) != 81 || got[80] != '\n' {
		t.Errorf("line of %d bytes %q, want 80 and the line end", len(got), got)
	}
}

func TestSampling(t *testing.T) {
	pc := listen(t, "udp", "127.0.0.1:0")
	p := plan(t, spec.Global{}, spec.LogTarget{Addr: pc.LocalAddr().String(), Format: "raw", Sample: spec.LogSample{Ranges: [][2]int{{1, 1}, {3, 4}}, Size: 4}})
	l := newSender(t, time.Now()).Logger(p)
	for s := range strings.SplitSeq("abcdefgh", "") {
		l.Message(Info, s)
	}
	var got string
	for range 6 {
		got += strings.TrimSpace(receive(t, pc))
	}
	if got != "acdegh" {
		t.Errorf("got lines %q, want acdegh", got)
	}
	nothing(t, pc)
}

func TestUnixSocketAndDrops(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	p := plan(t, spec.Global{}, spec.LogTarget{Addr: path, Format: "raw"})
	s := newSender(t, time.Now())
	l := s.Logger(p)
	l.Message(Info, "nobody listens")
	if s.Dropped != 1 {
		t.Errorf("dropped %d, want 1", s.Dropped)
	}
	pc := listen(t, "unixgram", path)
	l.Message(Info, "hello")
	if got := receive(t, pc); got != "hello\n" {
		t.Errorf("got %q", got)
	}
	// A reader that does not read must not hold the sender up.
	start := time.Now()
	for range 10_000 {
		l.Message(Info, strings.Repeat("x", 1000))
	}
	if s.Dropped < 1000 || time.Since(start) > 5*time.Second {
		t.Errorf("dropped %d of 10000 in %v with a full socket", s.Dropped, time.Since(start))
	}
}

func TestPipeNeverBlocks(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	p := plan(t, spec.Global{}, spec.LogTarget{Addr: "stdout", Format: "raw"})
	p.targets[0].fd = int(w.Fd()) // Fd makes the pipe blocking, as inherited ones are
	s := newSender(t, time.Now())
	l := s.Logger(p)
	for range 1000 {
		l.Message(Info, strings.Repeat("y", 200))
	}
	if s.Dropped == 0 {
		t.Error("a full pipe dropped nothing")
	}
	b := make([]byte, 201)
	if n, err := r.Read(b); err != nil || string(b[:n]) != strings.Repeat("y", 200)+"\n" {
		t.Errorf("read %q, %v", b[:n], err)
	}
}

func TestFailure(t *testing.T) {
	pc := listen(t, "udp", "127.0.0.1:0")
	p := plan(t, spec.Global{}, spec.LogTarget{Addr: pc.LocalAddr().String(), Format: "raw"})
	newSender(t, time.Now()).Logger(p).Failure(record(t), nil, "f1", "Received something which does not look like a PROXY protocol header")
	want := "10.0.1.2:33317 [03/Nov/2026:11:36:33.816] fe/f1: Received something which does not look like a PROXY protocol header\n"
	if got := receive(t, pc); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestMessenger(t *testing.T) {
	pc := listen(t, "udp", "127.0.0.1:0")
	p := plan(t, spec.Global{}, spec.LogTarget{Addr: pc.LocalAddr().String(), Format: "short"})
	m := NewMessenger()
	defer m.Close()
	m.Send(p, Alert, "Server be/s1 is DOWN.")
	if got := receive(t, pc); got != "<1>Server be/s1 is DOWN.\n" {
		t.Errorf("got %q", got)
	}
	if m.Dropped() != 0 {
		t.Errorf("dropped %d", m.Dropped())
	}
}

func TestNoAllocations(t *testing.T) {
	pc := listen(t, "udp", "127.0.0.1:0")
	p := plan(t, spec.Global{LogSendHost: "vm"}, spec.LogTarget{Addr: pc.LocalAddr().String()}, spec.LogTarget{Addr: pc.LocalAddr().String(), Format: "rfc5424"})
	s := NewSender()
	defer s.Close()
	l, r := s.Logger(p), record(t)
	if n := testing.AllocsPerRun(100, func() { l.Log(r, nil) }); n != 0 {
		t.Errorf("%v allocations per line, want none", n)
	}
}

func BenchmarkLogUDP(b *testing.B) {
	pc := listen(b, "udp", "127.0.0.1:0")
	p := plan(b, spec.Global{}, spec.LogTarget{Addr: pc.LocalAddr().String()})
	s := NewSender()
	defer s.Close()
	l, r := s.Logger(p), record(b)
	b.ReportAllocs()
	for b.Loop() {
		l.Log(r, nil)
	}
}
