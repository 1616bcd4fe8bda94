package sidebyside

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"bench/internal/h2wire"
	"bench/internal/proc"
	"bench/scenarios/statsock"
)

// IdleRow is what an idle connection costs in one mode at one number of them. All
// sizes are in bytes for one connection of a client, what belongs to it towards the
// server included: in TCP mode that is a second connection.
type IdleRow struct {
	Name        string     `json:"name"`
	Connections int        `json:"connections"`
	Ours        IdleMemory `json:"ours"`
	Peer        IdleMemory `json:"peer"`
	// Ratio is ours ÷ the peer's user memory: below 1 we need less. It is 0 where
	// there were too few connections for the peer's memory to grow.
	Ratio  float64 `json:"ratio"`
	Reason string  `json:"skipped,omitempty"`
}

// IdleMemory is the growth from no connection to all of them, for each one.
type IdleMemory struct {
	// User is the anonymous memory of the proxy process.
	User float64 `json:"user"`
	// Heap is what the proxy says its memory management has in use.
	Heap float64 `json:"heap"`
	// Kernel is the slab of the whole machine: the sockets of the client and the
	// origin are in it as well as the proxy's.
	Kernel float64 `json:"kernel"`
}

// IdleCounts are the numbers of idle connections that the rows are measured at.
func IdleCounts() []int { return []int{5000, 9000} }

// What the ratio of memory is held against.
const (
	IdleMust = 1.0
	IdleAim  = 0.3
)

// idleSettle is what the processes get to come to rest before memory is read.
const idleSettle = 300 * time.Millisecond

// idleConfig is given to both engines unchanged. The ratios keep HAProxy from
// closing idle server connections because of the many clients.
const idleConfig = `global
  nbthread 1
  maxconn 9900
  stats socket %s
  tune.pool-low-fd-ratio 90
  tune.pool-high-fd-ratio 95
defaults
  mode %s
  timeout client 300s
  timeout server 300s
  timeout connect 5s
listen bench
  bind 127.0.0.1:%d%s
  server s1 %s
`

// MeasureIdle opens connections to the engine and to HAProxy in turn, each of which
// has served one request and then idles, and reads how much memory both have taken.
// counts must rise.
func MeasureIdle(ctx context.Context, o Options, counts []int) ([]IdleRow, error) {
	var rows []IdleRow
	for _, name := range idleNames() {
		if o.Rows != nil && !slices.Contains(o.Rows, name) {
			continue
		}
		got := make([]IdleRow, len(counts))
		for i, n := range counts {
			got[i] = IdleRow{Name: name, Connections: n, Reason: idleObstacle(n)}
		}
		if got[len(got)-1].Reason == "" {
			for _, peer := range []bool{false, true} {
				argv := []string{o.Self, "proxy"}
				if peer {
					argv = []string{"haproxy"}
				}
				all, err := measureIdle(ctx, &o, argv, name, counts)
				if err != nil {
					return rows, fmt.Errorf("%s: %s: %w", name, argv[0], err)
				}
				for i := range got {
					if peer {
						got[i].Peer = all[i]
						if all[i].User > 0 {
							got[i].Ratio = got[i].Ours.User / all[i].User
						}
					} else {
						got[i].Ours = all[i]
					}
				}
			}
		}
		rows = append(rows, got...)
	}
	return rows, nil
}

func idleNames() []string { return []string{"idle http", "idle tcp", "idle https", "idle http/2"} }

// idleObstacle is why n connections cannot be measured here, "" if they can.
func idleObstacle(n int) string {
	if _, err := exec.LookPath("haproxy"); err != nil {
		return "haproxy is not installed"
	}
	var rl unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &rl); err != nil {
		return "the limit of descriptors is not known: " + err.Error()
	}
	if need := uint64(2*n + 200); rl.Cur < need {
		return fmt.Sprintf("%d descriptors are needed, the limit is %d (ulimit -n)", need, rl.Cur)
	}
	return ""
}

// measureIdle measures one proxy at all counts, in one process.
func measureIdle(ctx context.Context, o *Options, argv []string, name string, counts []int) (_ []IdleMemory, err error) {
	group, err := proc.NewGroup(proc.Options{Guard: []string{o.Self, "guard"}})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, group.Close()) }()
	dir, err := group.Dir("bench-idle-")
	if err != nil {
		return nil, err
	}
	b := &bed{o: o, group: group, dir: dir}
	origin, err := b.origin(ctx)
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	file, socket := filepath.Join(dir, "idle.cfg"), filepath.Join(dir, "stats")
	mode := strings.TrimPrefix(name, "idle ")
	bind, secure, multiplexed := "", mode == "https", mode == "http/2"
	if secure || multiplexed {
		cert, err := b.certificate("ecdsa")
		if err != nil {
			return nil, err
		}
		mode, bind = "http", " ssl crt "+cert
		if multiplexed {
			bind += " alpn h2"
		}
	}
	if err := os.WriteFile(file, fmt.Appendf(nil, idleConfig, socket, mode, port, bind, origin), 0o600); err != nil {
		return nil, err
	}
	p, err := group.Start(proc.Spec{Name: argv[0], Args: append(argv, "-f", file, "-db"), CPUs: []int{o.SubjectCPU}})
	if err != nil {
		return nil, err
	}
	if err := waitPort(ctx, p, port); err != nil {
		return nil, err
	}
	open := &idlers{addr: fmt.Sprintf("127.0.0.1:%d", port), secure: secure, multiplexed: multiplexed}
	defer open.close()
	// The first connections pay for what is needed once.
	if err := open.grow(ctx, 100); err != nil {
		return nil, err
	}
	open.close()
	before, err := readIdle(p, socket)
	if err != nil {
		return nil, err
	}
	all := make([]IdleMemory, len(counts))
	for i, n := range counts {
		if o.Progress != nil {
			o.Progress(fmt.Sprintf("%s: %s, %d connections", name, argv[0], n))
		}
		if err := open.grow(ctx, n); err != nil {
			return nil, err
		}
		after, err := readIdle(p, socket)
		if err != nil {
			return nil, err
		}
		each := func(a, b float64) float64 { return (b - a) / float64(n) }
		all[i] = IdleMemory{each(before.User, after.User), each(before.Heap, after.Heap), each(before.Kernel, after.Kernel)}
	}
	return all, nil
}

