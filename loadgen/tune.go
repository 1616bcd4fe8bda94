package loadgen

import (
	"runtime"
	"runtime/debug"
	"syscall"

	"golang.org/x/sys/unix"

	"bench/internal/thread"
)

// collectPercent lets garbage pile up to some 80 MB (the runtime's least heap of
// 4 MiB, grown by as much): the little there is comes from reporting, and a
// collection takes time of the thread that must be on time.
const collectPercent = 2000

// TuneProcess sets this process's runtime up for generating load.
func TuneProcess() {
	debug.SetGCPercent(collectPercent)
	thread.PromptProcess()
}

// yieldToMeasurement gives the calling goroutine a thread of lower priority, so
// that reporting does not compete with the load's thread. It lasts as long as
// the goroutine, whose thread ends with it.
func yieldToMeasurement() {
	runtime.LockOSThread()
	// Not being allowed to is no fault: it costs precision only.
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, unix.Gettid(), 10)
}
