package loadgen

import (
	"bench/internal/dist"
	"bench/internal/result"
)

// Arrival is the law by which requests become due.
type Arrival string

// Arrival laws.
const (
	Constant Arrival = "constant" // evenly spaced, ramps included
	Poisson  Arrival = "poisson"  // independent users: exponential gaps
	Closed   Arrival = "closed"   // the next request after the previous answer
	Replay   Arrival = "trace"    // the requests of a trace, at its times
)

// Spec is one load; the hidden `bench agent load` reads it as JSON from its
// standard input. Fields named ...Us are microseconds.
type Spec struct {
	// Name is the load's name and the class under which origins count its
	// requests: 1 to 64 letters, digits, '-', '_', '.'.
	Name     string `json:"name"`
	Protocol string `json:"protocol"` // "http1" when empty
	// Targets are addresses as sock.Parse reads them: "127.0.0.1:80",
	// "[::1]:80", "/run/x.sock", "abns@name". Connections go round them in turn.
	Targets []string `json:"targets"`
	// OneName tells that the targets are the addresses of one name: connections go to
	// the one that takes them, and on to the next when it does not.
	OneName bool `json:"oneName,omitempty"`
	// Title names the target in reports; the first address when empty.
	Title string `json:"title,omitempty"`
	HTTP  HTTP   `json:"http"`
	Redis Redis  `json:"redis,omitzero"`
	TCP   TCP    `json:"tcp,omitzero"`
	MySQL MySQL  `json:"mysql,omitzero"`

	// Integrity checks what passed; nil does not.
	Integrity *Integrity `json:"integrity,omitempty"`
	// Pieces sends requests in pieces; nil sends them whole.
	Pieces *Pieces `json:"pieces,omitempty"`

	Arrival Arrival `json:"arrival"` // "constant" when empty
	// ThinkUs is the pause of a closed loop between an answer and the next request.
	ThinkUs int64 `json:"thinkUs,omitempty"`
	// Trace is what Arrival Replay sends.
	Trace       *Trace      `json:"trace,omitempty"`
	Phases      []Phase     `json:"phases"`
	Connections Connections `json:"connections"`
	// MaxRequests ends the schedule after so many requests, those of phases that are
	// not measured included; 0 is no limit.
	MaxRequests uint64 `json:"maxRequests,omitempty"`

	// TimeoutUs bounds a request from its intended start to the last byte of
	// the response, time in the wait queue included; 0 is 10 s.
	TimeoutUs int64 `json:"timeoutUs,omitempty"`
	// ConnectTimeoutUs bounds the opening of a connection; 0 is TimeoutUs.
	ConnectTimeoutUs int64 `json:"connectTimeoutUs,omitempty"`

	Seed uint64 `json:"seed"`
	// CPUs the generator's thread is pinned to; empty leaves it free.
	CPUs []int `json:"cpus,omitempty"`
	// Poller is the polling mechanism; "" is the best there is, and for a load that
	// sends as fast as it can the quickest.
	Poller string `json:"poller,omitempty"`
	// SpinUs is how long before a due time the thread stops sleeping and
	// watches the clock instead, and how long after an answer it watches the
	// sockets while requests wait for a connection or a closed loop has no
	// think time: steadier starts for more CPU time. AutoSpin measures it.
	SpinUs int64 `json:"spinUs,omitempty"`
	// SpinShare is the most of a processor's time, 0 to 1, that AutoSpin may take
	// for a load that keeps a schedule; 0 does not bound it.
	SpinShare float64 `json:"spinShare,omitempty"`
	// ProgressUs is the time between Progress lines; 0 is 250 ms.
	ProgressUs int64 `json:"progressUs,omitempty"`
	// Threads share the load, each with an event loop of its own; 0 is 1. With
	// as many CPUs each thread has its own.
	Threads int `json:"threads,omitempty"`
	// Share is the part of the load that is this worker's, where several
	// threads or processes carry it out together.
	Share Share `json:"share,omitzero"`
	// StartAt is the run's origin, CLOCK_MONOTONIC nanoseconds, common to all
	// agents of a run. 0 lets the agent wait for a Start line after it has
	// reported that it is ready.
	StartAt int64 `json:"startAt,omitempty"`
}

// Share is one of several equal parts of a load. The parts of an open loop make
// up its schedule exactly: part i of n has the requests i, i+n, i+2n and so on.
type Share struct {
	Index int `json:"index"` // from 0
	Of    int `json:"of"`    // 0 is 1: the whole
}

func (s Share) of() int { return max(1, s.Of) }

// part is this share of n connections; 0 is no limit and stays so.
func (s Share) part(n int) int {
	if n == 0 {
		return 0
	}
	return (n + s.of() - 1 - s.Index) / s.of()
}

// Start is what the runner writes to the agent's standard input, after Spec,
// when Spec.StartAt was 0. The end of the input instead of a Start line begins
// the run at once.
type Start struct {
	StartAt int64 `json:"startAt"` // CLOCK_MONOTONIC nanoseconds
}

