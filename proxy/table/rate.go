package table

// A rate is kept as the time at which the current period began, and the events of this
// period and of the one before. What it reports is the events of the last period's
// length: all of the current ones, and those of the period before in the proportion in
// which it still lies within that length (as in the reference).
const (
	atTick        = 0
	atCurrent     = 4
	atPrevious    = 8
	frequencySize = 12
)

// addRate counts n events at now, and returns those of the current period.
func addRate(r []byte, period, now, n uint32) uint32 {
	tick, current := get(r, atTick), get(r, atCurrent)
	if now-tick >= period {
		tick += period
		put(r, atPrevious, current)
		if now-tick >= period { // at least one period was missed
			put(r, atPrevious, 0)
			tick = now
		}
		put(r, atTick, tick)
		current = 0
	}
	put(r, atCurrent, current+n)
	return current + n
}

// readRate is the number of events in the period before now.
func readRate(r []byte, period, now uint32) uint64 {
	current, past := uint64(get(r, atCurrent)), uint64(get(r, atPrevious))
	left := int64(int32(get(r, atTick) + period - now))
	if left < 0 {
		left += int64(period)
		past, current = current, 0
		if left < 0 {
			past = 0
		}
	}
	if current == 0 && past <= 1 {
		return past // a single event does not fade: it is there, and then it is not
	}
	return (past*uint64(max(left, 0)) + current*uint64(period)) / uint64(period)
}

// setRate makes n events those of a period that begins now.
func setRate(r []byte, now, n uint32) {
	put(r, atTick, now)
	put(r, atCurrent, n)
	put(r, atPrevious, 0)
}
