package engine

import (
	"errors"
	"net"
	"testing"
	"time"

	"bench/proxy/cli"
)

// A server that is deleted takes nobody any more; one that has sessions yet stays, and takes
// whom it took before.
func TestDeletedServersTakeNobody(t *testing.T) {
	e, _ := serve(t, threadsDefaults+`
    bind 127.0.0.1:0
    default_backend be
backend be
    option persist
    server s1 127.0.0.1:1 disabled
`)
	s := serverOf(e.backend("be"), "s1")
	s.Cur.Inc()
	if err := e.DeleteServer("be", "s1"); !errors.Is(err, cli.ErrServerBusy) || s.Retiring() {
		t.Errorf("with a session: %v, retiring %v", err, s.Retiring())
	}
	s.Cur.Dec()
	if err := e.DeleteServer("be", "s1"); err != nil || !s.Retiring() {
		t.Errorf("without: %v, retiring %v", err, s.Retiring())
	}
}

// An agent of a server that is deleted while somebody enables it is not asked any more.
func TestAgentsOfDeletedServersRest(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	asked := make(chan struct{}, 100)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			asked <- struct{}{}
			_, _ = c.Write([]byte("up\n"))
			_ = c.Close()
		}
	}()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	e, _ := serve(t, threadsDefaults+`
    bind 127.0.0.1:0
    default_backend be
backend be
    server s1 127.0.0.1:1 disabled agent-check agent-addr 127.0.0.1 agent-inter 20ms agent-port `+port+`
`)
	s := serverOf(e.backend("be"), "s1")
	a := e.checks.agent(s)
	e.checks.enableAgent(s, true)
	select {
	case <-asked:
	case <-time.After(5 * time.Second):
		t.Fatal("the agent is not asked at all")
	}
	e.checks.enableAgent(s, false)
	if err := e.DeleteServer("be", "s1"); err != nil {
		t.Fatal(err)
	}
	// Who looked it up before goes on.
	e.checks.mu.Lock()
	e.checks.agents[s] = a
	e.checks.mu.Unlock()
	time.Sleep(50 * time.Millisecond) // what was on its way has come
	for len(asked) > 0 {
		<-asked
	}
	e.checks.enableAgent(s, true)
	select {
	case <-asked:
		t.Error("the agent of a server that was deleted is asked")
	case <-time.After(300 * time.Millisecond):
	}
}
