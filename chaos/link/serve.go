package link

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"syscall"

	"golang.org/x/sys/unix"

	"bench/chaos/impair"
	"bench/internal/loop"
	"bench/internal/thread"
	"bench/netns"
)

// order is one line of what the parent writes to the helper.
type order struct {
	Start  *Config         `json:"start,omitempty"` // the first line, and only that
	Aim    *[]impair.Match `json:"aim,omitempty"`
	Add    *impair.Spec    `json:"add,omitempty"`
	Change *impair.Spec    `json:"change,omitempty"`
	Remove string          `json:"remove,omitempty"`
	Truth  string          `json:"truth,omitempty"`
}

// answer is the line by which the helper answers an order.
type answer struct {
	Error    string        `json:"error,omitempty"`
	RealTime bool          `json:"realTime,omitempty"`
	Truth    *impair.Truth `json:"truth,omitempty"`
	Active   []string      `json:"active"`
	Line     Line          `json:"line"`
}

// memoryLimit is where the collector begins to work; below, nothing interrupts
// the bridge.
const memoryLimit = 1 << 30

// Serve is the helper process: it takes its orders from in, one JSON object a
// line, and answers each on out. It ends when in ends. It must be all that the
// process does.
func Serve(in *os.File, out io.Writer) error {
	runtime.LockOSThread() // never unlocked: the thread changes its namespace
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(memoryLimit)
	h := helper{in: in, out: json.NewEncoder(out)}
	// A thread that cannot be made more exact works nonetheless; what it misses
	// is in the account.
	_ = thread.ExactTimers()
	if !thread.IsRealTime() {
		thread.Prompt(true)
	}
	first, err := h.line()
	if err != nil {
		return err
	}
	var o order
	if err := json.Unmarshal(first, &o); err != nil || o.Start == nil {
		return h.out.Encode(answer{Error: fmt.Sprintf("the first order is not to start: %v", err)})
	}
	way := open
	if o.Start.Own.IsValid() {
		way = detour
	}
	var closed func()
	if h.bridge, closed, err = way(o.Start); err != nil {
		return h.out.Encode(answer{Error: err.Error()})
	}
	defer closed()
	if o.Start.Exclusive {
		if h.takeover, err = takeOver(&o.Start.Interfaces); err != nil {
			return h.out.Encode(answer{Error: err.Error()})
		}
		defer func() { _ = h.takeover.close() }()
		h.bridge.drain() // what has been forwarded until now
		if err := h.takeover.aim(o.Start.Only); err != nil {
			return h.out.Encode(answer{Error: err.Error()})
		}
	}
	if err := h.answer(answer{RealTime: thread.IsRealTime()}); err != nil {
		return err
	}
	if err := unix.SetNonblock(int(in.Fd()), true); err != nil {
		return err
	}
	h.bridge.run(int(in.Fd()), h.serve)
	return nil
}

// open enters the namespace and opens both interfaces.
func open(c *Config) (_ *bridge, closed func(), err error) {
	if err := netns.Join(c.Namespace); err != nil {
		return nil, nil, err
	}
	only, err := accept(c.Only)
	if err != nil {
		return nil, nil, err
	}
	a, err := openPort(c.Interfaces[0], only)
	if err != nil {
		return nil, nil, err
	}
	b, err := openPort(c.Interfaces[1], only)
	if err != nil {
		a.close()
		return nil, nil, err
	}
	closed = func() {
		b.close()
		a.close()
	}
	if err := errors.Join(a.mark(Mark), b.mark(Mark)); err != nil {
		closed()
		return nil, nil, err
	}
	return newBridge(a, b, c.Spin), closed, nil
}

// helper answers orders between the turns of the bridge.
type helper struct {
	bridge   *bridge
	takeover *takeover // nil without
	in       *os.File
	out      *json.Encoder
	rest     []byte
}

// line waits for a line of orders.
func (h *helper) line() ([]byte, error) {
	var chunk [4096]byte
	for {
		if i := bytes.IndexByte(h.rest, '\n'); i >= 0 {
			line := h.rest[:i]
			h.rest = h.rest[i+1:]
			return line, nil
		}
		n, err := h.in.Read(chunk[:])
		if err != nil {
			return nil, err
		}
		h.rest = append(h.rest, chunk[:n]...)
	}
}

// serve reads what has come and carries it out. It returns false at the end of
// the orders.
func (h *helper) serve() bool {
	var chunk [4096]byte
	for {
		n, err := syscall.Read(int(h.in.Fd()), chunk[:])
		if n > 0 {
			h.rest = append(h.rest, chunk[:n]...)
			continue
		}
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if !errors.Is(err, syscall.EAGAIN) {
			return false
		}
		break
	}
	for {
		line, rest, found := bytes.Cut(h.rest, []byte("\n"))
		if !found {
			return true
		}
		h.rest = rest
		if h.answer(h.carryOut(line)) != nil {
			return false
		}
	}
}

func (h *helper) answer(a answer) error {
	a.Line = h.bridge.state()
	a.Active = h.bridge.engine.IDs()
	return h.out.Encode(a)
}

func (h *helper) carryOut(line []byte) (a answer) {
	var o order
	err := json.Unmarshal(line, &o)
	now := loop.Nanotime()
	engine := h.bridge.engine
	var truth *impair.Truth
	switch {
	case err != nil:
	case o.Aim != nil:
		err = h.aim(*o.Aim)
	case o.Add != nil:
		err = engine.Add(*o.Add, now)
	case o.Change != nil:
		// The new one is checked first: a bad one must not end the old one.
		if err = o.Change.Check(); err == nil {
			truth, err = engine.Remove(o.Change.ID, now)
		}
		if err == nil {
			err = engine.Add(*o.Change, now)
		}
	case o.Remove != "":
		truth, err = engine.Remove(o.Remove, now)
	case o.Truth != "":
		truth, err = engine.Truth(o.Truth)
	}
	if err != nil {
		a.Error = err.Error()
	}
	if truth != nil {
		report := truth.Report()
		a.Truth = &report
	}
	return a
}

// aim changes what the link takes over. The link begins to forward a moment before
// the kernel ends: rather twice than not at all.
func (h *helper) aim(only []impair.Match) error {
	program, err := accept(only)
	if err != nil {
		return err
	}
	for _, p := range h.bridge.ports {
		if err := attach(p.fd, program); err != nil {
			return fmt.Errorf("cannot filter what comes from %s: %w", p.name, err)
		}
	}
	if h.takeover == nil {
		return nil
	}
	return h.takeover.aim(only)
}
