package member

import (
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"bench/internal/hosts/wire"
)

// maxQueued is what an outbox holds before whoever writes to it has to wait.
const maxQueued = 8 << 20

// Bounds of the pause after a message that was not taken.
const (
	leastPause = 5 * time.Millisecond
	mostPause  = 250 * time.Millisecond
	// ackLimit is how long a message waits for its acknowledgement.
	ackLimit = 2 * time.Second
)

// outbox sends what is written to it to the stream of a run, in order and each byte once:
// one numbered message is under way at a time, and sent again until the stream has
// acknowledged it. What comes meanwhile gathers and goes with the next one, so that few
// messages carry much where much is to be carried.
type outbox struct {
	conn    *nats.Conn
	subject string
	over    <-chan struct{} // the run is: nobody listens any more

	mu     sync.Mutex
	change sync.Cond
	queue  []byte
	end    []byte // the last message; nil as long as there may be more
	closed bool   // nothing can be sent any more
	sent   chan struct{}
}

func newOutbox(nc *nats.Conn, subject string, over <-chan struct{}) *outbox {
	o := &outbox{conn: nc, subject: subject, over: over, sent: make(chan struct{})}
	o.change.L = &o.mu
	go func() {
		<-over
		o.mu.Lock()
		o.closed = true
		o.change.Broadcast()
		o.mu.Unlock()
	}()
	go o.run()
	return o
}

var errOver = errors.New("the run is over")

// Write implements io.Writer. It waits while too much is queued, which holds up the
// process whose output it is.
func (o *outbox) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for written := 0; ; {
		if o.closed || o.end != nil {
			return written, errOver
		}
		n := min(len(p)-written, maxQueued-len(o.queue))
		if n > 0 {
			o.queue = append(o.queue, p[written:written+n]...)
			written += n
			o.change.Broadcast()
		}
		if written == len(p) {
			return written, nil
		}
		o.change.Wait()
	}
}

// finish sends the end behind everything else.
func (o *outbox) finish(end *wire.End) {
	text, err := json.Marshal(end)
	if err != nil {
		text = []byte("{}")
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.end = text
	o.change.Broadcast()
}

// next waits for the next message; nil when there will be none.
func (o *outbox) next(buf []byte) (data []byte, kind string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for {
		switch {
		case o.closed:
			return nil, ""
		case len(o.queue) > 0:
			n := min(len(o.queue), wire.MaxChunk)
			data = append(buf[:0], o.queue[:n]...)
			o.queue = o.queue[:copy(o.queue, o.queue[n:])]
			if len(o.queue) == 0 && cap(o.queue) > wire.MaxChunk {
				o.queue = nil // it was a burst
			}
			o.change.Broadcast()
			return data, wire.OutputText
		case o.end != nil:
			return o.end, wire.OutputEnd
		}
		o.change.Wait()
	}
}

func (o *outbox) run() {
	defer close(o.sent)
	var buf []byte
	for seq := uint64(1); ; seq++ {
		data, kind := o.next(buf)
		if data == nil || !o.deliver(seq, data, kind) || kind == wire.OutputEnd {
			return
		}
		buf = data
	}
}

// deliver sends a message until it was taken; it reports false if the run was over
// before. Who reads it knows by its number what was sent twice. JetStream could tell, too, but
// by an id that any host of the run could have used up before.
func (o *outbox) deliver(seq uint64, data []byte, kind string) bool {
	m := nats.NewMsg(o.subject)
	m.Header.Set(wire.HeaderSeq, strconv.FormatUint(seq, 10))
	m.Header.Set(wire.HeaderKind, kind)
	m.Data = data
	for pause := leastPause; ; pause = min(2*pause, mostPause) {
		// A copy: a request writes into the message.
		try := &nats.Msg{Subject: m.Subject, Header: m.Header, Data: m.Data}
		if reply, err := o.conn.RequestMsg(try, ackLimit); err == nil && taken(reply.Data) {
			return true
		}
		select {
		case <-o.over:
			return false
		case <-time.After(pause):
		}
	}
}

// taken reports whether an answer of JetStream says that a message is in the stream.
func taken(answer []byte) bool {
	var ack struct {
		Seq   uint64          `json:"seq"`
		Error json.RawMessage `json:"error"`
	}
	return json.Unmarshal(answer, &ack) == nil && ack.Error == nil && ack.Seq > 0
}

var _ io.Writer = (*outbox)(nil)
