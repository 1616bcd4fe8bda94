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

// stepTolerance is how far the clocks may seem to part between two looks at them: they
// keep in step unless one is set, and the looks take a moment themselves.
const stepTolerance = int64(100 * time.Microsecond)

// stepped reports whether the time of day was set since the clocks were compared last,
// and compares them anew if it looks so.
func (s *stamps) stepped() bool {
	before := loop.Nanotime()
	if parted(time.Now().UnixNano()-before, s.ahead) {
		was := s.ahead
		s.adjust() // which a pause between the two readings does not mislead
		return parted(was, s.ahead)
	}
	return false
}

func parted(a, b int64) bool { return max(a-b, b-a) > stepTolerance }

// recv reads from a socket. What came in before the time of day was set, or while it
// was, has no time.
func (s *stamps) recv(fd int, p []byte) (n int, errno syscall.Errno) {
	n, at, errno := s.in.Recv(fd, p)
	s.at = 0
	if at != 0 && !s.stepped() {
		s.at = at - s.ahead
	}
	return n, errno
}

// arrived is when the answer to q had come whose end was read at now.
func (w *worker) arrived(q *request, now int64) int64 {
	if w.stamps == nil || w.stamps.at == 0 || w.stamps.at < q.Sent {
		return now
	}
	return min(w.stamps.at, now)
}
