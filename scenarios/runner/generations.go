package runner

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"bench/internal/result"
	"bench/scenarios/driver"
	"bench/scenarios/statsock"
)

// counterColumns are the columns of "show stat" that are kept with each sample.
var counterColumns = []string{
	"scur", "smax", "qcur", "qmax", "stot", "conn_tot", "req_tot", "bin", "bout",
	"dreq", "dresp", "ereq", "econ", "eresp", "wretr", "wredis", "cli_abrt", "srv_abrt",
	"hrsp_1xx", "hrsp_2xx", "hrsp_3xx", "hrsp_4xx", "hrsp_5xx", "hrsp_other",
	"chkfail", "chkdown", "act", "bck", "weight", "rate", "qtime", "ctime", "rtime", "ttime",
}

// counters are the cumulative columns of one proxy or server.
type counters map[string]uint64

// rowKey identifies a line of "show stat" across generations.
type rowKey struct{ proxy, server string }

// generation follows one process of the proxy through its stats socket. The
// connection stays open after a reload and keeps the old process alive until
// its last counters have been read.
type generation struct {
	*driver.Generation
	socket string
	dial   dialStats
	conn   *statsock.Conn // nil without a stats socket
	// replaced reports that its end was ordered.
	replaced atomic.Bool
	// killed reports that it was to end without any order.
	killed atomic.Bool

	mu    sync.Mutex
	last  map[rowKey]counters
	base  map[rowKey]counters // when the loads began, of the first generation
	addrs map[rowKey]string   // of servers
	modes map[string]string   // of proxies: http or tcp
	final bool                // last holds the end state
	lost  string              // why the end state is unknown
}

// history is all generations of one cell.
type history struct {
	mu   sync.Mutex
	all  []*generation
	wait sync.WaitGroup // drains
}

// socketTimeout bounds every command on a stats socket.
const socketTimeout = 5 * time.Second

// dialStats connects to a stats socket, wherever the proxy is.
type dialStats func(path string, timeout time.Duration) (*statsock.Conn, error)

