package session

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"bench/internal/hosts/clock"
	"bench/internal/hosts/wire"
)

// Host is a machine that works for the run. It implements proc.Host.
type Host struct {
	session *Session
	hello   wire.Hello
	dir     string // of the run, there
	orders  caller // of the run as a whole
	files   mirror

	mu       sync.Mutex
	lost     chan struct{} // closed when nothing is to be expected any more
	why      error
	seen     bool // a sign of life has named the run
	silent   int
	nextName int
	faults   int // so far
	children map[string]*remote

	comparing sync.Mutex // held while a comparison of clocks goes on
	clocks    struct {
		sync.Mutex
		track clock.Track
		err   error // a step
	}
}

// Errors of Take.
var (
	ErrBusy = errors.New("works for another run")
)

// Take lets a host work for the run and compares its clock.
func (s *Session) Take(ctx context.Context, hello wire.Hello) (*Host, error) {
	if hello.Version != wire.Version {
		return nil, fmt.Errorf("host %s speaks version %d of the protocol, this program %d: install the same program", hello.Name, hello.Version, wire.Version)
	}
	h := &Host{session: s, hello: hello, lost: make(chan struct{}), children: map[string]*remote{}}
	h.orders = caller{host: h, channel: wire.RunChannel}
	s.mu.Lock()
	s.hosts[hello.Name] = h
	s.mu.Unlock()
	reply, err := h.orders.call(ctx, &wire.Order{Op: wire.OpOpen})
	if err == nil {
		h.dir = reply.Dir
		err = h.CompareClock(ctx)
	}
	if err != nil {
		s.mu.Lock()
		delete(s.hosts, hello.Name)
		s.mu.Unlock()
		return nil, err
	}
	return h, nil
}

// Name is that of the host.
func (h *Host) Name() string { return h.hello.Name }

// Hello is what the host says of itself.
func (h *Host) Hello() wire.Hello { return h.hello }

// Address by which other hosts reach it.
func (h *Host) Address() string { return h.hello.Address }

// Port is a free port of the host.
func (h *Host) Port(ctx context.Context) (int, error) {
	r, err := h.orders.call(ctx, &wire.Order{Op: wire.OpPort})
	if err == nil && (r.Port < 1 || r.Port > math.MaxUint16) {
		err = fmt.Errorf("host %s: %d is no port", h.Name(), r.Port)
	}
	return r.Port, err
}

// Usage is what processes of the host have used.
func (h *Host) Usage(ctx context.Context, pids []int) ([]wire.Usage, error) {
	r, err := h.orders.call(ctx, &wire.Order{Op: wire.OpUsage, PIDs: pids})
	return r.Usage, err
}

func (h *Host) close(limit time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	_, err := h.orders.call(ctx, &wire.Order{Op: wire.OpClose})
	var refused *orderError
	if errors.As(err, &refused) && refused.kind == wire.KindGone {
		return nil // over already
	}
	return err
}

// beat takes a sign of life; an error is a host that does not work for the run any more.
func (h *Host) beat(b *wire.BeatMessage, run string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.silent = 0
	switch {
	case b.Instance != h.hello.Instance:
		return fmt.Errorf("lost %s: it has left and joined again", h.hello.Name)
	case b.Run == run:
		h.seen = true
	case h.seen:
		return fmt.Errorf("lost %s: it does not work for the run any more", h.hello.Name)
	}
	return nil
}

// tick counts a tick without a sign of life, and reports whether it was the last.
func (h *Host) tick() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.silent++
	return h.silent > wire.Lease
}

// giveUp ends everything of the host for the run, as far as it concerns this side.
func (h *Host) giveUp(why error) {
	h.mu.Lock()
	if h.why == nil {
		h.why = why
		close(h.lost)
	}
	var all []*remote
	for _, r := range h.children {
		all = append(all, r)
	}
	h.mu.Unlock()
	for _, r := range all {
		r.finish(wire.End{State: "lost: " + why.Error(), Code: -1})
	}
}

func (h *Host) reason() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.why
}

