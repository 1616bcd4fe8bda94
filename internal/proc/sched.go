package proc

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Scheduled are the times in which a thread ran, and in which it was ready to run
// but had no CPU, in seconds since its start.
type Scheduled struct{ Ran, Waited float64 }

// ReadThread reads what the scheduler has counted of one thread of a process.
func ReadThread(pid, tid int) (Scheduled, error) {
	text, err := os.ReadFile(schedFile(pid, tid))
	if err != nil {
		return Scheduled{}, err
	}
	return parseSched(text)
}

func schedFile(pid, tid int) string { return fmt.Sprintf("/proc/%d/task/%d/schedstat", pid, tid) }

func parseSched(text []byte) (Scheduled, error) {
	var times [2]float64 // in nanoseconds
	field := 0
	for i, c := range text {
		switch {
		case c >= '0' && c <= '9':
			times[field] = times[field]*10 + float64(c-'0')
		case i == 0:
			return Scheduled{}, errNoSched
		default:
			if field++; field == len(times) {
				return Scheduled{times[0] / 1e9, times[1] / 1e9}, nil
			}
		}
	}
	return Scheduled{}, errNoSched
}

var errNoSched = errors.New("schedstat does not hold what the scheduler has counted")

// ThreadWatch reads one thread's times again and again, at little cost.
type ThreadWatch struct {
	file *os.File
	text [64]byte
}

// WatchThread opens the times of a thread, which the scheduler counts.
func WatchThread(pid, tid int) (*ThreadWatch, error) {
	f, err := os.Open(schedFile(pid, tid))
	return &ThreadWatch{file: f}, err
}

// Read fails when the thread has ended.
func (w *ThreadWatch) Read() (Scheduled, error) {
	n, err := w.file.ReadAt(w.text[:], 0)
	if n == 0 {
		return Scheduled{}, err
	}
	return parseSched(w.text[:n])
}

// Close ends the watch.
func (w *ThreadWatch) Close() error { return w.file.Close() }

// Thread is one of a process.
type Thread struct{ PID, TID int }

// ReadThreads reads what the scheduler has counted of the threads of a process and of
// its descendants. Threads that have given up priority against their
// process are left out: they are meant to wait. It fails when the process is gone or
// the kernel does not count.
func ReadThreads(pid int) (map[Thread]Scheduled, error) {
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return nil, err
	}
	all := make(map[Thread]Scheduled, len(tasks))
	own, _ := unix.Getpriority(unix.PRIO_PROCESS, pid) // 20 - nice
	for _, t := range tasks {
		tid, convErr := strconv.Atoi(t.Name())
		if convErr != nil {
			continue
		}
		if p, priorityErr := unix.Getpriority(unix.PRIO_PROCESS, tid); priorityErr == nil && p < own {
			continue
		}
		s, readErr := ReadThread(pid, tid)
		if readErr != nil {
			err = readErr // it has ended since, or none can be read
			continue
		}
		all[Thread{pid, tid}] = s
	}
	if len(all) == 0 {
		return nil, err
	}
	for _, child := range Children(pid) {
		threads, err := ReadThreads(child)
		if err != nil {
			continue // it has ended since
		}
		maps.Copy(all, threads)
	}
	return all, nil
}
