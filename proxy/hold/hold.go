// Package hold has the rules that make a transaction wait: for its body, or for
// nothing at all. They decide by what the transaction shows them and say what they
// need; waiting is done by the stream that carries it.
package hold

import (
	"math"
	"time"

	"bench/proxy/txn"
)

// Body waits for the body of the message at hand ("wait-for-body"): until AtLeast bytes
// have come, all of it, or as much as a buffer holds. A client that has not sent that
// within For has its request answered with 408, a server its response with 504, by the
// stream.
type Body struct {
	For     time.Duration
	AtLeast int // 0: all of it
}

// Run is txn.Rules.Run for this rule alone.
func (b *Body) Run(t *txn.Txn, out *txn.Outcome) txn.Verdict {
	want := b.AtLeast
	if want == 0 {
		want = math.MaxInt
	}
	if len(t.Body) >= want || t.Final {
		return txn.Next
	}
	out.Need = txn.Need{Body: want, For: b.For}
	return txn.Wait
}

// Tarpit holds a request for "timeout tarpit"; the rule behind it gives the answer.
type Tarpit struct{}

// Run is txn.Rules.Run for this rule alone: it leads behind itself.
func (Tarpit) Run(t *txn.Txn, out *txn.Outcome) txn.Verdict {
	t.Rule++
	out.Need = txn.Need{Tarpit: true}
	return txn.Wait
}
