package netns

import (
	"os"
	"os/signal"
	"syscall"
)

// passSignals hands the requests to end on to a process, but for the interrupt of
// a terminal, which it gets by itself.
func passSignals(p *os.Process, ended <-chan struct{}) {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	for {
		select {
		case s := <-signals:
			if s != syscall.SIGINT {
				_ = p.Signal(s)
			}
		case <-ended:
			return
		}
	}
}
