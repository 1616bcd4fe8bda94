// Package session is the runner's side of a run on several hosts: it finds hosts, takes
// them for the run, starts processes there by the contract of internal/proc, and notices
// when one is lost. Which process belongs where is for the runner to say.
package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"bench/internal/hosts/wire"
)

// Options of a session.
type Options struct {
	Hub *wire.Address
	// Self is the command of this program, which hosts have, too: what begins with it is
	// started there by their own.
	Self []string
	// Note takes what is worth a line; nil is nobody.
	Note func(string)
}

// Session is the part of a run that goes through the hub.
type Session struct {
	options Options
	run     string
	conn    *nats.Conn
	js      jetstream.JetStream
	stream  jetstream.Stream
	consume jetstream.ConsumeContext
	lost    chan struct{}
	over    chan struct{}
	workers sync.WaitGroup
	cut     atomic.Bool // there is no connection to the hub
	reading atomic.Bool // the output of the run is read

	mu     sync.Mutex
	hosts  map[string]*Host
	err    error // why lost is closed
	closed bool
	read   uint64 // bytes since the stream was last purged
}

// Limits of the stream of a run.
const (
	// maxStream is what may lie in it; more holds up the processes whose output it is.
	maxStream = 256 << 20
	// purgeEvery is after how many bytes what was read is let go of.
	purgeEvery = 16 << 20
	// apiLimit bounds what is asked of the hub itself.
	apiLimit = 15 * time.Second
)

// Open begins a session: hosts are taken afterwards.
func Open(ctx context.Context, o Options) (_ *Session, err error) {
	if o.Note == nil {
		o.Note = func(string) {}
	}
	run, err := newRun()
	if err != nil {
		return nil, err
	}
	s := &Session{options: o, run: run, lost: make(chan struct{}), over: make(chan struct{}), hosts: map[string]*Host{}}
	s.conn, err = wire.Connect(o.Hub, wire.Options{
		Name: wire.ClientOfRun(s.run), Note: o.Note, Connected: s.connected,
		Refused: func(err error) { s.fail(fmt.Errorf("the hub forbids what a run has to do: %w", err)) },
	})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.conn.Close()
		}
	}()
	if _, err := s.conn.Subscribe(wire.AnyBeat, s.heard); err != nil {
		return nil, err
	}
	if _, err := s.conn.Subscribe(wire.Full, func(m *nats.Msg) {
		if m.Header.Get(wire.HeaderKind) == wire.SaidFull {
			s.fail(fmt.Errorf("no output can be kept: %.300s", m.Data))
		}
	}); err != nil {
		return nil, err
	}
	if s.js, err = jetstream.New(s.conn); err != nil {
		return nil, err
	}
	if err := s.readOutput(ctx); err != nil {
		return nil, fmt.Errorf("the hub's JetStream: %w", err)
	}
	s.reading.Store(true)
	s.workers.Go(s.watch)
	go s.beat()
	return s, nil
}

// connected is told that the connection was lost, and that it is there again. The hub that
// answers then may be one that was started anew, without what the old one had kept.
func (s *Session) connected(is bool) {
	s.cut.Store(!is)
	if !is || !s.reading.Load() {
		return
	}
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), apiLimit)
		defer cancel()
		if _, err := s.js.Stream(ctx, wire.Stream(s.run)); errors.Is(err, jetstream.ErrStreamNotFound) {
			s.fail(fmt.Errorf("the hub at %s has lost what the hosts of the run had said: it was started anew, without its store", s.options.Hub.Where()))
		}
	}()
}

// readOutput makes the stream of the run and reads it.
func (s *Session) readOutput(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, apiLimit)
	defer cancel()
	s.stream, err = s.js.CreateStream(ctx, jetstream.StreamConfig{
		Name: wire.Stream(s.run), Subjects: []string{wire.AnyOutput(s.run)}, Storage: jetstream.FileStorage,
		Discard: jetstream.DiscardNew, MaxBytes: maxStream,
	})
	if err != nil {
		return err
	}
	c, err := s.js.OrderedConsumer(ctx, wire.Stream(s.run), jetstream.OrderedConsumerConfig{})
	if err != nil {
		return err
	}
	s.consume, err = c.Consume(s.took, jetstream.PullHeartbeat(time.Second), jetstream.PullExpiry(10*time.Second))
	return err
}

// took takes one message of output. They come in order, those of one channel numbered
// without a gap; what comes twice was known already.
func (s *Session) took(m jetstream.Msg) {
	parts := strings.Split(m.Subject(), ".")
	if len(parts) != 6 {
		return
	}
	s.mu.Lock()
	h := s.hosts[parts[4]]
	s.mu.Unlock()
	if h != nil {
		h.took(parts[5], m)
	}
	s.read += uint64(len(m.Data()))
	if meta, err := m.Metadata(); err == nil && s.read >= purgeEvery {
		s.read = 0
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), apiLimit)
			defer cancel()
			_ = s.stream.Purge(ctx, jetstream.WithPurgeSequence(meta.Sequence.Stream)) // the next one does it
		}()
	}
}

// Look asks who is there, and waits a moment for answers.
func (s *Session) Look(ctx context.Context, wait time.Duration) ([]wire.Hello, error) {
	return Look(ctx, s.conn, wait)
}

