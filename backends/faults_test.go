package backends_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"bench/backends/control"
	"bench/backends/httporigin"
	"bench/internal/loop"
	"bench/internal/poller"
	"bench/internal/testpeer"
	"bench/internal/testquiet"
)

// near reports whether a time is what it should be: not before it, and not so
// late that more than a busy machine would explain it.
func near(got, want time.Duration) bool {
	return got >= want-200*time.Microsecond && got < want+40*time.Millisecond
}

// event reads a fault as it happened.
func (r *rig) event(id int) control.Event {
	r.t.Helper()
	events, err := r.control.Events(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return events[id-1]
}

func TestStall(t *testing.T) {
	for _, m := range poller.Mechanisms() {
		t.Run(m.Name, func(t *testing.T) {
			testpeer.Poller(t, &m)
			if testquiet.Tried(t) {
				return
			}
			r := start(t, func(o *options) { o.Poller = m.Name })
			live := r.dial()
			fmt.Fprint(live, request("/bytes/3", "x.1"))
			in := bufio.NewReader(live)
			readAnswer(t, in, 3)
			a := r.apply(control.Fault{Kind: control.Stall, For: "150ms"})
			fmt.Fprint(live, request("/bytes/4", "x.2")+request("/bytes/5", "x.3"))
			fresh := r.dial()
			fmt.Fprint(fresh, request("/bytes/6", "x.4"))
			eventually(t, "requests read during the stall", func() bool { return r.class("x").Received == 3 })
			if k := r.class("x"); k.Answered != 1 {
				t.Errorf("answered during the stall: %+v", k)
			}
			readAnswer(t, in, 4)
			if late := time.Duration(loop.Nanotime() - a.EndNs); !near(late, 0) {
				t.Errorf("first answer %v after the end", late)
			}
			readAnswer(t, in, 5)
			readAnswer(t, bufio.NewReader(fresh), 6)
			e := r.event(a.ID)
			if e.BeginNs != a.BeginNs || !near(time.Duration(e.EndNs-e.BeginNs), 150*time.Millisecond) || e.Cleared {
				t.Errorf("event %+v", e)
			}
		})
	}
}

func readAnswer(t *testing.T, in *bufio.Reader, size int) {
	t.Helper()
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if line == "\r\n" {
			break
		}
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(in, body); err != nil {
		t.Fatal(err)
	}
	checkPayload(t, body, size)
}

func TestStallHoldsBackTheRestOfAnAnswer(t *testing.T) {
	r := start(t, nil)
	c := r.dial()
	const size = 64 << 20
	fmt.Fprint(c, request(fmt.Sprintf("/bytes/%d", size), "x.1"))
	eventually(t, "answer under way", func() bool { return r.class("x").Open == 1 })
	r.apply(control.Fault{Kind: control.Stall, For: "100ms"})
	begin := time.Now()
	in := bufio.NewReaderSize(c, 1<<20)
	readAnswer(t, in, size)
	if took := time.Since(begin); took < 95*time.Millisecond {
		t.Errorf("all of it came after %v", took)
	}
}

// A client that waits for 100 Continue gets it when the stall is over, also if the
// stall began before its request; one that did not wait does not.
func TestStallHoldsBackContinue(t *testing.T) {
	if testquiet.Tried(t) {
		return
	}
	r := start(t, nil)
	patient, hasty := r.dial(), r.dial()
	a := r.apply(control.Fault{Kind: control.Stall, For: "150ms"})
	const head = "POST /bytes/3 HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\nX-Bench-Id: x.1\r\n\r\n"
	fmt.Fprint(patient, head)
	fmt.Fprint(hasty, head)
	time.Sleep(20 * time.Millisecond)
	fmt.Fprint(hasty, "y")
	in := bufio.NewReader(patient)
	line, err := in.ReadString('\n')
	if err != nil || line != "HTTP/1.1 100 Continue\r\n" {
		t.Fatalf("got %q, %v", line, err)
	}
	if late := time.Duration(loop.Nanotime() - a.EndNs); !near(late, 0) {
		t.Errorf("it came %v after the end of the stall", late)
	}
	if _, err := in.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(patient, "y")
	for _, in := range []*bufio.Reader{in, bufio.NewReader(hasty)} {
		if first, err := in.Peek(12); err != nil || string(first) != "HTTP/1.1 200" {
			t.Errorf("got %q, %v", first, err)
		}
		readAnswer(t, in, 3)
	}
}

func TestOverlappingStallsEndWithTheLast(t *testing.T) {
	if testquiet.Tried(t) {
		return
	}
	r := start(t, nil)
	first := r.apply(control.Fault{Kind: control.Stall, For: "60ms"})
	second := r.apply(control.Fault{Kind: control.Stall, For: "160ms"})
	c := r.dial()
	fmt.Fprint(c, request("/bytes/3", "x.1"))
	readAnswer(t, bufio.NewReader(c), 3)
	if late := time.Duration(loop.Nanotime() - second.EndNs); !near(late, 0) {
		t.Errorf("answered %v after the end of the second stall", late)
	}
	if e := r.event(first.ID); e.EndNs >= second.EndNs || e.EndNs == 0 {
		t.Errorf("first stall ended at %d", e.EndNs)
	}
}

func TestScheduledAndClearedFaults(t *testing.T) {
	if testquiet.Tried(t) {
		return
	}
	r := start(t, nil)
	at := loop.Nanotime() + int64(80*time.Millisecond)
	a := r.apply(control.Fault{Kind: control.Error, For: "1m", AtNs: at, Status: 500})
	never := r.apply(control.Fault{Kind: control.Drain, For: "1m", AtNs: at + int64(time.Hour)})
	if a.BeginNs != at {
		t.Errorf("begins at %d, want %d", a.BeginNs, at)
	}
	status := func() int { res, _ := get(t, "http://"+r.addr[0]+"/"); return res.StatusCode }
	if s := status(); s != 200 {
		t.Errorf("status %d before the fault", s)
	}
	eventually(t, "fault in force", func() bool { return status() == 500 })
	if e := r.event(a.ID); !near(time.Duration(e.BeginNs-at), 0) {
		t.Errorf("began %v late", time.Duration(e.BeginNs-at))
	}
	state, err := r.control.State(t.Context())
	if err != nil || len(state.Replicas[0].Faults) != 2 {
		t.Errorf("state %+v, %v", state, err)
	}
	// A newer error rules over the older one, and gives way again.
	newer := r.apply(control.Fault{Kind: control.Error, For: "1m", Status: 502})
	if s := status(); s != 502 {
		t.Errorf("status %d under two faults", s)
	}
	if _, err := r.control.Clear(t.Context(), control.ClearOrder{ID: newer.ID}); err != nil {
		t.Fatal(err)
	}
	if s := status(); s != 500 {
		t.Errorf("status %d after the newer fault", s)
	}
	cleared, err := r.control.Clear(t.Context(), control.ClearOrder{})
	if err != nil || len(cleared.Ended) != 2 {
		t.Errorf("cleared %+v, %v", cleared, err)
	}
	if s := status(); s != 200 {
		t.Errorf("status %d after all were cleared", s)
	}
	if e := r.event(a.ID); !e.Cleared || e.EndNs == 0 {
		t.Errorf("event %+v", e)
	}
	if e := r.event(never.ID); !e.Cleared || e.BeginNs != 0 || e.EndNs == 0 {
		t.Errorf("event %+v", e)
	}
}

func TestFaultsOnOneReplica(t *testing.T) {
	r := start(t, func(o *options) { o.Replicas = 2 })
	r.apply(control.Fault{Kind: control.Error, For: "1m", Target: "web.2"})
	for i, want := range []int{200, 503} {
		if res, _ := get(t, "http://"+r.addr[i]+"/"); res.StatusCode != want {
			t.Errorf("web.%d answers %d, want %d", i+1, res.StatusCode, want)
		}
	}
}

func TestErrorRate(t *testing.T) {
	r := start(t, nil)
	r.apply(control.Fault{Kind: control.Error, For: "1m", Status: 500, Rate: new(0.25)})
	exchange(t, r.dial(), strings.Repeat(request("/", "x.1"), 4000)+closing)
	if n := r.class("x").Statuses["500"]; n < 880 || n > 1120 { // 4.4 deviations
		t.Errorf("%d of 4000 answers are errors", n)
	}
}

func TestLatency(t *testing.T) {
	if testquiet.Tried(t) {
		return
	}
	r := start(t, nil)
	r.apply(control.Fault{Kind: control.Latency, For: "1m", Latency: "30ms"})
	begin := time.Now()
	get(t, "http://"+r.addr[0]+"/")
	if took := time.Since(begin); !near(took, 30*time.Millisecond) {
		t.Errorf("answered after %v", took)
	}
}

func TestRefuse(t *testing.T) {
	if testquiet.Tried(t) {
		return
	}
	r := start(t, nil)
	live := r.dial()
	fmt.Fprint(live, request("/", "x.1"))
	in := bufio.NewReader(live)
	readAnswer(t, in, 0)
	a := r.apply(control.Fault{Kind: control.Refuse, For: "100ms"})
	if c, err := net.Dial("tcp", r.addr[0]); !errors.Is(err, syscall.ECONNREFUSED) {
		c.Close()
		t.Fatalf("not refused: %v", err)
	}
	fmt.Fprint(live, request("/", "x.2"))
	readAnswer(t, in, 0)
	eventually(t, "listening again", func() bool {
		c, err := net.Dial("tcp", r.addr[0])
		if err != nil {
			return false
		}
		c.Close()
		return true
	})
	if late := time.Duration(loop.Nanotime() - a.EndNs); !near(late, 0) {
		t.Errorf("listens %v after the end", late)
	}
}

func TestReset(t *testing.T) {
	r := start(t, nil)
	live := r.dial()
	fmt.Fprint(live, request("/delay/10s", "x.1"))
	eventually(t, "request open", func() bool { return r.class("x").Open == 1 })
	a := r.apply(control.Fault{Kind: control.Reset, Scope: control.ScopeLive})
	if a.EndNs != a.BeginNs {
		t.Errorf("a moment lasts: %+v", a)
	}
	if _, err := live.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("live connection: %v", err)
	}
	if k := r.class("x"); k.Cut != 1 || k.Open != 0 {
		t.Errorf("counted %+v", k)
	}
	get(t, "http://"+r.addr[0]+"/")
	r.apply(control.Fault{Kind: control.Reset, Scope: control.ScopeNew, For: "1m"})
	fresh, err := net.Dial("tcp", r.addr[0])
	if err == nil { // otherwise the reset was faster than the answer of connect
		defer fresh.Close()
		_, err = fresh.Read(make([]byte, 1))
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("fresh connection: %v", err)
	}
}