// readIdle reads the totals of the moment.
func readIdle(p *proc.Process, socket string) (m IdleMemory, err error) {
	time.Sleep(idleSettle)
	if m.User, err = procField(fmt.Sprintf("/proc/%d/smaps_rollup", p.PID()), "Anonymous"); err != nil {
		return m, fmt.Errorf("%w: %s", err, p.Output())
	}
	if m.Kernel, err = procField("/proc/meminfo", "Slab"); err != nil {
		return m, err
	}
	c, err := statsock.Dial(socket, 5*time.Second)
	if err != nil {
		return m, err
	}
	defer func() { _ = c.Close() }()
	info, err := c.Info()
	if err != nil {
		return m, err
	}
	used, ok := info.Number("PoolUsed_bytes")
	if !ok {
		return m, errors.New("show info has no PoolUsed_bytes")
	}
	m.Heap = float64(used)
	return m, nil
}

// procField reads a line like "Slab:  1234 kB" of a file of /proc, in bytes.
func procField(file, name string) (float64, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) == 3 && f[0] == name+":" && f[2] == "kB" {
			kb, err := strconv.ParseUint(f[1], 10, 64)
			return float64(kb) * 1024, err
		}
	}
	return 0, fmt.Errorf("%s has no line %q", file, name)
}

// idlers are the connections of the clients.
type idlers struct {
	addr   string
	secure bool // they speak TLS
	// multiplexed: they speak HTTP/2, in TLS.
	multiplexed bool
	conns       []net.Conn
}

// grow opens connections until there are n. Each sends one request and reads its
// answer, so that what was needed for it had to be given back.
func (l *idlers) grow(ctx context.Context, n int) error {
	var d net.Dialer
	for len(l.conns) < n {
		c, err := d.DialContext(ctx, "tcp", l.addr)
		if err != nil {
			return fmt.Errorf("connection %d: %w", len(l.conns)+1, err)
		}
		serve := serveOnce
		if l.secure || l.multiplexed {
			cfg := &tls.Config{InsecureSkipVerify: true} //nolint:gosec // the certificate is made for this run
			if l.multiplexed {
				cfg.NextProtos, serve = []string{h2wire.ALPN}, serveOnce2
			}
			c = tls.Client(c, cfg)
		}
		l.conns = append(l.conns, c)
		if err := serve(c); err != nil {
			return fmt.Errorf("connection %d: %w", len(l.conns), err)
		}
	}
	return nil
}

// serveOnce makes one exchange.
func serveOnce(c net.Conn) error {
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: bench\r\n\r\n"); err != nil {
		return err
	}
	r := bufio.NewReaderSize(c, 1024)
	left := 0
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return err
		}
		if line = strings.TrimSpace(line); line == "" {
			break
		}
		if v, ok := strings.CutPrefix(strings.ToLower(line), "content-length:"); ok {
			if left, err = strconv.Atoi(strings.TrimSpace(v)); err != nil {
				return err
			}
		}
	}
	_, err := r.Discard(left)
	return err
}

// serveOnce2 makes one exchange of HTTP/2.
func serveOnce2(c net.Conn) error {
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	const stream = 1
	out := h2wire.AppendFrame([]byte(h2wire.Preface), h2wire.Frame{Type: h2wire.Settings})
	block := h2wire.AppendRequest(nil, []byte("GET / HTTP/1.1\r\nHost: bench\r\n\r\n"), []byte("https"))
	out = h2wire.AppendFrame(out, h2wire.Frame{Length: len(block), Type: h2wire.Headers, Flags: h2wire.EndHeaders | h2wire.EndStream, Stream: stream})
	if _, err := c.Write(append(out, block...)); err != nil {
		return err
	}
	r := bufio.NewReaderSize(c, 1024)
	for {
		var head [h2wire.HeaderLen]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return err
		}
		f := h2wire.ParseFrame(head[:])
		if _, err := r.Discard(f.Length); err != nil {
			return err
		}
		switch {
		case f.Type == h2wire.Settings && !f.Has(h2wire.Ack):
			if _, err := c.Write(h2wire.AppendFrame(nil, h2wire.Frame{Type: h2wire.Settings, Flags: h2wire.Ack})); err != nil {
				return err
			}
		case f.Type == h2wire.RSTStream, f.Type == h2wire.GoAway:
			return errors.New("the proxy has answered a request of HTTP/2 by a reset")
		case f.Stream == stream && f.Has(h2wire.EndStream) && (f.Type == h2wire.Data || f.Type == h2wire.Headers):
			return nil
		}
	}
}

func (l *idlers) close() {
	for _, c := range l.conns {
		c.Close()
	}
	l.conns = nil
}