// open connects to the stats socket of a generation that serves. A connection
// may still reach the process before it, which the process id tells.
func openGeneration(ctx context.Context, g *driver.Generation, socket string, dial dialStats) (*generation, error) {
	n := &generation{Generation: g, socket: socket, dial: dial, last: map[rowKey]counters{}, addrs: map[rowKey]string{}, modes: map[string]string{}}
	if socket == "" {
		n.lost = "the proxy has no stats socket"
		return n, nil
	}
	want := fmt.Sprint(g.PID)
	for deadline := time.Now().Add(socketTimeout); ; {
		conn, err := dial(socket, socketTimeout)
		if err == nil {
			var info statsock.Info
			if info, err = conn.Info(); err == nil {
				if info["Pid"] == want {
					n.conn = conn
					return n, nil
				}
				err = fmt.Errorf("process %s answers, not %s", info["Pid"], want)
			}
			_ = conn.Close()
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("stats socket: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (h *history) add(g *generation) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(h.all, g)
}

// list is a copy of the generations, oldest first.
func (h *history) list() []*generation {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.all)
}

func (h *history) latest() *generation {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.all[len(h.all)-1]
}

// read takes the counters of a generation; nil rows when it has none to give.
func (g *generation) read() ([]statsock.Row, error) {
	if g.conn == nil {
		return nil, nil
	}
	rows, err := g.conn.Stat()
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.final {
		return rows, nil
	}
	for i := range rows {
		r := &rows[i]
		c := counters{}
		for _, column := range counterColumns {
			if n, ok := r.Number(column); ok {
				c[column] = n
			}
		}
		key := rowKey{r.Proxy, r.Server}
		if c["stot"] < g.last[key]["stot"] && g.lost == "" {
			g.lost = "somebody cleared the proxy's counters during the run"
		}
		g.last[key] = c
		if addr := r.Text("addr"); addr != "" {
			g.addrs[key] = addr
		}
		if m := r.Text("mode"); m != "" {
			g.modes[r.Proxy] = m
		}
	}
	return rows, nil
}

// baseline notes the present counters as those to begin with.
func (g *generation) baseline() error {
	if _, err := g.read(); err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.base = maps.Clone(g.last)
	return nil
}

// finish notes that the last reading is the end state.
func (g *generation) finish() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.final = true
}

// lose notes why the end state will not be known.
func (g *generation) lose(why string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.final && g.lost == "" {
		g.lost = why
	}
}

// idle tells from one reading whether no client is served any longer, at these frontends
// or, without any, at all.
func idle(rows []statsock.Row, frontends ...string) bool {
	for i := range rows {
		r := &rows[i]
		if n, ok := r.Number("scur"); ok && n > 0 && r.Server == "FRONTEND" && (len(frontends) == 0 || slices.Contains(frontends, r.Proxy)) {
			return false
		}
	}
	return true
}

// drainStep is the time between two looks at a process that is to end.
const drainStep = 20 * time.Millisecond

// drain follows a replaced generation until its sessions are over, keeps its
// final counters, lets it go and waits for its end. It returns when the process
// is gone or ctx ends.
func (g *generation) drain(ctx context.Context) {
	defer func() {
		if g.conn != nil {
			_ = g.conn.Close()
		}
	}()
	tick := time.NewTicker(drainStep)
	defer tick.Stop()
	for g.conn != nil {
		select {
		case <-ctx.Done():
			g.lose(fmt.Sprintf("process %d still had sessions when the run ended", g.PID))
			return
		case <-g.Done():
			g.lose(fmt.Sprintf("process %d ended before its last counters were read", g.PID))
			return
		case <-tick.C:
		}
		if done, err := g.quiet(); err != nil {
			g.lose(err.Error())
			return
		} else if done {
			g.finish()
			break
		}
	}
	if g.conn != nil {
		_ = g.conn.Close()
	}
	select {
	case <-g.Done():
	case <-ctx.Done():
	}
}

// quiet reports whether a stopping process has no session left, its counters
// having been read after the last one ended.
func (g *generation) quiet() (bool, error) {
	info, err := g.conn.Info()
	if err != nil {
		return false, err
	}
	// Before the signal has arrived a process may be idle by chance.
	if stopping, ok := info.Number("Stopping"); ok && stopping == 0 {
		return false, nil
	}
	rows, err := g.read()
	return err == nil && idle(rows), err
}

// settle reads the end state of the generation that serves at the end of the
// run, when the clients are gone: it waits until no session is left at the frontends
// they spoke to.
func (g *generation) settle(ctx context.Context, frontends []string) {
	if g.conn == nil {
		return
	}
	for {
		rows, err := g.read()
		if err != nil {
			g.lose(err.Error())
			return
		}
		if idle(rows, frontends...) {
			if err := g.serves(); err != nil {
				g.lose(err.Error())
			}
			g.finish()
			return
		}
		select {
		case <-ctx.Done():
			g.lose("the proxy still had sessions after the clients were gone")
			return
		case <-time.After(drainStep):
		}
	}
}

// serves reports whether it is this generation that answers on the stats socket. Others
// than the run may have reloaded the proxy.
func (g *generation) serves() error {
	conn, err := g.dial(g.socket, socketTimeout)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	info, err := conn.Info()
	if err != nil {
		return err
	}
	if now := info["Pid"]; now != fmt.Sprint(g.PID) {
		return fmt.Errorf("process %s took the place of process %d during the run, and what it counted before is not known", now, g.PID)
	}
	return nil
}

// total sums a column over all generations, from when the loads began.
func (h *history) total(key rowKey, column string) uint64 {
	var sum uint64
	for _, g := range h.list() {
		g.mu.Lock()
		if now, before := g.last[key][column], g.base[key][column]; now >= before {
			sum += now - before
		}
		g.mu.Unlock()
	}
	return sum
}

// keys lists the lines of "show stat" that any generation has shown.
func (h *history) keys() []rowKey {
	seen := map[rowKey]bool{}
	for _, g := range h.list() {
		g.mu.Lock()
		for k := range g.last {
			seen[k] = true
		}
		g.mu.Unlock()
	}
	var all []rowKey
	for k := range seen {
		all = append(all, k)
	}
	slices.SortFunc(all, func(a, b rowKey) int {
		return strings.Compare(a.proxy+"/"+a.server, b.proxy+"/"+b.server)
	})
	return all
}

// addresses are those of servers, as far as any generation tells.
func (h *history) addresses() map[rowKey]string {
	all := map[rowKey]string{}
	for _, g := range h.list() {
		g.mu.Lock()
		maps.Copy(all, g.addrs)
		g.mu.Unlock()
	}
	return all
}

// mode of a proxy as "show stat" has it, "" if it does not say.
func (h *history) mode(proxy string) string {
	for _, g := range h.list() {
		g.mu.Lock()
		m := g.modes[proxy]
		g.mu.Unlock()
		if m != "" {
			return m
		}
	}
	return ""
}

// incomplete says why the sums over the generations are not exact, "" if they are.
func (h *history) incomplete() string {
	var why []string
	for _, g := range h.list() {
		g.mu.Lock()
		if g.lost != "" {
			why = append(why, fmt.Sprintf("generation %d: %s", g.Number, g.lost))
		} else if !g.final {
			why = append(why, fmt.Sprintf("generation %d: its last counters were not read", g.Number))
		}
		g.mu.Unlock()
	}
	return strings.Join(why, "; ")
}

// statsRows keeps the columns worth keeping.
func statsRows(rows []statsock.Row) []result.StatsRow {
	var all []result.StatsRow
	for i := range rows {
		r := &rows[i]
		s := result.StatsRow{Proxy: r.Proxy, Server: r.Server, Status: r.Text("status"), Values: map[string]uint64{}}
		for _, column := range counterColumns {
			if n, ok := r.Number(column); ok {
				s.Values[column] = n
			}
		}
		all = append(all, s)
	}
	return all
}
