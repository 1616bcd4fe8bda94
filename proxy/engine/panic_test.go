package engine

import (
	"errors"
	"strings"
	"testing"
	"time"

	"bench/internal/loop"
	"bench/proxy/log"
	"bench/proxy/spec"
)

// A panic in a handler ends the engine with an alert and an error, not the
// process with a trace and exit status 2.
func TestPanicEndsTheEngine(t *testing.T) {
	cfg := &spec.Config{Global: spec.Global{NbThread: 2, Tune: spec.Tune{BufSize: 16384, MaxRewrite: 1024, MaxAccept: 100, HTTPMaxHdr: 101}}}
	alerts := make(chan string, 16)
	e, err := New(cfg, Options{Version: "test", Alert: func(level log.Level, msg string) {
		if level == log.Alert {
			alerts <- msg
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(e.Bind(), e.Publish(), e.Start()); err != nil {
		t.Fatal(err)
	}
	e.loops[1].Post(func() { panic("out of the blue") })
	select {
	case <-e.Done():
	case <-time.After(5 * time.Second):
		t.Fatal("the engine goes on")
	}
	if fault, ok := errors.AsType[*loop.PanicError](e.Err()); !ok || fault.Value != "out of the blue" {
		t.Errorf("the engine ended with %v", e.Err())
	}
	if msg := <-alerts; !strings.HasPrefix(msg, "thread 2: an unexpected condition: out of the blue\n") {
		t.Errorf("alert %q", msg)
	}
}