// Look asks who is there, and waits a moment for answers. Two hosts of one name are an
// error.
func Look(ctx context.Context, nc *nats.Conn, wait time.Duration) ([]wire.Hello, error) {
	sub, err := nc.SubscribeSync(wire.AnyHello)
	if err != nil {
		return nil, err
	}
	defer func() { _ = sub.Unsubscribe() }()
	if err := nc.Publish(wire.Who, nil); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	var all []wire.Hello
	for {
		m, err := sub.NextMsgWithContext(ctx)
		if err != nil {
			break
		}
		var h wire.Hello
		if json.Unmarshal(m.Data, &h) != nil || h.Check() != nil || m.Subject != wire.HelloOf(h.Name) {
			continue // no host that could be worked with
		}
		if i := slices.IndexFunc(all, func(o wire.Hello) bool { return o.Name == h.Name }); i >= 0 && all[i].Instance != h.Instance {
			return nil, fmt.Errorf("two hosts have joined as %s, at %s and %s", h.Name, all[i].Address, h.Address)
		} else if i < 0 {
			all = append(all, h)
		}
	}
	slices.SortFunc(all, func(a, b wire.Hello) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// heard takes a sign of life of a host.
func (s *Session) heard(m *nats.Msg) {
	name := strings.TrimPrefix(m.Subject, wire.Beat(""))
	s.mu.Lock()
	h := s.hosts[name]
	s.mu.Unlock()
	var b wire.BeatMessage
	if h == nil || json.Unmarshal(m.Data, &b) != nil || b.Instance == "" {
		return // it may be an acknowledgement that somebody else wanted to have here
	}
	if why := h.beat(&b, s.run); why != nil {
		s.fail(why, name)
	}
}

// beat gives the hosts signs of life. It may have to wait for the connection, which the
// watch must not.
func (s *Session) beat() {
	tick := time.NewTicker(wire.BeatEvery)
	defer tick.Stop()
	for {
		_ = s.conn.Publish(wire.RunBeat(s.run), nil) // the next one makes up for it
		select {
		case <-s.over:
			return
		case <-tick.C:
		}
	}
}

// watch counts the ticks without a sign of life of the hosts.
func (s *Session) watch() {
	tick := time.NewTicker(wire.Tick)
	defer tick.Stop()
	for {
		select {
		case <-s.over:
			return
		case <-tick.C:
		}
		var silent []string
		for _, h := range s.list() {
			if h.tick() {
				silent = append(silent, h.Name())
			}
		}
		switch {
		case len(silent) == 0:
		case s.cut.Load():
			s.fail(fmt.Errorf("the hub at %s is lost: nothing was heard of it for %v", s.options.Hub.Where(), wire.Lease*wire.Tick))
		default:
			s.fail(fmt.Errorf("lost %s: no sign of life for %v", strings.Join(silent, ", "), wire.Lease*wire.Tick), silent...)
		}
	}
}

func (s *Session) list() []*Host {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*Host
	for _, h := range s.hosts {
		all = append(all, h)
	}
	slices.SortFunc(all, func(a, b *Host) int { return strings.Compare(a.Name(), b.Name()) })
	return all
}

// Hosts are those of the run.
func (s *Session) Hosts() []*Host { return s.list() }

// fail gives the run up, and these hosts, or all of them where none is named: nothing is
// to be expected of them any more.
func (s *Session) fail(err error, lost ...string) {
	s.mu.Lock()
	first := s.err == nil && !s.closed
	if first {
		s.err = err
		close(s.lost)
	}
	s.mu.Unlock()
	for _, h := range s.list() {
		if first && len(lost) == 0 || slices.Contains(lost, h.Name()) {
			h.giveUp(err)
		}
	}
}

// Ask finds out whether all hosts work for the run still. What fails right after this
// process stood still may fail because they have given it up.
func (s *Session) Ask(ctx context.Context) {
	var all sync.WaitGroup
	for _, h := range s.list() {
		all.Go(func() {
			var refused *orderError
			if _, err := h.Usage(ctx, nil); errors.As(err, &refused) && refused.kind == wire.KindGone {
				s.fail(fmt.Errorf("lost %s: it has given the run up", h.Name()), h.Name())
			}
		})
	}
	all.Wait()
}

// Lost is closed when a host, or the hub, is lost; Err says which.
func (s *Session) Lost() <-chan struct{} { return s.lost }

// Err is why the session is lost, nil if it is not.
func (s *Session) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// closeLimit bounds the wait for hosts to end what they do for the run.
const closeLimit = 15 * time.Second

// Close ends the run on every host that can be reached, and returns what could not be
// undone there. Those that cannot be reached end it by themselves.
func (s *Session) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	lost := s.err
	s.mu.Unlock()
	limit := closeLimit
	if lost != nil {
		limit = 2 * time.Second
	}
	var all sync.WaitGroup
	hosts := s.list()
	errs := make([]error, len(hosts))
	for i, h := range hosts {
		all.Go(func() {
			err := h.close(limit)
			if lost == nil {
				errs[i] = err
			}
		})
	}
	all.Wait()
	closed := errors.New("the run is over")
	for _, h := range hosts {
		h.giveUp(closed)
	}
	close(s.over)
	s.workers.Wait()
	// A connection that is being made holds these up; nothing of the run depends on them.
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		s.consume.Stop()
		ctx, cancel := context.WithTimeout(context.Background(), min(limit, apiLimit))
		defer cancel()
		_ = s.js.DeleteStream(ctx, wire.Stream(s.run)) // where the hub is gone nobody can
		s.conn.Close()
	}()
	select {
	case <-gone:
	case <-time.After(limit):
	}
	return errors.Join(errs...)
}