func TestTruncate(t *testing.T) {
	r := start(t, func(o *options) { o.HTTP.Limits.Requests = 0 })
	big := r.dial()
	fmt.Fprint(big, request("/bytes/256MiB", "x.1"))
	eventually(t, "answer under way", func() bool { return r.class("x").Open == 1 })
	r.apply(control.Fault{Kind: control.Truncate, For: "1m"})
	if n, err := io.Copy(io.Discard, big); err != nil || n >= 256<<20 {
		t.Errorf("the answer under way got to %d bytes, %v", n, err)
	}
	for path, want := range map[string]int{"/bytes/1000": 500, "/bytes/40000": 20000} {
		_, body, _ := strings.Cut(exchange(t, r.dial(), request(path, "x.2")), "\r\n\r\n")
		checkPayload(t, []byte(body), want)
	}
	r.apply(control.Fault{Kind: control.Truncate, For: "1m", Bytes: new(int64(7))})
	_, body, _ := strings.Cut(exchange(t, r.dial(), request("/bytes/1000", "x.3")), "\r\n\r\n")
	checkPayload(t, []byte(body), 7)
	if got := exchange(t, r.dial(), request("/", "x.4")); strings.Contains(got, "\r\n\r\n") {
		t.Errorf("an answer without body came whole: %q", got)
	}
	if k := r.class("x"); k.Cut != 5 || k.Answered != 0 || k.Open != 0 {
		t.Errorf("counted %+v", k)
	}
}

