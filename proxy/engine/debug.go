package engine

import (
	"os"
	"time"

	"golang.org/x/sys/unix"

	"bench/proxy/log"
)

// Stall implements cli.Engine. It is the first thread that does nothing else.
func (e *Engine) Stall(d time.Duration, compute bool) {
	e.loops[0].Call(func() {
		if !compute {
			time.Sleep(d)
			return
		}
		for end := time.Now().Add(d); time.Now().Before(end); {
		}
	})
}

// Report implements cli.Engine.
func (e *Engine) Report(text string) { e.messages.send(-1, log.Info, text) }

// Exit implements cli.Engine.
func (e *Engine) Exit(code int) {
	if code < 0 {
		_ = unix.Kill(os.Getpid(), unix.SIGABRT)
		time.Sleep(time.Second) // it comes
	}
	os.Exit(code)
}
