package backends_test

import (
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"

	"bench/backends/control"
	"bench/backends/httporigin"
)

// request is a request with an id that leaves the connection open.
func request(path, id string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: a\r\nX-Bench-Id: " + id + "\r\n\r\n"
}

const closing = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

func TestCountsByClassAndID(t *testing.T) {
	r := start(t, func(o *options) { o.HTTP.Check = httporigin.Check{Path: "/health", Agent: "probe"} })
	var text strings.Builder
	for seq := range 100 {
		text.WriteString(request("/", fmt.Sprintf("a.%012d", seq)))
	}
	text.WriteString(request("/status/503", "a.000000000007"))
	text.WriteString(request("/", "a.7000000")) // far from the others
	text.WriteString(request("/", "b.1"))
	text.WriteString(request("/", "nodot"))
	text.WriteString("GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
	text.WriteString("GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: my probe 1\r\n\r\n")
	text.WriteString("OPTIONS / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
	exchange(t, r.dial(), text.String()+closing)

	a := r.class("a")
	if a.Received != 102 || a.Answered != 102 || a.IDs != 101 || a.AnsweredIDs != 101 || a.Repeated != 1 || a.Open != 0 ||
		a.Statuses["200"] != 101 || a.Statuses["503"] != 1 {
		t.Errorf("class a: %+v", a)
	}
	for name, want := range map[string]uint64{"b": 1, "-": 2, "check": 3} {
		if got := r.class(name); got.Received != want || got.Answered != want {
			t.Errorf("class %s: %+v, want %d", name, got, want)
		}
	}
	counters, err := r.control.Counters(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if k := counters.Replicas[0]; k.BadIDs != 1 || k.Connections.Accepted != 1 || k.Malformed != 0 {
		t.Errorf("replica: %+v", k)
	}

	ids, err := r.control.IDs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	set := ids.Replicas[0].Classes[0]
	want := []uint64{}
	for seq := range uint64(100) {
		want = append(want, seq)
	}
	want = append(want, 7000000)
	if got := slices.Collect(set.Received.All()); set.Name != "a" || !slices.Equal(got, want) {
		t.Errorf("class %s received %v", set.Name, got)
	}
	if lost := slices.Collect(set.Received.Minus(set.Answered)); len(lost) != 0 {
		t.Errorf("unanswered %v", lost)
	}

	if err := r.control.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a := r.class("a"); a.Received != 0 || a.IDs != 0 {
		t.Errorf("after a reset: %+v", a)
	}
}

func TestCountsWhatGoesWrong(t *testing.T) {
	r := start(t, nil)
	replica := func() control.ReplicaCounters {
		c, err := r.control.Counters(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return c.Replicas[0]
	}
	write := func(text string) net.Conn {
		c := r.dial()
		if _, err := io.WriteString(c, text); err != nil {
			t.Fatal(err)
		}
		return c
	}
	write("").Close()
	write("GET / HT").Close()
	write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n123").Close()
	exchange(t, r.dial(), "nonsense\r\n\r\n")
	eventually(t, "broken requests counted", func() bool {
		k := replica()
		return k.Connections.Silent == 1 && k.Incomplete == 2 && k.Malformed == 1 && k.Connections.Active == 0 && len(k.Classes) == 0
	})

	// Gone by FIN and by RST before the answer, and with it half read.
	write(request("/delay/200ms", "x.1")).Close()
	c := write(request("/delay/10s", "x.2"))
	if err := c.(*net.TCPConn).SetLinger(0); err != nil {
		t.Fatal(err)
	}
	eventually(t, "request open", func() bool { return r.class("x").Received == 2 })
	c.Close()
	c = write(request("/bytes/100MiB", "x.3"))
	if _, err := io.ReadFull(c, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	c.Close()
	eventually(t, "aborted requests counted", func() bool {
		k := r.class("x")
		return k.Received == 3 && k.Aborted == 3 && k.Answered == 0 && k.AnsweredIDs == 0 && k.Open == 0
	})

	// A client that closes its side only is still answered, and not forgotten.
	c = write(request("/delay/20ms/bytes/3", "x.4"))
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(c); err != nil || !strings.HasSuffix(string(got), "\r\n\r\n000") {
		t.Errorf("half-closed client got %q, %v", got, err)
	}
}

func TestResetBalancesOpenRequests(t *testing.T) {
	r := start(t, nil)
	c := r.dial()
	fmt.Fprint(c, request("/delay/150ms", "x.1"))
	eventually(t, "request open", func() bool { return r.class("x").Open == 1 })
	if err := r.control.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	if k := r.class("x"); k.Received != 1 || k.Open != 1 {
		t.Errorf("right after the reset: %+v", k)
	}
	if _, err := io.ReadFull(c, make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	if k := r.class("x"); k.Received != 1 || k.Answered != 1 || k.Open != 0 {
		t.Errorf("after the answer: %+v", k)
	}
}

func TestSilentAndHeld(t *testing.T) {
	r := start(t, func(o *options) { o.HTTP.Limits.Head = 300 })
	got := exchange(t, r.dial(), "GET / HTTP/1.1\r\nHost: a\r\nX: "+strings.Repeat("x", 300)+"\r\n\r\n")
	if !strings.HasPrefix(got, "HTTP/1.1 431 ") {
		t.Errorf("got %q", got)
	}
	// More is pipelined than is read ahead of a delayed answer.
	const n = 4000
	c := r.dial()
	go func() {
		_, _ = io.WriteString(c, request("/delay/30ms", "p.0")+strings.Repeat(request("/", "p.1"), n)+closing)
	}()
	all, err := io.ReadAll(c)
	if err != nil || strings.Count(string(all), "HTTP/1.1 200") != n+2 {
		t.Errorf("%d answers, %v", strings.Count(string(all), "HTTP/1.1 200"), err)
	}
	if k := r.class("p"); k.Received != n+1 || k.Repeated != n-1 {
		t.Errorf("counted %+v", k)
	}
}
