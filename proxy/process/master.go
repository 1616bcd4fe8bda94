package process

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"bench/proxy/cli"
	"bench/proxy/config"
	"bench/proxy/log"
	"bench/proxy/process/reload"
	"bench/proxy/spec"
)

// worker is one worker process as its master sees it, or a program that runs beside it.
type worker struct {
	workerState
	control *net.UnixConn
	ready   bool
}

// master supervises workers. What the command socket reads is behind mu;
// everything changes on the goroutine of supervise only.
type master struct {
	*process
	signals *inbox
	ready   chan *worker  // a worker serves
	asked   chan bool     // a reload was asked for on the command socket, true: a hard one
	ended   chan struct{} // closed when supervision ends
	places  chan struct{} // one for each connection to the command sockets

	mu      sync.Mutex
	workers []*worker // the newest last
	reloads int
	failed  int
	broken  bool // the last reload failed
	started time.Time

	cli      []*masterSocket
	table    *cli.Table // of the commands of these sockets
	starting *worker    // not yet serving
	pending  bool       // reload again once that is settled
	urgent   bool       // and end the former workers at once
	stopping bool
	hard     bool // the reload at hand ends the former workers at once
	code     int  // exit status so far
	global   spec.Global
	programs []*spec.Program
}

func (p *process) newMaster(signals *inbox) *master {
	signals.also(unix.SIGCHLD)
	// Handled rather than ignored, which programs would inherit.
	signal.Notify(make(chan os.Signal, 1), unix.SIGPIPE)
	return &master{
		process: p, signals: signals, ready: make(chan *worker, 16),
		asked: make(chan bool, 1), ended: make(chan struct{}), places: make(chan struct{}, maxMasterConns), started: time.Now(), table: newMasterTable(),
	}
}

// startMaster is the first image of a master.
func (p *process) startMaster(signals *inbox, sources []config.Source, cfg *spec.Config) int {
	if p.state.Role == "" {
		err := p.shelter(signals, sources)
		p.say(log.Alert, "cannot start the master: "+err.Error())
		return 1
	}
	m := p.newMaster(signals)
	m.global, m.programs = cfg.Global, cfg.Programs
	fail := func(err error) int {
		m.closeCLI()
		p.say(log.Alert, err.Error())
		return 1
	}
	if err := m.bindCLI(); err != nil {
		return fail(err)
	}
	if err := m.start(sources); err != nil {
		return fail(err)
	}
	return m.supervise()
}

// shelter runs the program again with signals blocked, before there is anything
// to lose: only then do they wait while a reload replaces the image.
func (p *process) shelter(signals *inbox, sources []config.Source) error {
	text, err := storeSources(sources)
	if err != nil {
		return err
	}
	return p.replaceImage(&state{Role: roleFirst, Sources: text, Introduced: p.introduced.Load()}, signals)
}

// resumeMaster is a master that has replaced its image to reload: the former
// workers go on serving until the new one does, or for good if it fails.
func (p *process) resumeMaster(signals *inbox) int {
	m := p.newMaster(signals)
	st := p.state
	m.reloads, m.failed, m.started, m.hard = st.Reloads, st.Failed, st.Started, st.Hard
	for _, w := range st.Workers {
		if w.Program != "" {
			m.workers = append(m.workers, &worker{workerState: w})
			continue
		}
		conn, err := unixConn(w.Control, "worker")
		if err != nil {
			p.say(log.Warning, fmt.Sprintf("worker %d cannot be reached any more: %v", w.PID, err))
		}
		m.workers = append(m.workers, &worker{workerState: w, control: conn, ready: true})
	}
	if err := m.adoptCLI(st.CLI); err != nil {
		p.say(log.Warning, "the master's command socket is lost: "+err.Error())
	}
	sources, cfg, err := p.load()
	good := err == nil && cfg != nil && p.warningsAllowed(cfg)
	if good {
		m.global, m.programs = cfg.Global, cfg.Programs
		err = m.start(sources)
	}
	if !good || err != nil {
		// Nothing of the new configuration is in force.
		m.global.NoExitOnFailure = false
		m.reloadFailed(err)
	}
	return m.supervise()
}