func TestTrickle(t *testing.T) {
	r := start(t, func(o *options) {
		o.HTTP.Answer.Headers = []httporigin.Header{{Name: "X-Pad", Value: strings.Repeat("x", 100)}}
	})
	r.apply(control.Fault{Kind: control.Trickle, For: "200ms", Bytes: new(int64(50)), Every: "20ms"})
	c := r.dial()
	begin := time.Now()
	fmt.Fprint(c, request("/bytes/100", "x.1"))
	if n, err := c.Read(make([]byte, 4096)); n != 50 || err != nil {
		t.Errorf("first piece of %d bytes, %v", n, err)
	}
	rest := make([]byte, 4096)
	for n := 0; n < 210; {
		k, err := c.Read(rest)
		if err != nil {
			t.Fatal(err)
		}
		n += k
	}
	if took := time.Since(begin); took < 80*time.Millisecond {
		t.Errorf("all within %v", took)
	}
	// The rest flows when the fault ends.
	a := r.apply(control.Fault{Kind: control.Trickle, For: "100ms"})
	c = r.dial()
	fmt.Fprint(c, request("/bytes/100000", "x.2")) // in pieces it would take a minute
	readAnswer(t, bufio.NewReader(c), 100000)
	if late := time.Duration(loop.Nanotime() - a.EndNs); late > 10*time.Second {
		t.Errorf("the rest came %v after the end", late)
	}
}

