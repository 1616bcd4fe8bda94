// Package codec is what a protocol is to the generator: the requests of a load, prepared
// once, and a session for each virtual user, which writes requests and reads answers. The
// protocols are packages of their own beside it. Connections, clocks and counting may not
// enter.
package codec

// Load is what a codec has to know of the load whose requests it prepares.
type Load struct {
	Name      string
	Seed      uint64
	Targets   []string
	Integrity *Integrity // nil without the check
}

// Codec is one protocol as the generator speaks it: the requests of a load,
// prepared once, and a Session for each virtual user. What all protocols share
// stays outside: the pool of connections, arrivals, pipelining, recording,
// second tries, time-outs and the attribution of failures.
type Codec interface {
	// Classes are the kinds of requests of the load, at least one. Each has a
	// share of the requests by its weight and is reported apart.
	Classes() []Class
	// Session returns the state of the virtual user with this number, which
	// has at most one connection at a time.
	Session(user int) Session
}

// Replayer is a Codec that can send the requests of a trace.
type Replayer interface {
	Codec
	// ClassOf is the class of an entry of the trace.
	ClassOf(item int) int
}

// Class is one kind of request.
type Class struct {
	Name   string // empty only if there is no other class
	Weight int    // share of the requests; at least 1
	// Repeatable reports whether a request may be sent again after the peer
	// closed a reused connection without an answer.
	Repeatable bool
	// Ends reports that nothing can follow such a request on its connection, and
	// HangUp that the client ends its side of the connection behind it.
	Ends, HangUp bool
}

// Order is a request to be written. A request that is sent again is the same
// Order, so what is random in it must follow from Seq.
type Order struct {
	Seq   uint64
	Class int
	Item  int  // index of the entry of a trace, -1 without a trace
	Last  bool // the connection ends with this request: ask the peer to close it

	Digest uint64 // of the request as written, where integrity is checked
	Slot   int    // where a Multiplexer has put it
}

// Session reads and writes one connection. Requests are written in turn, up to
// the load's pipelining depth ahead of their answers; answers are read in the
// same order. Its methods do not allocate, except to grow what they keep.
//
// A connection begins with Open. If that or a Feed during the set-up says Reply,
// Say is called for the bytes to send; the set-up ends with a Done. Each request
// is then written by Request, Await is called when its answer is the next to
// come, and Feed takes the answer, which may have steps of its own by Reply too.
type Session interface {
	// Open begins a new connection of the same virtual user: what belongs to the
	// connection is forgotten, what belongs to the user is kept. Done means that
	// it is ready for requests, Reply that the client speaks first (Say), More
	// that the peer does.
	Open() State
	// Request appends a request to dst. body is what follows it, for large
	// constant bodies, or nil; it must stay as it is.
	Request(dst []byte, o *Order) (out, body []byte)
	// Await reports that the next bytes fed belong to the answer to o.
	Await(o *Order)
	// Feed takes received bytes and returns how many belong to the answer or
	// to the set-up.
	Feed(p []byte) (n int, s State)
	// Say appends what Open or Feed wanted to send by Reply.
	Say(dst []byte) []byte
	// End reports that the peer has closed its side.
	End() State
	// Leave appends what is said before an open connection is left for good.
	// The peer then closes it; hangUp asks for the end of this side of it, for
	// peers that wait for that.
	Leave(dst []byte) (out []byte, hangUp bool)
	// Answer is what Feed or End has completed or found broken; valid until
	// the next Await or Open.
	Answer() *Answer
}

// Multiplexer is a Session whose answers come in any order. Each request that is under way
// has a slot, which Request gives it. Feed is called until it says More, without bytes too:
// what it has completed is about the request in Slot. Both sides may have something to say
// at any time, and do so while no request is under way.
type Multiplexer interface {
	Session
	// Room is how many requests may be under way on the connection, 0 when none may follow.
	Room() int
	// Slot is the one that the latest Done or Lost is about. It is free then.
	Slot() int
	// Waits reports that Say has something to say.
	Waits() bool
	// Begun reports whether a part of an answer has come, and its status, 0 without one.
	Begun(slot int) (status int, begun bool)
	// Owes reports whether a part of a request has not been handed out yet.
	Owes(slot int) bool
	// Cancel gives a request up.
	Cancel(slot int)
}

// Upgrader is a Session whose connections begin in clear, and which asks for TLS itself, by
// a Secure in its set-up.
type Upgrader interface {
	Session
	// Secured reports that the handshake is over, and says how the set-up goes on: by More
	// or Reply.
	Secured() State
}

// State says how far an answer or a set-up is.
type State uint8

// States of an answer.
const (
	More   State = iota // not complete yet
	Done                // complete
	Broken              // not what the protocol allows: Answer.Detail
	Reply               // the client must send something first: Say
	Lost                // there will be no answer to one request: Answer.Fault or Unserved
	Secure              // behind what the client says first (Say), TLS begins: Upgrader
)

// Answer is one response.
type Answer struct {
	Status    int    // 0 where the protocol has none; at most 599
	Bytes     int64  // length of the body
	KeepAlive bool   // the connection may carry another request
	Fault     Cause  // why a complete answer is not a good one; causeNone if it is
	Detail    string // what is wrong with an answer that is Broken or has a Fault
	Unserved  bool   // the peer has not looked at the request, and says so

	Check Check // what the integrity check came to

	// Moved: it is from another origin than the last one of the same virtual user, as far
	// as the load follows its users.
	Moved bool
}
