package abuse

// plan is what a client does on one connection, prepared once and shared.
type plan struct {
	variant  int // index of its counts
	steps    []step
	requests int   // complete ones in it; after as many answers it is over
	unit     int64 // length of each where they are several, else 0
	limit    int64 // ns after which the client ends the connection; 0 never does
	window   int   // receive buffer; 0 is the kernel's default
	// piece bytes are read every so many nanoseconds; 0 reads all that comes.
	piece int
	every int64
	// deaf is how long nothing is read, ns, unless all is sent before.
	deaf int64
}

// op is what a step does.
type op uint8

const (
	opSend  op = iota // write data
	opDrip            // write data piece by piece
	opShut            // end the sending side
	opWait            // the peer's turn, until it ends the connection or the time-out is over
	opFirst           // the peer's turn, until this many bytes have come
	opHold            // do nothing
	opLeave           // end the connection
)

// step is one step of a plan.
type step struct {
	do   op
	data []byte // of opSend and opDrip, again and again
	// total bytes of data are written; 0 has no end.
	total int64
	// piece is how much opDrip writes at a time, and how much opFirst waits for.
	piece int
	every int64 // between two pieces of opDrip, ns
	reset bool  // opLeave ends with a RST
}

func send(data []byte) step { return step{do: opSend, data: data, total: int64(len(data))} }

func drip(data []byte, piece int, every, total int64) step {
	return step{do: opDrip, data: data, piece: piece, every: every, total: total}
}

func leave(reset bool) step { return step{do: opLeave, reset: reset} }