// HTTP describes the requests of the HTTP protocols. Paths, header values and
// bodies marked so are templates; see [Templates].
type HTTP struct {
	Host string `json:"host,omitempty"` // the first target when empty
	// Cookies keeps the cookies that answers set and sends them again, for
	// each virtual user apart.
	Cookies bool `json:"cookies,omitempty"`
	// Requests are the kinds of requests; none is one GET of "/".
	Requests []Request `json:"requests,omitempty"`
}

// Request is one kind of request.
type Request struct {
	// Name under which it is reported apart; required where there are several.
	Name string `json:"name,omitempty"`
	// Weight is its share of the requests; 0 is 1.
	Weight  int      `json:"weight,omitempty"`
	Method  string   `json:"method,omitempty"` // GET when empty
	Path    string   `json:"path,omitempty"`   // "/" when empty; query included
	Headers []Header `json:"headers,omitempty"`
	Body    Body     `json:"body,omitzero"`
	Expect  Expect   `json:"expect,omitzero"`
}

// Body is the content of a request: at most one of Text, File and Size.
type Body struct {
	Text string `json:"text,omitempty"`
	File string `json:"file,omitempty"` // a path as the process that sends it sees it
	Size int64  `json:"size,omitempty"` // so many letters x
	// Template makes Text or the content of File a template.
	Template bool `json:"template,omitempty"`
	// ChunkBytes sends the body in chunks of this size instead of with its
	// length; 0 sends it with its length.
	ChunkBytes int `json:"chunkBytes,omitempty"`
}

// Expect says what a good answer is.
type Expect struct {
	// Status lists the good statuses; empty means 200 to 399.
	Status []int `json:"status,omitempty"`
	// Headers that must be there. A value of "*" takes any, one that ends in *
	// any that begins so.
	Headers []Header `json:"headers,omitempty"`
	// Bytes is the length of a good body; nil takes any.
	Bytes *int64 `json:"bytes,omitempty"`
	// SHA256 is the checksum of a good body in hexadecimal digits; empty takes any.
	SHA256 string `json:"sha256,omitempty"`
	// Contains is what the body must hold somewhere.
	Contains string `json:"contains,omitempty"`
}

// Header is one header field.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Redis describes the requests of protocol redis: one command each, whose words
// are templates; see [RedisTemplates].
type Redis struct {
	User     string `json:"user,omitempty"` // of AUTH; the default user when empty
	Password string `json:"password,omitempty"`
	Database int    `json:"database,omitempty"`
	// Version of the protocol: 2, or 3 by HELLO; 0 is 2.
	Version int `json:"version,omitempty"`
	// Client is the name that connections are given by CLIENT SETNAME, and the
	// class under which origins count their commands; without one they have none.
	Client string `json:"client,omitempty"`
	// Keys are what the variable key stands for.
	Keys Keys `json:"keys,omitzero"`
	// Value is the distribution of sizes that the variable value has.
	Value dist.Size `json:"value,omitzero"`
	// Commands are the kinds of requests; none is one PING.
	Commands []Command `json:"commands,omitempty"`
}

// Keys is a set of keys and how often each is used.
type Keys struct {
	// Prefix of the keys; twelve digits follow it. "key:" when empty.
	Prefix string `json:"prefix,omitempty"`
	// Count of the keys; 0 is 100,000.
	Count int64 `json:"count,omitempty"`
	// Law is "uniform" (also when empty), "zipfian" (key k is used in proportion
	// to k to the power of minus Skew) or "sequential" (one after another).
	Law string `json:"law,omitempty"`
	// Skew of law zipfian; 0 is 0.99.
	Skew float64 `json:"skew,omitempty"`
}

// Command is one kind of request of protocol redis.
type Command struct {
	// Name under which it is reported apart; required where there are several.
	Name   string `json:"name,omitempty"`
	Weight int    `json:"weight,omitempty"` // its share of the requests; 0 is 1
	// Line is the command as redis-cli takes it: words, in quotes where they
	// have spaces. PING when empty.
	Line string `json:"line,omitempty"`
	// Value replaces Redis.Value.
	Value  *dist.Size  `json:"value,omitempty"`
	Expect ExpectReply `json:"expect,omitzero"`
}

// ExpectReply says what a good reply is: no error, unless Error says so.
type ExpectReply struct {
	// Text is the whole reply, one that is no array; nil takes any.
	Text *string `json:"text,omitempty"`
	// Bytes is the length of the reply's bulk strings; nil takes any.
	Bytes *int64 `json:"bytes,omitempty"`
	// Null tells whether there must be no value (a key that is not there), or
	// one; nil takes both.
	Null *bool `json:"null,omitempty"`
	// Error is how the error begins that the reply must be; empty wants none.
	Error string `json:"error,omitempty"`
}

// TCP describes the requests of protocol tcp.
type TCP struct {
	// Connect are the steps that a new connection begins with, as of an
	// Exchange; the peer may speak first.
	Connect []string `json:"connect,omitempty"`
	// Exchanges are the kinds of requests, at least one.
	Exchanges []Exchange `json:"exchanges,omitempty"`
}

