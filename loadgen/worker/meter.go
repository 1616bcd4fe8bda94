package worker

import "golang.org/x/sys/unix"

// meter reads what the generator's thread used. It must be read on that thread.
type meter struct {
	startedAt, stoppedAt     int64
	idleAtStart, idleAtStop  int64
	cpuAtStart, cpuAtStopped float64
}

func (m *meter) start(now, idle int64) {
	m.startedAt, m.idleAtStart, m.cpuAtStart = now, idle, threadCPU()
}

func (m *meter) stop(now, idle int64) {
	m.stoppedAt, m.idleAtStop, m.cpuAtStopped = now, idle, threadCPU()
}

// cpu is the time on a processor, user and system, in seconds.
func (m *meter) cpu() float64 { return m.cpuAtStopped - m.cpuAtStart }

// busy is the part of the time that was not spent waiting, 0 to 1. Time in
// which the thread was ready but another one had the processor counts as busy:
// it is time the generator did not have.
func (m *meter) busy() float64 {
	wall := m.stoppedAt - m.startedAt
	if wall <= 0 {
		return 0
	}
	return min(1, max(0, 1-float64(m.idleAtStop-m.idleAtStart)/float64(wall)))
}

func threadCPU() float64 {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
