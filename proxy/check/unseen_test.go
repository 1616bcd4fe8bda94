package check

import (
	"net"
	"testing"
	"time"
)

// A check that asks for a connection only has closed it before the server gets to know of it;
// but for one now and then, where this process was held up.
func TestConnectionsThatNobodySees(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	const checks = 20
	h := checking(t, Config{Inter: 5 * time.Millisecond, Rise: 1, Fall: 1}, l.Addr().String())
	for range checks {
		if r := h.next(t); r.Status != L4OK {
			t.Fatalf("%s %s", r.Status, r.Output)
		}
	}
	_ = l.(*net.TCPListener).SetDeadline(time.Now().Add(100 * time.Millisecond))
	for seen := 0; ; seen++ {
		c, err := l.Accept()
		if err != nil {
			return
		}
		_ = c.Close()
		if seen > checks/2 {
			t.Fatalf("the server has seen %d connections of %d checks", seen, checks)
		}
	}
}
