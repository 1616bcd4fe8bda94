package stream

import (
	"testing"

	"bench/internal/sock"
)

// An introduction is the same only if all of it is.
func TestIntroductionsAreTold(t *testing.T) {
	from, _ := sock.Parse("10.0.0.1:5")
	other, _ := sock.Parse("10.0.0.1:6")
	base := introduction{from: from, in: &sock.Namespace{}, header: []byte("PROXY")}
	sc := &serverConn{intro: base.lasting()}
	if !sc.introduces(&base) || sc.introduces(nil) || (&serverConn{}).introduces(&base) || !(&serverConn{}).introduces(nil) {
		t.Error("what was told, and nothing, are not told apart")
	}
	for name, change := range map[string]func(*introduction){
		"address":   func(i *introduction) { i.from = other },
		"namespace": func(i *introduction) { i.in = nil },
		"header":    func(i *introduction) { i.header = []byte("PROXX") },
	} {
		i := *base.lasting()
		change(&i)
		if sc.introduces(&i) {
			t.Errorf("another %s is taken for the same", name)
		}
	}
	base.header[0] = 'X' // the thread's, for the next stream
	if string(sc.intro.header) != "PROXY" {
		t.Error("what was told changes afterwards")
	}
}