// took takes output of one channel.
func (h *Host) took(channel string, m jetstream.Msg) {
	h.mu.Lock()
	r := h.children[channel]
	h.mu.Unlock()
	seq, err := strconv.ParseUint(m.Headers().Get(wire.HeaderSeq), 10, 64)
	if r == nil || err != nil {
		return
	}
	if err := r.took(seq, m.Headers().Get(wire.HeaderKind), m.Data()); err != nil {
		h.session.fail(fmt.Errorf("lost %s: %w", h.Name(), err), h.Name())
	}
}

// channelName is one that no process has had.
func (h *Host) channelName() string {
	h.nextName++
	return fmt.Sprintf("p%d", h.nextName)
}

// orderError is an order that a host did not carry out.
type orderError struct{ kind, text string }

func (e *orderError) Error() string { return e.text }

// mostOfError is how much is shown of what a host says.
const mostOfError = 4 << 10

// refused is the error of an order that a host did not carry out, in words that name it.
func refused(host string, r *wire.Reply) *orderError {
	text := wire.Shown(r.Error, mostOfError)
	if !strings.Contains(text, "host "+host) {
		text = "host " + host + ": " + text
	}
	return &orderError{r.Kind, text}
}

// Is lets callers ask for what they would ask of this machine.
func (e *orderError) Is(target error) bool {
	switch e.kind {
	case wire.KindMissing:
		return target == exec.ErrNotFound || target == fs.ErrNotExist
	case wire.KindRefused:
		return target == fs.ErrPermission
	case wire.KindNobody:
		return target == syscall.ECONNREFUSED
	case wire.KindBusy:
		return target == ErrBusy
	}
	return false
}

// NotCarriedOut reports whether an error is that of an order which a host did not carry out for
// a reason of its own. That nobody listens at a socket is none.
func NotCarriedOut(err error) bool {
	var refused *orderError
	return errors.As(err, &refused) && refused.kind != wire.KindNobody
}

// caller gives orders on one channel, one after another.
type caller struct {
	host    *Host
	channel string
	mu      sync.Mutex
	seq     uint64
}

// call gives an order and asks again until it is answered, ctx ends or the host is given
// up. The host carries it out once.
func (c *caller) call(ctx context.Context, o *wire.Order) (wire.Reply, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seq++
	o.Seq = c.seq
	text, err := json.Marshal(o)
	if err != nil {
		return wire.Reply{}, err
	}
	h := c.host
	subject := wire.Orders(h.Name(), h.session.run, c.channel)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-h.lost:
			cancel(h.reason())
		case <-ctx.Done():
		}
	}()
	limit := wire.AskEvery
	for {
		m, err := h.session.request(ctx, subject, text, limit)
		if err == nil {
			var r wire.Reply
			if err := json.Unmarshal(m.Data, &r); err != nil {
				return r, fmt.Errorf("host %s: %w", h.Name(), err)
			}
			switch {
			case r.Error != "":
				return r, refused(h.Name(), &r)
			case r.Seq == o.Seq || o.Op == wire.OpClose:
				return r, nil
			}
			// The answer to another one.
		} else if errors.Is(err, context.DeadlineExceeded) {
			limit = min(2*limit, wire.AskAtMost)
		}
		select {
		case <-ctx.Done():
			return wire.Reply{}, fmt.Errorf("host %s: %w", h.Name(), context.Cause(ctx))
		case <-time.After(wire.AskEvery / 10): // a request without a listener fails at once
		}
	}
}

// request asks once. It returns when ctx ends or the limit is over, also while the
// connection is being made.
func (s *Session) request(ctx context.Context, subject string, data []byte, limit time.Duration) (*nats.Msg, error) {
	type answer struct {
		m   *nats.Msg
		err error
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	got := make(chan answer, 1)
	go func() {
		m, err := s.conn.RequestWithContext(ctx, subject, data)
		got <- answer{m, err}
	}()
	select {
	case a := <-got:
		return a.m, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// there is a text with the run's directory here replaced by that of the host.
func (h *Host) there(text string) string {
	return string(h.bytesThere([]byte(text)))
}

func (h *Host) bytesThere(b []byte) []byte {
	if h.files.dir == "" {
		return b
	}
	return bytes.ReplaceAll(b, []byte(h.files.dir), []byte(h.dir))
}

func (h *Host) allThere(texts []string) []string {
	all := slices.Clone(texts)
	for i := range all {
		all[i] = h.there(all[i])
	}
	return all
}
