package worker

import (
	"syscall"
	"time"

	"bench/internal/loop"
	"bench/internal/sock"
)

// stamps tells by the kernel's clock when answers came in. A thread that sleeps until
// its next request is due wakes up late for an answer too, and that would be read as
// the target's slowness. A loop that sends as fast as it can has none: its own time is
// part of the cycle it measures.
type stamps struct {
	in     sock.Stamped
	holder int   // a socket that keeps the kernel noting times while no connection is open
	ahead  int64 // CLOCK_REALTIME, which the kernel notes, less the clock of loop.Nanotime
	at     int64 // arrival of the end of the latest read on that clock, 0 where not known
}

// startStamps begins to take times. Where the kernel refuses, none are taken.
func startStamps() *stamps {
	s := &stamps{holder: -1}
	if fd, e := sock.Datagram(sock.FamilyIPv4); e == 0 {
		s.holder = fd
		_ = sock.Stamp(fd)
	}
	s.adjust()
	return s
}

func (s *stamps) close() {
	if s.holder >= 0 {
		sock.Close(s.holder)
	}
}

// adjust compares the clocks, which drift apart when the time of day is set.
func (s *stamps) adjust() {
	least := int64(time.Hour)
	for range 3 { // of which the thread may have been away in some
		before := loop.Nanotime()
		noted := time.Now().UnixNano()
		if took := loop.Nanotime() - before; took < least {
			least, s.ahead = took, noted-before-took/2
		}
	}
}

// recv reads from a socket.
func (s *stamps) recv(fd int, p []byte) (n int, errno syscall.Errno) {
	n, at, errno := s.in.Recv(fd, p)
	if at != 0 {
		at -= s.ahead
	}
	s.at = at
	return n, errno
}

// arrived is when the answer to q had come whose end was read at now.
func (w *worker) arrived(q *request, now int64) int64 {
	if w.stamps == nil || w.stamps.at == 0 || w.stamps.at < q.Sent {
		return now
	}
	return min(w.stamps.at, now)
}
