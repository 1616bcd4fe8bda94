package check

import (
	"fmt"
	"net"
	"testing"
	"time"

	"bench/internal/loop"
	"bench/internal/sock"
	"bench/internal/testserver"
)

// TestAgentInPieces: what an agent says is the same however its answer comes, cut at every
// byte and in single bytes, and what is cut off for good is not taken for all of it.
func TestAgentInPieces(t *testing.T) {
	type agent struct {
		name   string
		pieces []string
	}
	var agents []agent
	for _, line := range []string{"up 75% maxconn:30\n", "down # gone\r\n", "drain,ready 5%\n", "75%\ndown\n", "hello\n", "hello world\n", "up strange # fine\n", "down strange # gone\n"} {
		all := agent{name: line}
		for i := range line {
			all.pieces = append(all.pieces, line[i:i+1])
			if i > 0 {
				agents = append(agents, agent{line, []string{line[:i], line[i:]}})
			}
		}
		agents = append(agents, all, agent{line, []string{line}})
	}
	for _, cut := range []string{"u", "down", "up 7"} {
		agents = append(agents, agent{"", []string{cut}})
	}
	want := map[string]string{
		"up 75% maxconn:30\n":   `L7OK "via agent : up" weight "75%" limit "30"`,
		"down # gone\r\n":       `L7STS "via agent : down (gone)" weight "" limit ""`,
		"drain,ready 5%\n":      `CHECKED "" weight "5%" limit ""`,
		"75%\ndown\n":           `CHECKED "" weight "75%" limit ""`,
		"hello world\n":         `CHECKED "agent reports an error : hello" weight "" limit ""`,
		"up strange # fine\n":   `L7OK "via agent : up (strange)" weight "" limit ""`,
		"down strange # gone\n": `L7STS "via agent : down (gone)" weight "" limit ""`,
		"hello\n":               `CHECKED "agent reports an error : hello" weight "" limit ""`,
		"":                      `CHECKED "Ignoring incomplete line from agent" weight "" limit ""`,
	}
	l, err := loop.New("", 256)
	if err != nil {
		t.Fatal(err)
	}
	type asked struct {
		h      *heard
		report Report
		said   bool
	}
	var all []*asked
	var checkers []*Checker
	for _, a := range agents {
		x := &asked{h: &heard{make(chan Result, 10), make(chan bool, 10)}}
		addr, err := sock.Parse(testserver.TCP(t, func(c net.Conn) {
			for _, p := range a.pieces {
				_, _ = c.Write([]byte(p))
				time.Sleep(2 * time.Millisecond)
			}
			_ = c.Close()
		}))
		if err != nil {
			t.Fatal(err)
		}
		apply := func(r *Report) string { x.report, x.said = *r, true; return "" }
		c, err := New(Config{Agent: &Agent{Addr: addr, Send: func() string { return "" }, Apply: apply}, Inter: time.Hour, Rise: 1, Fall: 1}, l, addr, x.h)
		if err != nil {
			t.Fatal(err)
		}
		all, checkers = append(all, x), append(checkers, c)
	}
	done := make(chan error, 1)
	go func() { done <- l.Run() }()
	l.Post(func() {
		for _, c := range checkers {
			c.Start(0)
		}
	})
	defer func() {
		l.Call(func() {
			for _, c := range checkers {
				c.Stop()
			}
		})
		l.Stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	for i, x := range all {
		var r Result
		select {
		case r = <-x.h.results:
		case <-time.After(20 * time.Second):
			t.Fatalf("%q: no result", agents[i].pieces)
		}
		got := fmt.Sprintf("%s %q weight %q limit %q", r.Status, r.Output, x.report.Weight, x.report.MaxConn)
		if got != want[agents[i].name] || x.said != (agents[i].name != "") {
			t.Errorf("%q: %s, want %s", agents[i].pieces, got, want[agents[i].name])
		}
	}
}
