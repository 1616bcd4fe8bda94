// Package successor prepares a process that goes on with the work of another one for
// signals, before anything else of the program has been initialised: it imports next to
// nothing, and packages without anything to wait for are initialised first.
package successor

import (
	"os"
	"os/signal"
	"syscall"
)

// Variable carries the state of a process to the image or child that goes on with it.
const Variable = "BENCH_PROXY_STATE"

// The runtime unblocks SIGQUIT at its start and ends the process for it, whether the former image had it ignored
// or not. A master that reloads would take the service along.
var _ = ignoreQuit()

// ignoreQuit ignores SIGQUIT in a successor, until that asks for it.
func ignoreQuit() struct{} {
	if _, ok := os.LookupEnv(Variable); ok {
		signal.Ignore(syscall.SIGQUIT)
	}
	return struct{}{}
}
