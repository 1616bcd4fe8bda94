package difftest

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"bench/internal/testpeer"
)

// exchange is one comparison.
type exchange struct {
	name string
	// Lines for the configuration (see base).
	global, defaults, frontend, backend, server string
	engine                                      string // more of the global section, for the engine only
	// files are written to a directory whose name replaces DIR in those lines; ORIGIN
	// is the origin's port, and OFFSET how far it is above the frontend's.
	files map[string]string
	// client is the script of the client's connection; then it reads until it is
	// closed or nothing came for quiet (by default 250 ms).
	client []step
	quiet  time.Duration
	// others are clients that come before, 40 ms apart.
	others [][]step
	// grain is what the times in the logs are rounded to; 0: they are not compared.
	grain time.Duration
	// origin holds a script per connection; the last one serves all further ones.
	// None: nothing listens there.
	origin [][]step
	// second is another origin, whose port replaces PORT in the backend's lines.
	second [][]step
	// secondDies is when it dies of itself, counted from the first client; 0: it does not.
	secondDies time.Duration
	logs       int  // lines to expect, one by default; -1 for none
	heads      bool // responses have no bodies
	tcp        bool // mode tcp
	// starved: the proxy has one descriptor left, for the client.
	starved bool
	// The engine differs on purpose in these parts of the outcome, for this reason.
	why     string
	differs outcome
	// Sent in pieces, by clients and origins, beside another client.
	pieces pieces
	// What comes of it in pieces is not worth comparing, for this reason.
	onlyAtOnce string
	// HAProxy's outcome varies from run to run in the parts that differs has: ours
	// is compared with those only.
	unsteady bool
	// HAProxy's counters are not worth following, for this reason.
	miscounted string
}

// outcome is what is compared. In exchange.differs an empty part is one that
// agrees.
type outcome struct {
	client string // normalised bytes, then how the connection ended
	origin string // normalised bytes of every connection
	logs   string
	stats  string // counters; not compared where the rest differs on purpose
}

// otherGap is the time between two clients' connections.
const otherGap = 40 * time.Millisecond

const defaultQuiet = 250 * time.Millisecond

