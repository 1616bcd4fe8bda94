package loop

// adaption makes the spin time follow how late the thread wakes up from its sleeps.
type adaption struct {
	least, most int64   // in nanoseconds; most 0: the spin time is fixed
	share       float64 // of the time that may be spent spinning
	since, spun int64
}

// AdaptSpin lets the spin time follow how late this thread wakes up, between least and
// most nanoseconds, so that it is in time 99 times in 100. Where spinning has taken
// more than a share of the time from now on (0 to 1), it goes down to the least.
func (l *Loop) AdaptSpin(least, most int64, share float64) {
	l.adapt = adaption{least: least, most: most, share: share, since: Nanotime()}
}

// Spin is the spin time in force, in nanoseconds.
func (l *Loop) Spin() int64 { return l.spin }

// How far one wake-up in time shortens the spin time, and one that was late lengthens
// it, in nanoseconds: they balance where one in a hundred is late.
const (
	spinShorter = 100
	spinLonger  = 99 * spinShorter
)

// next is the spin time after a sleep until now that nothing but its end has ended.
func (a *adaption) next(spin, now, late int64) int64 {
	if past := now - a.since; past > 1e9 { // what was longer ago counts for less
		a.since += past / 2
		a.spun /= 2
	}
	switch {
	case a.most == 0 || late < 0: // late < 0: a signal, before the time
		return spin
	case late > spin && float64(a.spun) <= a.share*float64(now-a.since):
		return min(spin+spinLonger, a.most)
	}
	return max(spin-spinShorter, a.least)
}
