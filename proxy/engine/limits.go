package engine

import (
	"errors"
	"fmt"
	"math"
	"runtime"

	"golang.org/x/sys/unix"

	"bench/internal/loop"
	"bench/internal/poller"
	"bench/proxy/config"
	"bench/proxy/log"
	"bench/proxy/peering"
	"bench/proxy/stream"
)

// limits works out how many connections may be open.
func (e *Engine) limits() error {
	g := &e.cfg.Global
	var rl unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &rl); err != nil {
		return fmt.Errorf("reading the descriptor limit: %w", err)
	}
	sockets := 0
	for _, p := range e.cfg.Proxies {
		e.binds += len(p.Binds)
		for _, b := range p.Binds {
			sockets += len(shares(b, e.numThreads()))
		}
	}
	fixed := reservedFDs + len(g.Stats) + sockets
	for _, s := range e.cfg.Peers {
		fixed += len(s.Binds) + 2*len(s.Peers) + peering.MaxStrange
	}
	for _, r := range e.cfg.Resolvers {
		fixed += len(r.Nameservers)
	}
	for _, f := range e.cfg.LogForwards {
		fixed += 2*len(f.Binds) + len(f.Datagrams)
	}
	want := firstPositive(e.opt.MaxConn, g.MaxConn)
	if need := uint64(fixed + 2*(want+maxPipes(e.cfg, want, math.MaxInt32))); want > 0 && need > rl.Cur {
		was := rl.Cur
		rl = unix.Rlimit{Cur: need, Max: max(need, rl.Max)}
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &rl); err != nil {
			return fmt.Errorf("maxconn %d needs %d descriptors, and the limit is %d: lower maxconn, or raise the limit (ulimit -n, LimitNOFILE= of systemd): %w", want, need, was, err)
		}
	}
	fds := int(min(rl.Cur, 1<<24))
	if m := e.mechanism; m.MaxFD != 0 && m.MaxFD < fds {
		fds = m.MaxFD
	}
	e.fds = fds
	free := fds - fixed
	e.maxPipes = maxPipes(e.cfg, want, free)
	if !g.NoSplice {
		e.shared.Pipes.Max = int64(e.maxPipes)
	}
	e.hard = max((free-2*e.maxPipes)/2, 1)
	limit := e.hard
	if want > 0 {
		if want > e.hard {
			e.alert(log.Warning, fmt.Sprintf("maxconn %d needs more descriptors than %s can watch: limited to %d connections", want, e.mechanism.Name, e.hard))
		}
		limit = min(want, e.hard)
	}
	e.hard = limit
	config.FullConns(e.cfg, limit)
	e.shared.MaxConn.Store(int64(limit))
	e.shared.PoolFDs = int64(fds) * int64(g.Tune.PoolHighFDRatio) / 100
	for _, f := range e.shared.Frontends.All() {
		f.MaxConn.Store(int64(firstPositive(f.Spec.MaxConn, limit)))
	}
	return nil
}

func firstPositive(vs ...int) int {
	for _, v := range vs {
		if v > 0 {
			return v
		}
	}
	return 0
}

// chooseMechanism decides which poller will be used: the one of the options
// without fail, the one of the configuration if it can be had, the best of the
// others if not.
func (e *Engine) chooseMechanism() error {
	g := &e.cfg.Global
	off := map[string]bool{"epoll": g.NoEpoll, "poll": g.NoPoll, "io_uring": g.NoIOUring}
	var best *poller.Mechanism
	refused := ""
	for _, m := range poller.Mechanisms() {
		switch {
		case e.opt.Poller == m.Name:
			e.mechanism = &m
			return nil
		case off[m.Name]:
			if g.Tune.Poller == m.Name {
				refused = "it is switched off"
			}
			continue
		case g.Tune.Poller == m.Name:
			err := m.Probe()
			if err == nil {
				e.mechanism = &m
				return nil
			}
			refused = err.Error()
			continue
		}
		if best == nil && m.Probe() == nil {
			best = &m
		}
	}
	switch {
	case e.opt.Poller != "":
		return fmt.Errorf("unknown poller %q", e.opt.Poller)
	case best == nil:
		return errors.New("no polling mechanism is left to use")
	case refused != "":
		e.alert(log.Warning, fmt.Sprintf("tune.poller %s cannot be used, %s takes its place: %s", g.Tune.Poller, best.Name, refused))
	}
	e.mechanism = best
	return nil
}

func (e *Engine) makeThreads(plans []*log.Plan) error {
	for id := 1; id <= e.numThreads(); id++ {
		l, err := loop.New(e.mechanism.Name, 2*(int(e.shared.MaxConn.Load())+e.maxPipes)+reservedFDs+e.binds)
		if err != nil {
			return err
		}
		sender := log.NewSender()
		e.senders = append(e.senders, sender)
		t := stream.NewThread(id, l, e.shared, sinks(plans, sender))
		t.Process.SharePeaks(&e.peaks)
		t.SetProfiling(e.Profiling())
		e.loops = append(e.loops, l)
		e.threads = append(e.threads, t)
	}
	return nil
}

// numThreads is "nbthread", or one for each usable CPU.
func (e *Engine) numThreads() int {
	if n := e.cfg.Global.NbThread; n > 0 {
		return n
	}
	return usableCPUs()
}

func usableCPUs() int {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err == nil {
		if n := set.Count(); n > 0 {
			return n
		}
	}
	return runtime.NumCPU()
}
