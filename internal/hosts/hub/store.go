package hub

import (
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/sys/unix"

	"bench/internal/hosts/wire"
)

const (
	// tight is how little may be free on the disk of the store while runs go on: a disk that
	// is full leaves streams dead until the hub is started again.
	tight = 128 << 20
	// lookEvery is the time between two looks at it.
	lookEvery = 250 * time.Millisecond
)

// freeIn is how much is free on the disk of a directory.
func freeIn(dir string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, fmt.Errorf("%s: %w", dir, err)
	}
	return int64(s.Bavail) * s.Bsize, nil
}

// roomIn is how much streams may hold in a directory.
func roomIn(dir string) (int64, error) {
	free, err := freeIn(dir)
	if err != nil {
		return 0, err
	}
	if free < leastFree {
		return 0, fmt.Errorf("%s has %d MiB free, and a hub wants %d: name another directory by --store", dir, free>>20, int64(leastFree)>>20)
	}
	return min(maxStore, free/4*3), nil
}

// watchStore tells runs that the disk of the store is nearly full, as long as it is: they end
// then, while all that has been said can still be read.
func (j *janitor) watchStore() {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	full := false
	for {
		select {
		case <-j.over:
			return
		case <-tick.C:
		}
		free, err := j.hub.free()
		if err != nil {
			continue // the next look tells
		}
		why := fmt.Sprintf("the disk of the hub's store, %s, has %d MiB free, and %d are wanted while a run goes on", j.hub.store, free>>20, tight>>20)
		if was := full; free < tight {
			full = true
			if !was {
				j.hub.note(why)
			}
			m := nats.NewMsg(wire.Full)
			m.Header.Set(wire.HeaderKind, wire.SaidFull)
			m.Data = []byte(why)
			_ = j.conn.PublishMsg(m) // it is said again
		} else if full = false; was {
			j.hub.note("the disk of the hub's store has room again")
		}
	}
}