// Exchange is one kind of request of protocol tcp: Steps, Echo, Upload or
// Download. Sizes are distributions.
type Exchange struct {
	// Name under which it is reported apart; required where there are several.
	Name   string `json:"name,omitempty"`
	Weight int    `json:"weight,omitempty"` // its share of the requests; 0 is 1
	// Steps in turn: "send TEXT" (a template), "expect TEXT" (reads until TEXT
	// has come; what is before it is ignored) and "read SIZE". TEXT has the
	// escapes of a Go string. The last one is an expect or a read.
	Steps []string `json:"steps,omitempty"`
	// Echo sends so many bytes, which must come back as they are.
	Echo *dist.Size `json:"echo,omitempty"`
	// Upload sends so many bytes and ends this side of the connection; the peer's
	// end of it is the answer.
	Upload *dist.Size `json:"upload,omitempty"`
	// Download reads so many bytes of what the peer says on a new connection, and
	// closes it.
	Download *dist.Size `json:"download,omitempty"`
}

// MySQL describes the requests of protocol mysql. Statements and parameters are
// templates; see [Templates].
type MySQL struct {
	User     string `json:"user,omitempty"` // "root" when empty
	Password string `json:"password,omitempty"`
	Database string `json:"database,omitempty"`
	// Client is the name under which mock origins count the requests; "" is none.
	Client string `json:"client,omitempty"`
	// Connect are statements that a new connection begins with, no templates.
	Connect []string `json:"connect,omitempty"`
	// Statements are the kinds of requests; none is one ping.
	Statements []Statement `json:"statements,omitempty"`
}

// Statement is one kind of request of protocol mysql: Query or Transaction, a
// ping without either.
type Statement struct {
	// Name under which it is reported apart; required where there are several.
	Name   string `json:"name,omitempty"`
	Weight int    `json:"weight,omitempty"` // its share of the requests; 0 is 1
	Query  string `json:"query,omitempty"`
	// Prepared prepares Query, which is then no template, on each connection and
	// executes it with Params in place of its question marks. A parameter that is
	// a whole number is sent as one, all others as text.
	Prepared bool     `json:"prepared,omitempty"`
	Params   []string `json:"params,omitempty"`
	// Transaction are statements between BEGIN and COMMIT, one answered before
	// the next is sent. An error ends it with ROLLBACK.
	Transaction []string     `json:"transaction,omitempty"`
	Expect      ExpectResult `json:"expect,omitzero"`
}

// ExpectResult says what a good result is: no error, unless Error says so. Counts
// are those of all statements of a transaction.
type ExpectResult struct {
	Rows     *int64 `json:"rows,omitempty"`     // nil takes any number
	Affected *int64 `json:"affected,omitempty"` // nil takes any number
	Error    int    `json:"error,omitempty"`    // the number of the error it must be; 0 wants none
}

// Phase is a stretch of the schedule. Rates are requests per second and mean
// nothing in a closed loop and in a replay; the rate goes from From to To in a straight line.
type Phase struct {
	Name     string  `json:"name"`
	From     float64 `json:"from"`
	To       float64 `json:"to"`
	LengthUs int64   `json:"lengthUs"`
	Measure  bool    `json:"measure"`
	// Steps makes the rate change in so many equal steps, both ends included,
	// instead of in a straight line; 0 and 1 do not.
	Steps int `json:"steps,omitempty"`
	// Burst lets so many requests become due at the same time; 0 is 1.
	Burst int `json:"burst,omitempty"`
	// Connections replaces Spec.Connections.Pool from this phase on; nil keeps
	// what is in force.
	Connections *int `json:"connections,omitempty"`
}

// Connections says how many connections there are and how long they live.
type Connections struct {
	// Pool is the most connections open at a time, 0 for no limit. A closed
	// loop has exactly this many users.
	Pool int `json:"pool"`
	// RequestsPerConnection closes a connection after so many requests; 0 is
	// never, 1 is a connection for each request.
	RequestsPerConnection int `json:"requestsPerConnection,omitempty"`
	// MaxAgeUs makes the first request on a connection of this age its last; 0
	// is no limit.
	MaxAgeUs int64 `json:"maxAgeUs,omitempty"`
	// Pipeline is how many requests are sent on a connection ahead of their
	// answers, the one being answered included; 0 is 1.
	Pipeline int `json:"pipeline,omitempty"`
}

// Headers the generator adds, and one it reads.
const (
	// HeaderID carries "NAME.SEQ": the load's name and the request's sequence
	// number in twelve decimal digits. A request sent again keeps its id.
	HeaderID = "X-Bench-Id"
	// HeaderOrigin marks answers made by a mock origin, so that a 5xx without
	// it is the proxy's own.
	HeaderOrigin = "X-Bench-Origin"
)

// Sink receives the lines of a running load, from one goroutine, in order. An
// error ends the run.
type Sink func(*result.AgentLine) error
