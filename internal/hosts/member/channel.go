package member

import (
	"encoding/json"
	"fmt"
	"sync"

	"github.com/nats-io/nats.go"

	"bench/internal/hosts/wire"
)

// channel carries out the orders of one channel, one after another and each once,
// however often it is asked. A number that is left out is that of an order that the runner
// gave up before it came here.
type channel struct {
	do    func(*wire.Order) wire.Reply
	queue chan *nats.Msg

	mu     sync.Mutex
	last   uint64 // that was taken up
	answer []byte // to the last one; nil while it is carried out
}

// maxWaiting bounds the orders that wait for the one before; more are dropped and asked
// for again.
const maxWaiting = 64

func newChannel(do func(*wire.Order) wire.Reply, over <-chan struct{}) *channel {
	c := &channel{do: do, queue: make(chan *nats.Msg, maxWaiting)}
	go func() {
		for {
			select {
			case <-over:
				return
			case m := <-c.queue:
				c.take(m)
			}
		}
	}()
	return c
}

// offer queues an order without waiting.
func (c *channel) offer(m *nats.Msg) {
	select {
	case c.queue <- m:
	default:
	}
}

func (c *channel) take(m *nats.Msg) {
	var o wire.Order
	if err := json.Unmarshal(m.Data, &o); err != nil {
		respond(m, wire.Reply{Error: "an order that cannot be understood: " + err.Error(), Kind: wire.KindRefused})
		return
	}
	c.mu.Lock()
	if o.Seq == c.last && c.answer != nil {
		answer := c.answer
		c.mu.Unlock()
		_ = m.Respond(answer) // it is asked again
		return
	}
	if o.Seq <= c.last {
		c.mu.Unlock()
		return // of a time that is over
	}
	missing := o.Seq - c.last - 1
	c.last, c.answer = o.Seq, nil
	c.mu.Unlock()
	var reply wire.Reply
	if missing > 0 && o.Op == wire.OpStdin {
		reply = refusal("", fmt.Errorf("what was to be written before is missing (%d orders)", missing))
	} else {
		reply = c.do(&o)
	}
	reply.Seq = o.Seq
	answer := respond(m, reply)
	c.mu.Lock()
	c.answer = answer
	c.mu.Unlock()
}

// respond answers; what gets lost is asked again.
func respond(m *nats.Msg, r wire.Reply) []byte {
	answer, err := json.Marshal(r)
	if err != nil {
		answer = []byte(`{"error":"an answer that cannot be written"}`)
	}
	_ = m.Respond(answer)
	return answer
}