// reloadFailed leaves everything to the workers there are.
func (m *master) reloadFailed(err error) {
	if err != nil {
		m.say(log.Alert, err.Error())
	}
	m.say(log.Warning, "Loading failure! The former workers carry on.")
	m.mu.Lock()
	m.failed++
	m.broken = true
	m.mu.Unlock()
	m.notify("READY=1", fmt.Sprintf("MAINPID=%d", m.pid), "STATUS=Reload failed, the former configuration is in force.")
}

// notify tells the service manager, with -Ws only.
func (m *master) notify(lines ...string) {
	if !m.opt.Systemd {
		return
	}
	if err := reload.Notify(os.Getenv("NOTIFY_SOCKET"), lines...); err != nil {
		m.say(log.Warning, err.Error())
	}
}

// start starts a worker.
func (m *master) start(sources []config.Source) error {
	text, err := storeSources(sources)
	if err != nil {
		return err
	}
	defer unix.Close(text)
	control, other, err := controlPair()
	if err != nil {
		return err
	}
	defer unix.Close(other)
	st := &state{Role: roleWorker, Sources: text, Control: other, Reload: m.reloads > 0, Reloads: m.reloads, Former: m.pids(), Detach: m.state.Detach, Introduced: m.introduced.Load()}
	if from := m.current(); from != nil && from.control != nil {
		if err := m.connectOld(st, from); err != nil {
			m.say(log.Warning, fmt.Sprintf("worker %d did not hand over its listening sockets: %v", from.PID, err))
		}
	}
	pid, err := m.spawn(st, nil)
	if st.Old > 0 {
		unix.Close(st.Old)
	}
	if err != nil {
		return errors.Join(err, control.Close())
	}
	m.say(log.Notice, fmt.Sprintf("New worker (%d) forked", pid))
	w := &worker{workerState: workerState{PID: pid, Started: time.Now(), Version: m.Version}, control: control}
	m.mu.Lock()
	m.workers = append(m.workers, w)
	m.mu.Unlock()
	m.starting = w
	go m.await(w)
	return nil
}

// pids are those of the workers there are.
func (m *master) pids() []int {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []int
	for _, w := range m.workers {
		if w.Program == "" {
			list = append(list, w.PID)
		}
	}
	return list
}

// connectOld gives the new worker a connection to the one it will replace.
func (m *master) connectOld(st *state, from *worker) error {
	conn, err := openCLI(from.control, cli.Access{Level: cli.AdminLevel})
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	st.Old, err = descriptor(conn)
	return err
}

// await reads the worker's word that it serves. Its end is told by SIGCHLD.
func (m *master) await(w *worker) {
	buf := make([]byte, len(readyMark))
	n, err := w.control.Read(buf)
	if err == nil && string(buf[:n]) == readyMark {
		select {
		case m.ready <- w:
		case <-m.ended:
		}
	}
}

// current is the newest worker that serves and has not been told to leave.
func (m *master) current() *worker {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, w := range slices.Backward(m.workers) {
		if w.ready && !w.Leaving {
			return w
		}
	}
	return nil
}

// supervise runs until the last worker has gone, and returns the exit status.
func (m *master) supervise() int {
	defer close(m.ended)
	defer m.closeCLI()
	m.introduced.Store(true) // the start is over; that of the worker is its own
	m.startup.finish()
	m.serveCLI()
	// Workers may have ended while no handler was there to see it.
	m.reap()
	for len(m.workers) > 0 {
		select {
		case w := <-m.ready:
			if err := m.serving(w); err != nil {
				m.say(log.Alert, err.Error())
				m.code = 1
				m.signalAll(unix.SIGTERM, nil)
			}
		case hard := <-m.asked:
			m.reload(hard)
		case <-m.signals.ready:
			if s, ok := m.signals.take(); ok {
				m.handle(s)
			}
		}
	}
	m.say(log.Warning, fmt.Sprintf("All workers exited. Exiting... (%d)", m.code))
	return m.code
}

func (m *master) handle(s unix.Signal) {
	switch s {
	case unix.SIGCHLD:
		m.reap()
	case unix.SIGUSR2, unix.SIGHUP:
		m.reload(false)
	case unix.SIGTERM, unix.SIGINT, unix.SIGUSR1:
		m.notify("STOPPING=1")
		m.say(log.Warning, "Exiting Master process...")
		m.stopping = true
		m.signalAll(s, nil)
	case unix.SIGQUIT: // would end a worker that cannot handle it yet
		m.signalAll(s, func(w *worker) bool { return w.ready || w.Program != "" })
	default: // pause and resume are the workers' business
		m.signalAll(s, nil)
	}
}

