package loadgen

import (
	"runtime/debug"

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
