package driver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"bench/internal/proc"
	"bench/scenarios/statsock"
)

// external is a proxy that runs already. It is observed, and never started, stopped
// or signalled.
type external struct {
	Options
	pid  int // that its operator gave; 0 if none
	info statsock.Info
	stop func()
	done sync.WaitGroup
}

// AbsentError is a proxy that should run already and does not.
type AbsentError struct{ text string }

func (e *AbsentError) Error() string { return "driver external: " + e.text }

// NewExternal observes a proxy that others have started, by its listeners and by its
// stats socket, which is "" if it has none. pid is its process, or the master of it; 0
// if that is not known.
func NewExternal(pid int, o Options) Driver {
	return &external{Options: o, pid: pid, stop: func() {}}
}

func (d *external) StatsSocket() string { return d.Stats }

// Bounds of looking at a proxy that somebody else runs.
const (
	externalTimeout = 2 * time.Second
	// missedLooks in a row mean that it has gone: one may fall into a reload.
	missedLooks = 3
	// Looks at a process or a stats socket are cheap, connections to a listener are
	// sessions of the proxy.
	lookEvery = 100 * time.Millisecond
	dialEvery = time.Second
)

// Prepare finds out whether the proxy is there as far as its stats socket and its
// process tell.
func (d *external) Prepare(context.Context) error {
	if d.pid != 0 {
		if _, err := proc.StartTime(d.pid); err != nil {
			return &AbsentError{fmt.Sprintf("there is no process %d: want the pid of the proxy, or of its master", d.pid)}
		}
	}
	if d.Stats == "" {
		return nil
	}
	c, err := statsock.Dial(d.Stats, externalTimeout)
	if err == nil {
		d.info, err = c.Info()
		err = errors.Join(err, c.Close())
	}
	if err != nil {
		return &AbsentError{fmt.Sprintf("no proxy answers on the stats socket %s: %v", d.Stats, err)}
	}
	return nil
}

func (d *external) Version(context.Context) (version, build string, err error) {
	return strings.TrimSpace(d.info["Name"] + " " + d.info["Version"]), "", nil
}

// Command: how others have started it is theirs.
func (d *external) Command() string { return "" }

// Start finds out whether the listeners accept connections, and watches the proxy from
// then on.
func (d *external) Start(ctx context.Context) (*Generation, error) {
	for _, addr := range d.Listeners {
		if err := d.reach(ctx, addr); err != nil {
			return nil, &AbsentError{fmt.Sprintf("nothing accepts connections on %s: the proxy must be running already, and its address must be right: %v", addr, err)}
		}
	}
	g := &Generation{PID: d.pid, gone: make(chan struct{})}
	if pid, ok := d.info.Number("Pid"); ok {
		g.PID = int(pid)
	}
	g.measured = d.measured(g.PID)
	alive, how, every := d.look(g.measured)
	g.end = how
	ctx, d.stop = context.WithCancel(context.WithoutCancel(ctx))
	d.done.Go(func() {
		for missed := 0; missed < missedLooks; {
			select {
			case <-ctx.Done():
				return
			case <-time.After(every):
			}
			if missed++; alive(ctx) {
				missed = 0
			}
		}
		close(g.gone)
	})
	return g, nil
}

// reach opens a connection and closes it.
func (d *external) reach(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, externalTimeout)
	defer cancel()
	c, err := d.Namespace.Dial(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	return c.Close()
}

// measured is the process whose time and memory are the proxy's: the given one, or the
// one that the stats socket tells if it is one of this machine, as far as that can be
// known. In a container it has another number.
func (d *external) measured(pid int) int {
	if d.pid != 0 {
		return d.pid
	}
	up, ok := d.info.Number("Uptime_sec")
	age, err := proc.Age(pid)
	if !ok || err != nil || (age-time.Duration(up)*time.Second).Abs() > 2*time.Second {
		return 0
	}
	return pid
}

// look says how to find out whether the proxy is still there: by its process, its
// stats socket or its listeners, whatever tells best; what to say when it is not; and how
// often to look.
func (d *external) look(pid int) (alive func(context.Context) bool, gone string, every time.Duration) {
	if began, err := proc.StartTime(pid); d.pid != 0 && err == nil {
		return func(context.Context) bool {
			now, err := proc.StartTime(pid)
			return err == nil && now == began
		}, fmt.Sprintf("process %d is gone", pid), lookEvery
	}
	if d.Stats != "" {
		return func(context.Context) bool {
			c, err := net.DialTimeout("unix", d.Stats, externalTimeout)
			if err == nil {
				_ = c.Close()
			}
			return !absent(err)
		}, "nobody listens on the stats socket " + d.Stats, lookEvery
	}
	return func(ctx context.Context) bool {
		for _, addr := range d.Listeners {
			if absent(d.reach(ctx, addr)) {
				return false
			}
		}
		return true
	}, "nobody listens on " + strings.Join(d.Listeners, " and "), dialEvery
}

// absent tells an address that nobody listens on from one that is slow to answer.
func absent(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, os.ErrNotExist)
}

// errForeign is the answer to what only a proxy of the run's own can be asked.
var errForeign = errors.New("driver external cannot reload: the proxy is not the run's own")

// Reload is refused.
func (d *external) Reload(context.Context) (*Generation, error) { return nil, errForeign }

// ReloadBroken is refused.
func (d *external) ReloadBroken(context.Context) error { return errForeign }

// Stop ends the watch; the proxy goes on.
func (d *external) Stop(context.Context) {
	d.stop()
	d.done.Wait()
}
