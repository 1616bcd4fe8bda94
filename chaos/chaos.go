// Package chaos holds what all faults have in common: the contract between a
// fault and whoever orders it, and the journal of what must be undone. The faults
// are in rooms of their own below it: link and impair for packets, filter for what
// the kernel can do to them, conn for connections, process for processes. When a
// fault happens, and to which part of a run, is for the caller; the proxy under
// test is never touched from inside.
package chaos

import (
	"context"

	"bench/internal/result"
)

// Fault is something to be done to a system for a while. A value is one order and
// acts once.
type Fault interface {
	// Begin makes the fault act and returns when it does. Whatever outlives this
	// process is in the journal before it is done. An error means that the system
	// is as it was.
	Begin(ctx context.Context, j *Journal) error
	// End undoes the fault, reads back that it is gone and says what it did. It is
	// called once after a Begin without error, also when the run is interrupted,
	// and must not wait for long. An error means that something may be left; the
	// certificate says what is known all the same.
	End() (*result.Certificate, error)
}
