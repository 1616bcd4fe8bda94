package log

import (
	"context"
	"net"
	"strconv"
	"sync"
	"time"

	"bench/proxy/spec"
)

// Rings are those of a configuration, with what forwards their lines to servers.
type Rings struct {
	all     map[*spec.Ring]*Ring
	cancel  context.CancelFunc
	stopped context.Context
	running sync.WaitGroup
}

// NewRings makes the rings; Start forwards what comes into them.
func NewRings(specs []*spec.Ring) *Rings {
	rs := &Rings{all: map[*spec.Ring]*Ring{}}
	for _, s := range specs {
		rs.all[s] = NewRing(s)
	}
	rs.stopped, rs.cancel = context.WithCancel(context.Background())
	return rs
}

// Of is the ring made of a specification.
func (rs *Rings) Of(s *spec.Ring) *Ring {
	if rs == nil {
		return nil
	}
	return rs.all[s]
}

// Start begins to forward lines.
func (rs *Rings) Start() {
	for _, r := range rs.all {
		for i := range r.spec.Servers {
			rs.running.Go(func() { (&forwarder{ring: r, to: &r.spec.Servers[i], stopped: rs.stopped}).run() })
		}
	}
}

// Stop sends what is left, as far as it goes quickly, and ends the forwarding.
func (rs *Rings) Stop() {
	rs.cancel()
	rs.running.Wait()
}

// forwarder sends the lines of a ring to one server.
type forwarder struct {
	ring    *Ring
	to      *spec.RingServer
	stopped context.Context
	cursor  Cursor
	batch   []byte
	line    []byte
}

const (
	// reconnectPause is between two attempts to reach a server.
	reconnectPause = time.Second
	// lastMoment is how long what is left may take when the process ends.
	lastMoment = 500 * time.Millisecond
	// batchSize is about how much is sent at once.
	batchSize = 16 << 10
)

func (f *forwarder) run() {
	for {
		conn := f.connect()
		if conn != nil {
			done := f.forward(conn)
			_ = conn.Close()
			if done {
				return
			}
		}
		select {
		case <-f.stopped.Done():
			return
		case <-time.After(reconnectPause):
		}
	}
}

// connect reaches the server. An attempt that is under way when the process ends has its
// last moment, too: lines wait for it.
func (f *forwarder) connect() net.Conn {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	defer context.AfterFunc(f.stopped, func() { time.AfterFunc(lastMoment, cancel) })()
	d := net.Dialer{Timeout: f.ring.spec.Connect}
	network, addr := "tcp", f.to.Addr.String()
	if f.to.Addr.IsUnix() {
		network, addr = "unix", f.to.Addr.Path()
	}
	conn, err := d.DialContext(ctx, network, addr)
	if err != nil {
		return nil
	}
	return conn
}

// forward sends lines until the connection fails; it reports true if the process ends.
func (f *forwarder) forward(conn net.Conn) bool {
	for {
		start := f.cursor
		f.batch = f.batch[:0]
		var more <-chan struct{}
		for len(f.batch) < batchSize && more == nil {
			more = f.take()
		}
		if len(f.batch) > 0 {
			f.limit(conn)
			if _, err := conn.Write(f.batch); err != nil {
				f.cursor = start // once more, over another connection
				return f.stopped.Err() != nil
			}
			continue
		}
		if f.stopped.Err() != nil {
			return true
		}
		select {
		case <-f.stopped.Done(): // what has come by now is sent first
		case <-more:
		}
	}
}

// limit bounds the time of a write.
func (f *forwarder) limit(conn net.Conn) {
	d := f.ring.spec.Server
	if f.stopped.Err() != nil {
		d = lastMoment
	}
	if d > 0 {
		_ = conn.SetWriteDeadline(time.Now().Add(d))
	}
}

// take adds the next line to the batch; without one it returns what to wait for.
func (f *forwarder) take() <-chan struct{} {
	line, ok, more := f.ring.Next(&f.cursor, f.line[:0])
	if !ok {
		return more
	}
	f.line = line
	// RFC 6587: by counting (section 3.4.1), or with a line feed behind it (3.4.2).
	if f.to.OctetCount {
		f.batch = append(strconv.AppendInt(f.batch, int64(len(line)), 10), ' ')
		f.batch = append(f.batch, line...)
	} else {
		f.batch = append(append(f.batch, line...), '\n')
	}
	return nil
}
