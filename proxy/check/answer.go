package check

import (
	"bytes"

	"bench/proxy/h1"
	"bench/proxy/message"
)

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 16 << 10

// answer is an HTTP response as far as it has come, however it is cut. As in the
// reference an interim response (1xx) is the answer.
type answer struct {
	head      []byte // until it is complete
	size      int    // of all that has come
	headed    bool   // the head is complete: code and reason are known
	malformed bool
	message   message.Response
	code      int
	reason    string
	kind      message.BodyKind
	left      uint64 // of a body of known length
	chunks    h1.Chunked
	body      []byte // without its framing
	complete  bool   // nothing of the body is missing
}

func (a *answer) reset() {
	*a = answer{head: a.head[:0], body: a.body[:0]}
}

// add takes what has been received, which it may change.
func (a *answer) add(data []byte, method message.Method, lim *h1.Limits) {
	data = data[:min(len(data), maxAnswer-a.size)]
	a.size += len(data)
	if !a.headed {
		a.head = append(a.head, data...)
		if data = a.parse(method, lim); !a.headed {
			return
		}
	}
	a.content(data)
}

// full tells whether no more of it is read.
func (a *answer) full() bool { return a.size == maxAnswer }

// parse returns what follows the head, once that is complete.
func (a *answer) parse(method message.Method, lim *h1.Limits) []byte {
	var parser h1.Parser
	msg := &a.message
	// The parser lowers names in place, and it may be called again with more.
	n, bad := parser.Response(msg, bytes.Clone(a.head), method, lim)
	switch {
	case bad != nil: // so is 101 that offers another protocol, for which nobody asked
		a.malformed = true
	case n > 0:
		a.headed = true
		a.code, a.reason = msg.Status, string(msg.Reason)
		a.kind, a.left = msg.Body.Kind, msg.Body.Length
		a.complete = a.kind == message.BodyNone || a.kind == message.BodyLength && a.left == 0
		a.chunks.Start(h1.ChunkStrip, 0)
	}
	return a.head[n:]
}

// content takes what belongs to the body.
func (a *answer) content(data []byte) {
	switch {
	case a.complete:
	case a.kind == message.BodyChunked:
		_, n, bad := a.chunks.Walk(data)
		a.body = append(a.body, data[:n]...)
		a.malformed = bad != nil
		a.complete = a.chunks.Done()
	case a.kind == message.BodyLength:
		n := min(uint64(len(data)), a.left)
		a.body = append(a.body, data[:n]...)
		a.left -= n
		a.complete = a.left == 0
	default:
		a.body = append(a.body, data...)
	}
}