func TestDrain(t *testing.T) {
	r := start(t, nil)
	live := r.dial()
	fmt.Fprint(live, request("/", "x.1"))
	in := bufio.NewReader(live)
	readAnswer(t, in, 0)
	r.apply(control.Fault{Kind: control.Drain, For: "1m"})
	fmt.Fprint(live, request("/", "x.2"))
	rest, err := io.ReadAll(in)
	if err != nil || !strings.Contains(string(rest), "Connection: close") {
		t.Errorf("got %q, %v", rest, err)
	}
}

func TestBadFaultsSayWhatIsRight(t *testing.T) {
	r := start(t, func(o *options) { o.Replicas = 2 })
	for _, c := range []struct {
		fault control.Fault
		want  string
	}{
		{control.Fault{Kind: "slow", For: "1s"}, "want one of stall, latency"},
		{control.Fault{Kind: control.Stall}, "for how long"},
		{control.Fault{Kind: control.Stall, For: "1"}, "no unit"},
		{control.Fault{Kind: control.Stall, For: "2h"}, "at most 1h"},
		{control.Fault{Kind: control.Stall, For: "1s", Status: 500}, "takes no status"},
		{control.Fault{Kind: control.Stall, For: "1s", Target: "web.3"}, "want one of web.1 web.2"},
		{control.Fault{Kind: control.Error, For: "1s", Status: 99}, "want 200 to 599"},
		{control.Fault{Kind: control.Error, For: "1s", Rate: new(1.5)}, "at most 1"},
		{control.Fault{Kind: control.Latency, For: "1s"}, "does not say which"},
		{control.Fault{Kind: control.Latency, For: "1s", Latency: "gamma(1ms)"}, "unknown distribution"},
		{control.Fault{Kind: control.Reset, For: "1s", Scope: "old"}, "want new, live or both"},
		{control.Fault{Kind: control.Reset}, "for how long"},
		{control.Fault{Kind: control.Truncate, For: "1s", Bytes: new(int64(-1))}, "0 or more"},
		{control.Fault{Kind: control.Trickle, For: "1s", Every: "1us"}, "100us to 1m"},
		{control.Fault{Kind: control.Crash, Target: "web.1"}, "whole process"},
	} {
		_, err := r.control.Apply(t.Context(), c.fault)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.fault, err, c.want)
		}
	}
	events, err := r.control.Events(t.Context())
	if err != nil || len(events) != 0 {
		t.Errorf("events %v, %v", events, err)
	}
}
