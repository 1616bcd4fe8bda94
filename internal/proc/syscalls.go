package proc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// SyscallCounter counts the system calls that a process enters, all of its threads
// together, by the kernel's tracepoint (perf_event_open(2)). While a counter is
// open, every system call of the machine goes the kernel's slower way: what is
// timed must not be counted at the same time.
type SyscallCounter struct{ fds []int }

// CountSyscalls begins to count. It fails where the kernel has no tracepoints or
// does not let this user have them.
func CountSyscalls(pid int) (*SyscallCounter, error) {
	id, err := syscallTracepoint()
	if err != nil {
		return nil, err
	}
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return nil, err
	}
	attr := unix.PerfEventAttr{
		Type: unix.PERF_TYPE_TRACEPOINT, Config: id, Size: uint32(unsafe.Sizeof(unix.PerfEventAttr{})),
		Bits: unix.PerfBitInherit, // threads that begin later count as well
	}
	c := &SyscallCounter{}
	for _, t := range tasks {
		tid, err := strconv.Atoi(t.Name())
		if err != nil {
			continue
		}
		fd, err := unix.PerfEventOpen(&attr, tid, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
		if errors.Is(err, unix.ESRCH) {
			continue // the thread has ended since
		}
		if err != nil {
			c.Close()
			return nil, fmt.Errorf("perf_event_open: %w", err)
		}
		c.fds = append(c.fds, fd)
	}
	if len(c.fds) == 0 {
		return nil, fmt.Errorf("process %d has ended", pid)
	}
	return c, nil
}

// syscallTracepoint is the number of raw_syscalls:sys_enter on this kernel.
func syscallTracepoint() (uint64, error) {
	var failed error
	for _, root := range []string{"/sys/kernel/tracing", "/sys/kernel/debug/tracing"} {
		text, err := os.ReadFile(filepath.Join(root, "events/raw_syscalls/sys_enter/id"))
		if err == nil {
			return strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
		}
		failed = errors.Join(failed, err)
	}
	return 0, fmt.Errorf("no tracepoint for system calls: %w", failed)
}

// Count is the number of system calls since the begin.
func (c *SyscallCounter) Count() (uint64, error) {
	var sum uint64
	var word [8]byte
	for _, fd := range c.fds {
		if n, err := unix.Read(fd, word[:]); err != nil || n != len(word) {
			return 0, fmt.Errorf("reading a counter of system calls: %d bytes, %w", n, err)
		}
		sum += binary.NativeEndian.Uint64(word[:])
	}
	return sum, nil
}

// Close ends counting.
func (c *SyscallCounter) Close() {
	for _, fd := range c.fds {
		_ = unix.Close(fd)
	}
	c.fds = nil
}
