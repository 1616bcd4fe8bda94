package poller

import (
	"fmt"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// epoll registers each descriptor once, edge-triggered, for both directions.
type epoll struct {
	direct
	fd    int
	buf   []unix.EpollEvent
	pwait bool // epoll_pwait2 (Linux 5.11) is there
	ts    unix.Timespec
}

const epollBatch = 256

func newEpoll(int) (Poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll_create1: %w", err)
	}
	p := &epoll{fd: fd, buf: make([]unix.EpollEvent, epollBatch)}
	_, errno := p.pwait2(0, epollBatch)
	p.pwait = errno == 0
	return p, nil
}

func (p *epoll) Name() string { return "epoll" }

func (p *epoll) Add(fd int, gen uint32, _ Events) error {
	// EPOLLET does not fit the signed constant of the field without a cast.
	ev := unix.EpollEvent{
		Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | uint32(unix.EPOLLET&0xffffffff),
		Fd:     int32(fd), Pad: int32(gen),
	}
	_, _, e := unix.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(p.fd), unix.EPOLL_CTL_ADD, uintptr(fd), uintptr(unsafe.Pointer(&ev)), 0, 0)
	if e != 0 {
		return fmt.Errorf("epoll_ctl on descriptor %d: %w", fd, e)
	}
	return nil
}

func (p *epoll) Rearm(int, Events) {}

func (p *epoll) Remove(fd int) {
	var ev unix.EpollEvent // kernels before 2.6.9 want a pointer
	_, _, _ = unix.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(p.fd), unix.EPOLL_CTL_DEL, uintptr(fd), uintptr(unsafe.Pointer(&ev)), 0, 0)
}

// Forget leaves the removal to close, which saves a system call a connection.
func (p *epoll) Forget(int) {}

func (p *epoll) Wait(out []Event, timeout time.Duration) (int, error) {
	limit := min(len(out), len(p.buf))
	var n int
	var e syscall.Errno
	switch {
	case timeout > 0 && p.pwait:
		n, e = p.pwait2(timeout, limit)
	default:
		ms := -1
		if timeout >= 0 {
			ms = int((timeout + time.Millisecond - 1) / time.Millisecond)
		}
		var r uintptr
		r, e = wait(timeout, unix.SYS_EPOLL_PWAIT, uintptr(p.fd), uintptr(unsafe.Pointer(&p.buf[0])), uintptr(limit), uintptr(ms), 0, 0)
		n = int(r)
	}
	if e != 0 {
		if interrupted(e) {
			return 0, nil
		}
		return 0, fmt.Errorf("epoll_wait: %w", e)
	}
	for i, ev := range p.buf[:n] {
		out[i] = Event{FD: ev.Fd, Gen: uint32(ev.Pad), Ev: epollEvents(ev.Events)}
	}
	return n, nil
}

func (p *epoll) pwait2(timeout time.Duration, limit int) (int, syscall.Errno) {
	p.ts = unix.NsecToTimespec(int64(timeout))
	r, e := wait(timeout, unix.SYS_EPOLL_PWAIT2, uintptr(p.fd), uintptr(unsafe.Pointer(&p.buf[0])), uintptr(limit), uintptr(unsafe.Pointer(&p.ts)), 0, 0)
	return int(r), e
}

func epollEvents(bits uint32) (ev Events) {
	if bits&unix.EPOLLIN != 0 {
		ev |= In
	}
	if bits&unix.EPOLLOUT != 0 {
		ev |= Out
	}
	if bits&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		ev |= Hup | In
		if bits&(unix.EPOLLHUP|unix.EPOLLERR) != 0 {
			ev |= Out
		}
	}
	return ev
}

func (p *epoll) Close() { unix.Close(p.fd) }