// run plays the exchange through one proxy.
func (e *exchange) run(t *testing.T, s *subject) (outcome, error) {
	quiet := e.quiet
	if quiet == 0 {
		quiet = defaultQuiet
	}
	beside := &neighbour{}
	defer beside.leave()
	newCutter := func() *cutter { return e.pieces.cutter(beside) }
	o, err := newOrigin(e.origin, awaitLimit, newCutter)
	if err != nil {
		return outcome{}, err
	}
	second, err := newOrigin(e.second, awaitLimit, newCutter)
	if err != nil {
		return outcome{}, err
	}
	logs, err := newLogSink(anyLine)
	if err != nil {
		return outcome{}, err
	}
	frontend, backend := e.frontend, e.backend
	if e.tcp {
		frontend, backend = tcpMode+frontend, "mode tcp\n"+backend
	}
	global := e.global
	if s.name == "builtin" {
		global += e.engine
	}
	conf := fmt.Sprintf(base, logs.conn.LocalAddr().(*net.UDPAddr).Port,
		global, e.defaults, frontend, backend, o.port(), e.server)
	conf = strings.ReplaceAll(conf, "PORT", strconv.Itoa(second.port()))
	dir := t.TempDir()
	for name, content := range e.files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			return outcome{}, err
		}
	}
	conf = strings.NewReplacer("DIR", dir, "ORIGIN", strconv.Itoa(o.port())).Replace(conf)
	r, err := s.start(dir, conf, o.port())
	if err != nil {
		return outcome{}, err
	}
	beside.come(r.ready)
	feed := func() {}
	if e.starved {
		time.Sleep(100 * time.Millisecond) // the connection that found it ready is to be closed
		if feed, err = starve(r.cmd.Process.Pid); err != nil {
			return outcome{}, errors.Join(err, r.stop())
		}
	}
	if e.secondDies > 0 {
		defer time.AfterFunc(e.secondDies, second.die).Stop()
	}
	var clients []*peer
	var playing sync.WaitGroup
	for i, script := range append(slices.Clip(e.others), e.client) {
		if i > 0 {
			time.Sleep(otherGap)
		}
		c, err := net.DialTimeout("tcp4", r.addr, awaitLimit)
		if errors.Is(err, syscall.ECONNRESET) {
			clients = append(clients, &peer{end: endReset}) // refused as soon as it was accepted
			continue
		}
		if err != nil {
			return outcome{}, errors.Join(err, r.stop())
		}
		p := &peer{conn: c.(*net.TCPConn), quiet: quiet, cut: newCutter()}
		clients = append(clients, p)
		playing.Go(func() { p.play(script) })
	}
	playing.Wait()

	want := e.logs
	switch want {
	case 0:
		want = 1
	case -1:
		want = 0
	}
	logs.wait(want, 3*time.Second)
	feed()                            // or its counters could not be asked for
	time.Sleep(20 * time.Millisecond) // a line too many would come now
	var out outcome
	if out.stats, err = stats(filepath.Join(dir, "stats")); err != nil {
		return outcome{}, errors.Join(err, r.stop())
	}
	if err := r.stop(); err != nil {
		return outcome{}, err
	}
	norm := normal
	if e.tcp {
		norm = verbatim
	}
	for i, p := range clients {
		if len(clients) > 1 {
			out.client += fmt.Sprintf("client %d\n", i+1)
		}
		out.client += norm(p.got, e.heads) + e.pieces.end(p.end) + "\n"
	}
	for i, got := range o.stop() {
		out.origin += fmt.Sprintf("connection %d\n%s", i+1, norm([]byte(got), false))
	}
	for _, got := range second.stop() {
		if got != "" { // not a health check
			out.origin += "connection to the second origin\n" + norm([]byte(got), false)
		}
	}
	for _, l := range logs.stop() {
		out.logs += normalLog(l, e.grain) + "\n"
	}
	return out, nil
}

// tables lists all exchanges.
func tables() [][]exchange {
	return [][]exchange{
		basic, framing, modes, interim, tunnels, strict, broken, limits, replies,
		edges, chunkEdges, responseEdges, tcp, farms, dying(), timeouts(), leaving(), queueLeaving(), markedDown(), spliced, targets, waits, ruled, named, logged, proxied, inserted(), retried(), socksed(), serverless(), scripted, limited(), turned(),
	}
}

// onPollers are the exchanges whose course hangs on what a poller reports, ends
// and failures above all, once more for each of the pollers that are not the best.
// HAProxy itself is slightly different with each, so those that differ are left out.
func onPollers() []exchange {
	var all []exchange
	for _, p := range []struct{ name, global, engine string }{
		{name: "poll", global: "noepoll"},
		{name: "select", global: "noepoll\n    nopoll"},
		{name: "io_uring", engine: "tune.poller io_uring"}, // where it is refused, epoll takes its place
	} {
		for _, table := range [][]exchange{tunnels, broken, limits, tcp, farms} {
			for _, e := range table {
				if e.why != "" {
					continue // shown once
				}
				e.name += " (" + p.name + ")"
				e.global, e.engine = p.global, p.engine
				all = append(all, e)
			}
		}
	}
	return all
}

// concurrent bounds how many exchanges run at a time: they mostly wait.
const concurrent = 8

// secondTries bounds how many exchanges get a second attempt, and how many may
// fail to run: when there are more, it is not for the machine being busy.
const secondTries = 12

// result is what came of an exchange.
type result struct {
	want, got           outcome
	reference, ofEngine error
	done                chan struct{}
}

// only narrows down what is played: -run alone would leave out what is not looked at,
// but play it all the same.
var only = flag.String("exchange", "", "play only the exchanges whose names match this regular expression")

