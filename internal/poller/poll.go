package poller

import (
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// poll keeps a dense array for the kernel. An entry without armed conditions is
// negated there, because poll would report its hang-ups for ever.
type poll struct {
	direct
	fds []unix.PollFd
	gen []uint32 // beside fds
	at  []int32  // fd -> index in fds plus 1; 0: not watched
	// from is where the next scan begins: past the entry at which a full batch
	// ended the last one, so that low indices cannot starve high ones.
	from int
	ts   unix.Timespec
}

func newPoll(maxFD int) (Poller, error) {
	return &poll{at: make([]int32, max(maxFD, 64))}, nil
}

func (p *poll) Name() string { return "poll" }

func (p *poll) Add(fd int, gen uint32, want Events) error {
	for fd >= len(p.at) {
		p.at = append(p.at, make([]int32, len(p.at))...)
	}
	if p.at[fd] != 0 {
		return fmt.Errorf("poll: descriptor %d: %w", fd, unix.EEXIST)
	}
	p.fds = append(p.fds, unix.PollFd{Fd: ^int32(fd)})
	p.gen = append(p.gen, gen)
	p.at[fd] = int32(len(p.fds))
	p.Rearm(fd, want)
	return nil
}

func (p *poll) Rearm(fd int, ev Events) {
	i := p.at[fd]
	if i == 0 {
		return
	}
	e := &p.fds[i-1]
	if ev&In != 0 {
		e.Events |= unix.POLLIN | unix.POLLRDHUP
	}
	if ev&Out != 0 {
		e.Events |= unix.POLLOUT
	}
	if e.Events != 0 {
		e.Fd = int32(fd)
	}
}

func (p *poll) Remove(fd int) {
	if fd >= len(p.at) || p.at[fd] == 0 {
		return
	}
	i, last := int(p.at[fd])-1, len(p.fds)-1
	if i != last {
		p.fds[i], p.gen[i] = p.fds[last], p.gen[last]
		moved := p.fds[i].Fd
		if moved < 0 {
			moved = ^moved
		}
		p.at[moved] = int32(i + 1)
	}
	p.fds, p.gen = p.fds[:last], p.gen[:last]
	p.at[fd] = 0
}

func (p *poll) Forget(fd int) { p.Remove(fd) }

func (p *poll) Wait(out []Event, timeout time.Duration) (int, error) {
	var ts *unix.Timespec
	if timeout >= 0 {
		p.ts = unix.NsecToTimespec(int64(timeout))
		ts = &p.ts
	}
	ready, e := wait(timeout, unix.SYS_PPOLL, uintptr(unsafe.Pointer(unsafe.SliceData(p.fds))), uintptr(len(p.fds)), uintptr(unsafe.Pointer(ts)), 0, 0, 0)
	if e != 0 {
		if interrupted(e) {
			return 0, nil
		}
		return 0, fmt.Errorf("poll: %w", e)
	}
	n := 0
	if p.from >= len(p.fds) {
		p.from = 0
	}
	for i, left := p.from, len(p.fds); left > 0 && ready > 0; left-- {
		f, gen := &p.fds[i], p.gen[i]
		if i++; i == len(p.fds) {
			i = 0
		}
		if f.Revents == 0 {
			continue
		}
		if n == len(out) {
			p.from = i
			break
		}
		ready--
		ev := pollEvents(f.Revents)
		out[n] = Event{FD: f.Fd, Gen: gen, Ev: ev}
		n++
		if ev&In != 0 {
			f.Events &^= unix.POLLIN | unix.POLLRDHUP
		}
		if ev&Out != 0 {
			f.Events &^= unix.POLLOUT
		}
		if f.Events == 0 {
			f.Fd = ^f.Fd
		}
		f.Revents = 0
	}
	return n, nil
}

func pollEvents(bits int16) (ev Events) {
	if bits&unix.POLLIN != 0 {
		ev |= In
	}
	if bits&unix.POLLOUT != 0 {
		ev |= Out
	}
	if bits&(unix.POLLRDHUP|unix.POLLHUP|unix.POLLERR|unix.POLLNVAL) != 0 {
		ev |= Hup | In
		if bits&(unix.POLLHUP|unix.POLLERR|unix.POLLNVAL) != 0 {
			ev |= Out
		}
	}
	return ev
}

func (p *poll) Close() {}