// signalAll signals the workers of a kind, nil for all of them.
func (m *master) signalAll(s unix.Signal, which func(*worker) bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, w := range m.workers {
		if which == nil || which(w) {
			_ = unix.Kill(w.PID, s)
		}
	}
}

// serving is what follows from a new worker's readiness: the former ones leave.
func (m *master) serving(w *worker) error {
	m.say(log.Notice, "Loading success.")
	m.mu.Lock()
	w.ready = true
	m.broken, m.failed = false, 0
	for _, o := range m.workers {
		if o == w {
			continue
		}
		o.Leaving = true
		sig := unix.SIGUSR1
		if m.hard && o.Program == "" {
			sig = unix.SIGTERM
		}
		if o.Program == "" && o.Reloads > m.global.MasterMaxReloads {
			m.say(log.Warning, fmt.Sprintf("worker (%d) has survived %d reloads: terminating it", o.PID, o.Reloads))
			sig = unix.SIGTERM
		}
		_ = unix.Kill(o.PID, sig)
	}
	m.mu.Unlock()
	m.starting, m.hard = nil, false
	m.startPrograms()
	if m.reloads == 0 {
		if err := m.replaceOld(); err != nil {
			return err
		}
	}
	if err := m.detach(); err != nil {
		return err
	}
	if m.state.Ready > 0 {
		reportReady(m.state.Ready)
		m.state.Ready = 0
	}
	m.notify("READY=1", fmt.Sprintf("MAINPID=%d", m.pid), "STATUS=Ready.")
	m.reloadPending()
	return nil
}

// replaceOld takes the place of the processes named on the command line, now that
// the first worker serves. If that had failed, they would have lost nothing.
func (m *master) replaceOld() error {
	if path := m.global.PIDFile; path != "" {
		if err := reload.WritePID(path, m.pid); err != nil {
			return err
		}
	}
	for _, c := range m.cli {
		if err := c.hidden.Publish(); err != nil {
			return err
		}
		c.hidden = nil
	}
	old := m.old()
	old.Finish()
	return nil
}

func (m *master) reloadPending() {
	if hard := m.urgent; m.pending {
		m.pending, m.urgent = false, false
		m.reload(hard)
	}
}