func TestExchanges(t *testing.T) {
	wanted, err := regexp.Compile(*only)
	if err != nil {
		t.Fatal(err)
	}
	reference := &subject{"haproxy", []string{testpeer.Need(t, "haproxy")}}
	engine := &subject{"builtin", []string{build(t), "proxy"}}

	drawSeed(t)
	var all []*exchange
	for _, table := range append(tables(), onPollers(), inPieces()) {
		for i := range table {
			if wanted.MatchString(table[i].name) {
				all = append(all, &table[i])
			}
		}
	}
	// They are all under way before the first is looked at: parallel subtests
	// would be bounded by the number of processors.
	results := make(map[string]*result, len(all))
	places := make(chan struct{}, concurrent)
	var running sync.WaitGroup
	var broken atomic.Int32
	defer running.Wait()
	for _, e := range all {
		if results[e.name] != nil {
			t.Fatalf("two exchanges named %q", e.name)
		}
		r := &result{done: make(chan struct{})}
		results[e.name] = r
		running.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			defer close(r.done)
			if broken.Load() >= secondTries {
				r.reference = errors.New("not run: too many could not be run at all")
				return
			}
			r.play(t, e, reference, engine)
			if r.reference != nil || r.ofEngine != nil {
				broken.Add(1)
			}
		})
	}
	tries := 0
	outer := t
	for _, e := range all {
		t.Run(e.name, func(t *testing.T) {
			r := results[e.name]
			<-r.done
			faults := r.compare(e)
			if len(faults) > 0 && tries < secondTries && broken.Load() < secondTries {
				tries++
				// On a machine that is busy with other things silence may have been
				// taken for the end. Once more, alone and with more patience.
				t.Logf("first attempt: %s", strings.Join(faults, "\n"))
				running.Wait()
				patient := *e
				patient.quiet = max(4*e.quiet, 4*defaultQuiet)
				r.play(outer, &patient, reference, engine)
				faults = r.compare(e)
			}
			for _, f := range faults {
				t.Error(f)
			}
		})
	}
}

// play runs the exchange through both proxies at the same time.
func (r *result) play(t *testing.T, e *exchange, reference, engine *subject) {
	var both sync.WaitGroup
	both.Go(func() { r.want, r.reference = e.run(t, reference) })
	both.Go(func() { r.got, r.ofEngine = e.run(t, engine) })
	both.Wait()
}

// compare returns what does not agree.
func (r *result) compare(e *exchange) []string {
	if r.reference != nil || r.ofEngine != nil {
		return []string{fmt.Sprintf("haproxy: %v\nbuiltin: %v", r.reference, r.ofEngine)}
	}
	var faults []string
	for _, p := range []struct{ what, want, got, differs string }{
		{"client saw", r.want.client, r.got.client, e.differs.client},
		{"origin saw", r.want.origin, r.got.origin, e.differs.origin},
		{"log", r.want.logs, r.got.logs, e.differs.logs},
	} {
		if f := compare(p.what, p.want, p.got, p.differs, e); f != "" {
			faults = append(faults, f)
		}
	}
	if e.why == "" && e.miscounted == "" {
		if f := compare("counters", r.want.stats, r.got.stats, "", e); f != "" {
			faults = append(faults, f)
		}
	}
	return faults
}

// compare checks one part of the outcome: equal, or different in the way that was
// announced. It returns what is wrong.
func compare(what, want, got, differs string, e *exchange) string {
	switch {
	case differs == "" && got != want:
		return fmt.Sprintf("%s\n--- haproxy\n%s--- builtin\n%s", what, want, got)
	case differs == "":
	case want == got && !e.unsteady:
		return fmt.Sprintf("%s: no longer differs from haproxy (%s):\n%s", what, e.why, got)
	case strings.TrimSpace(got) != strings.TrimSpace(differs):
		return fmt.Sprintf("%s: differs, but not as announced (%s)\n--- haproxy\n%s--- announced\n%s\n--- builtin\n%s", what, e.why, want, differs, got)
	}
	return ""
}