// reap collects the workers that have ended.
func (m *master) reap() {
	for {
		var ws unix.WaitStatus
		pid, err := unix.Wait4(-1, &ws, unix.WNOHANG, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || pid <= 0 {
			// Without any child left, those still listed have been collected
			// by somebody else.
			if errors.Is(err, unix.ECHILD) {
				m.mu.Lock()
				m.workers = nil
				m.mu.Unlock()
			}
			return
		}
		m.gone(pid, ws)
	}
}

func (m *master) gone(pid int, ws unix.WaitStatus) {
	m.mu.Lock()
	i := slices.IndexFunc(m.workers, func(w *worker) bool { return w.PID == pid })
	if i < 0 {
		m.mu.Unlock()
		return
	}
	w := m.workers[i]
	m.workers = slices.Delete(slices.Clone(m.workers), i, i+1)
	m.mu.Unlock()
	if w.control != nil {
		_ = w.control.Close()
	}
	status, word := ws.ExitStatus(), "Exit"
	if ws.Signaled() {
		status, word = 128+int(ws.Signal()), signalText(ws.Signal())
	}
	which, level := "Current", log.Warning
	if w.Leaving {
		which = "Former"
	} else if status != 0 || w.Program != "" {
		level = log.Alert
	}
	m.say(level, fmt.Sprintf("%s %s (%d) exited with code %d (%s)", which, w.kind(), pid, status, word))
	if w == m.starting {
		m.startFailed(w, status)
		return
	}
	m.count(w, status)
}

// startFailed deals with a worker that ended before it served.
func (m *master) startFailed(w *worker, status int) {
	m.starting = nil
	if m.stopping {
		m.count(w, status)
		return
	}
	if m.reloads > 0 && m.current() != nil {
		m.reloadFailed(nil)
		m.reloadPending()
		return
	}
	if m.code = status; m.code == 0 {
		m.code = 1
	}
	m.stopping = true
	m.signalAll(unix.SIGTERM, nil) // programs of a configuration that was in force before
}

// count works out what the end of a worker means for the others and for the
// exit status. Ends that were asked for mean nothing.
func (m *master) count(w *worker, status int) {
	switch status {
	case 0, 128 + int(unix.SIGTERM):
		return
	case 128 + int(unix.SIGINT):
		m.code = status
		return
	}
	if m.code == 0 {
		m.code = status
	}
	if !w.Leaving && !m.stopping && !m.global.NoExitOnFailure {
		m.say(log.Alert, "exit-on-failure: killing every processes with SIGTERM")
		m.stopping = true
		m.signalAll(unix.SIGTERM, nil)
	}
}

// reload replaces the image of the master, which then reads the configuration
// and starts a worker; hard: which then ends the former ones at once. It returns only if that
// cannot be done now.
func (m *master) reload(hard bool) {
	if m.stopping {
		return
	}
	if m.starting != nil { // what was asked for before, hard or not, is not changed by it
		m.pending, m.urgent = true, m.urgent || hard
		return
	}
	m.hard = hard
	m.say(log.Notice, "Reloading HAProxy")
	m.notify("RELOADING=1", fmt.Sprintf("MONOTONIC_USEC=%d", monotonic()/1000), "STATUS=Reloading.")
	st, err := m.handOn()
	if err == nil {
		err = m.replaceImage(st, m.signals)
	}
	m.reloads++
	m.reloadFailed(fmt.Errorf("cannot reload: %w", err))
}

// handOn is the state for the next image.
func (m *master) handOn() (*state, error) {
	st := &state{Role: roleMaster, Reloads: m.reloads + 1, Failed: m.failed, Started: m.started, Hard: m.hard}
	for _, w := range m.workers {
		next := w.workerState
		next.Reloads++
		if w.control != nil {
			fd, err := descriptor(w.control)
			if err != nil {
				return nil, err
			}
			next.Control = fd
		}
		st.Workers = append(st.Workers, next)
	}
	for _, s := range m.cli {
		fd, err := s.descriptor()
		if err != nil {
			return nil, err
		}
		st.CLI = append(st.CLI, fd)
	}
	return st, nil
}

// replaceImage runs this program again in the same process.
func (p *process) replaceImage(st *state, signals *inbox) error {
	path, err := executable()
	if err != nil {
		return err
	}
	// A signal between the images must neither be lost nor end the process
	// against its meaning.
	st.Signals = signals.handOn(p.state.Role != "")
	defer signals.takeBack()
	restore, err := blockSignals()
	if err != nil {
		return err
	}
	defer restore()
	env, err := st.environ()
	if err != nil {
		return err
	}
	if err := st.inheritable(true); err != nil {
		return err
	}
	err = syscall.Exec(path, p.Args, env)
	for _, fd := range st.descriptors() {
		unix.Close(fd)
	}
	return fmt.Errorf("%s: %w", path, err)
}

func monotonic() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return 0
	}
	return ts.Nano()
}

// uptime is a duration as "show proc" writes it.
func uptime(d time.Duration) string {
	s := int(d / time.Second)
	return fmt.Sprintf("%dd%02dh%02dm%02ds", s/86400, s/3600%24, s/60%60, s%60)
}

// showProc answers "show proc".
func (m *master) showProc() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var b strings.Builder
	row := func(pid, typ, reloads, up, version string) {
		fmt.Fprintf(&b, "%-15s %-15s %-15s %-15s %-15s\n", pid, typ, reloads, up, version)
	}
	row("#<PID>", "<type>", "<reloads>", "<uptime>", "<version>")
	row(fmt.Sprint(m.pid), "master", fmt.Sprintf("%d [failed: %d]", m.reloads, m.failed), uptime(time.Since(m.started)), m.Version)
	list := func(heading string, program, leaving bool) {
		of := slices.DeleteFunc(slices.Clone(m.workers), func(w *worker) bool { return w.Leaving != leaving || (w.Program != "") != program })
		if leaving && len(of) == 0 {
			return
		}
		b.WriteString(heading + "\n")
		for _, w := range of {
			row(fmt.Sprint(w.PID), cmp.Or(w.Program, "worker"), fmt.Sprint(w.Reloads), uptime(time.Since(w.Started)), w.Version)
		}
	}
	list("# workers", false, false)
	list("# old workers", false, true)
	list("# programs", true, false)
	list("# old programs", true, true)
	return b.String() + "\n"
}
