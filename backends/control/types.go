// Package control is what a runner and an origin say to each other: faults to
// apply, counters to read. It holds the records, the client, and the HTTP
// handler that an origin mounts over its own implementation of Target.
//
// The endpoint speaks JSON over HTTP on an address of its own:
//
//	GET  /ready     200 once every replica listens
//	GET  /state     addresses, settings and faults in force
//	GET  /counters  requests by replica and class
//	GET  /ids       exact request numbers by replica and class
//	GET  /events    begin and end of every fault as they happened
//	POST /faults    apply a Fault
//	POST /clear     end faults before their time
//	POST /reset     begin counting afresh
//
// How an origin serves requests may not enter.
package control

import (
	"bench/backends/idset"
)

// Kinds of faults. All but crash end by themselves.
const (
	Stall     = "stall"     // accept and read, but write nothing until the end
	Latency   = "latency"   // draw latencies from Fault.Latency instead
	Error     = "error"     // answer with an error, for a share Fault.Rate
	Refuse    = "refuse"    // close the listener: connections are refused
	Reset     = "reset"     // RST on connections, by Fault.Scope
	Truncate  = "truncate"  // close in the middle of answers
	Corrupt   = "corrupt"   // invert one byte of the body, for a share Fault.Rate of answers
	Trickle   = "trickle"   // drip answers out
	Bandwidth = "bandwidth" // write at most Fault.Bandwidth a second on each connection
	Drain     = "drain"     // close every connection after its present answer
	KindState = "state"     // be in Fault.State: MySQL and Redis
	Role      = "role"      // be Fault.Role of a replicated set: MySQL and Redis
	Lag       = "lag"       // report Fault.Lag of replication: MySQL and Redis
	Limit     = "limit"     // admit at most Fault.Connections: MySQL and Redis
	Records   = "records"   // answer out of Fault.Records: DNS
	Crash     = "crash"     // end the process without a farewell

	// Of origins that speak TLS.
	TLSStall      = "tls-stall"         // answer nothing to handshakes until the end
	Certificate   = "tls-certificate"   // show Fault.Certificate on connections accepted meanwhile
	TLSTruncate   = "tls-truncate"      // close within a record, in the middle of answers
	Renegotiation = "tls-renegotiation" // want another handshake behind the first, of connections accepted meanwhile
)

// States of kind state.
const (
	StateReadOnly = "read-only"           // MySQL: writes fail with error 1290
	StateStopped  = "replication-stopped" // MySQL: the replica applies nothing, its lag is unknown
	StateLoading  = "loading"             // Redis: -LOADING to nearly everything
	StateMisconf  = "misconf"             // Redis: -MISCONF to writes
	StateDown     = "masterdown"          // Redis: a replica that lost its master: -MASTERDOWN to data commands
)

// Roles of kind role.
const (
	RolePrimary = "primary"
	RoleReplica = "replica"
)

// Scopes of a reset.
const (
	ScopeNew  = "new"  // connections accepted while it lasts
	ScopeLive = "live" // connections open when it begins
	ScopeBoth = "both"
)

// CrashExitCode is the exit status of a process ended by a crash fault.
const CrashExitCode = 70

// Fault is an order to misbehave. Times named ...Ns are CLOCK_MONOTONIC
// nanoseconds of the origin's host.
type Fault struct {
	Kind string `json:"kind"`
	// Target is the name of one replica; "" means all of the process.
	Target string `json:"target,omitempty"`
	// For is how long it lasts: "500ms", up to an hour. It must be given,
	// except to crash and to a reset of live connections, which are moments.
	For string `json:"for,omitempty"`
	// AtNs is when to begin; 0 or a time gone by is now.
	AtNs int64 `json:"atNs,omitempty"`

	// Latency of kind latency: a distribution as dist.ParseDuration reads it.
	Latency string `json:"latency,omitempty"`
	// Status of kind error: for HTTP 200 to 599, 0 is 503; for MySQL the number
	// of the error, 1000 to 9999, 0 is 1105. Redis has no numbers.
	Status int `json:"status,omitempty"`
	// Rate of kinds error and corrupt: the share of answers hit, above 0 to 1;
	// nil is 1.
	Rate *float64 `json:"rate,omitempty"`
	// Scope of kind reset; "" is both.
	Scope string `json:"scope,omitempty"`
	// Bytes of kinds truncate and tls-truncate: how much of the body is written, of the answer
	// where the protocol has no bodies; nil is half.
	// Bytes of kind trickle: how much is written at a time; nil is 1.
	Bytes *int64 `json:"bytes,omitempty"`
	// Every of kind trickle is the time between two pieces; "" is 10ms.
	Every string `json:"every,omitempty"`
	// Bandwidth of kind bandwidth, a size a second: "64KiB".
	Bandwidth string `json:"bandwidth,omitempty"`
	// State of kind state, one of the protocol's.
	State string `json:"state,omitempty"`
	// Records of kind records, in the notation of zone files.
	Records *string `json:"records,omitempty"`
	// Role of kind role: primary or replica.
	Role string `json:"role,omitempty"`
	// Lag of kind lag: how far replication is behind, "30s".
	Lag string `json:"lag,omitempty"`
	// Certificate of kind tls-certificate, with its chain and key, in PEM.
	Certificate string `json:"certificate,omitempty"`
	// Connections of kind limit; nil is none but those that are open.
	Connections *int `json:"connections,omitempty"`
}

// Applied is the answer to a Fault.
type Applied struct {
	ID int `json:"id"` // of the fault, for Clear and in events
	// BeginNs is when it took effect, or will if it was ordered for later.
	BeginNs int64 `json:"beginNs"`
	// EndNs is when it is due to end; equal to BeginNs for a moment.
	EndNs int64 `json:"endNs"`
	// Targets are the replicas concerned.
	Targets []string `json:"targets"`
}

// ClearOrder ends faults early: those of one ID, of one replica, or all.
type ClearOrder struct {
	ID     int    `json:"id,omitempty"`
	Target string `json:"target,omitempty"`
}

// Cleared is the answer to a ClearOrder.
type Cleared struct {
	AtNs  int64 `json:"atNs"`
	Ended []int `json:"ended"` // ids of the faults ended or called off
}

// Event is one fault as it really happened.
type Event struct {
	ID      int      `json:"id"`
	Kind    string   `json:"kind"`
	Targets []string `json:"targets"`
	Fault   Fault    `json:"fault"`
	// BeginNs is 0 while the fault waits for its time, EndNs while it lasts.
	BeginNs int64 `json:"beginNs"`
	EndNs   int64 `json:"endNs"`
	// Cleared reports that it ended before its time, or was called off.
	Cleared bool `json:"cleared,omitempty"`
}

// Counters are all counts of a process since its start or the last reset.
type Counters struct {
	AtNs     int64             `json:"atNs"`    // when they were read
	SinceNs  int64             `json:"sinceNs"` // when counting began
	Replicas []ReplicaCounters `json:"replicas"`
}

// ReplicaCounters are the counts of one replica.
type ReplicaCounters struct {
	Name        string          `json:"name"`
	Addr        string          `json:"addr"`
	Connections Connections     `json:"connections"`
	Classes     []ClassCounters `json:"classes"` // by name; classes never met are absent
	// Malformed requests were answered 400, 431, 501 or 505 and belong to no class.
	Malformed uint64 `json:"malformed"`
	// Incomplete requests began but never ended: the client went away within
	// the head or the body. They belong to no class.
	Incomplete uint64 `json:"incomplete"`
	// BadIDs are requests whose X-Bench-Id is not NAME.SEQ; counted in class "-".
	BadIDs uint64 `json:"badIds"`
	// Intact are requests that arrived as their X-Bench-Integrity says they were sent,
	// Altered those that did not. Requests without it are neither.
	Intact  uint64 `json:"intact"`
	Altered uint64 `json:"altered"`
}

// Connections are the counts of connections.
type Connections struct {
	Accepted uint64 `json:"accepted"`
	Active   uint64 `json:"active"`  // open now
	Silent   uint64 `json:"silent"`  // closed by the client without a byte
	Refused  uint64 `json:"refused"` // dropped at once by a reset fault
	// Limited were turned away because of too many connections.
	Limited uint64 `json:"limited,omitempty"`
	// Spoilt are handshakes of TLS that a fault has held up or shown something else.
	Spoilt uint64 `json:"spoilt,omitempty"`
	// Denied failed to authenticate.
	Denied uint64 `json:"denied,omitempty"`
	// BytesIn and BytesOut were read from and handed to the kernel.
	BytesIn  uint64 `json:"bytesIn"`
	BytesOut uint64 `json:"bytesOut"`
}

// ClassCounters are the counts of one class of requests. At rest, Received =
// Answered + Aborted + Cut; while requests are under way, Open is the difference.
type ClassCounters struct {
	Name     string `json:"name"`
	Received uint64 `json:"received"` // head and body read completely
	Answered uint64 `json:"answered"` // response handed to the kernel completely
	Aborted  uint64 `json:"aborted"`  // the client closed or reset before that
	Cut      uint64 `json:"cut"`      // a fault of this origin broke the response off
	Open     uint64 `json:"open"`
	// Errors counts the answered that are errors of a protocol without
	// statuses.
	Errors uint64 `json:"errors,omitempty"`
	// Statuses counts the answered by status, as decimal text.
	Statuses map[string]uint64 `json:"statuses"`
	// Repeated counts receptions of an id beyond its first.
	Repeated uint64 `json:"repeated"`
	// IDs counts the different ids received; AnsweredIDs those answered at
	// least once.
	IDs         uint64 `json:"ids"`
	AnsweredIDs uint64 `json:"answeredIds"`
	// Untracked counts ids beyond what the record holds; not 0 means that IDs,
	// Repeated and the sets of GET /ids are not exact.
	Untracked uint64 `json:"untracked,omitempty"`
}

// IDs are the exact records of request numbers.
type IDs struct {
	AtNs     int64        `json:"atNs"`
	Replicas []ReplicaIDs `json:"replicas"`
}

// ReplicaIDs are the records of one replica.
type ReplicaIDs struct {
	Name    string     `json:"name"`
	Classes []ClassIDs `json:"classes"`
}

// ClassIDs are the records of one class.
type ClassIDs struct {
	Name     string     `json:"name"`
	Received *idset.Set `json:"received"`
	Answered *idset.Set `json:"answered"`
}

// State describes the process and what is in force.
type State struct {
	Kind     string         `json:"kind"` // the protocol: "http"
	PID      int            `json:"pid"`
	Threads  int            `json:"threads"`
	Poller   string         `json:"poller"`
	NowNs    int64          `json:"nowNs"`
	Replicas []ReplicaState `json:"replicas"`
}

// ReplicaState is one replica.
type ReplicaState struct {
	Name   string `json:"name"`
	Addr   string `json:"addr"`
	Active uint64 `json:"active"` // connections
	// Faults in force or waiting for their time.
	Faults []Event `json:"faults"`
}

// Target is the origin behind a control endpoint. Its methods may be called
// from any goroutine.
type Target interface {
	Ready() bool
	State() (*State, error)
	Counters() (*Counters, error)
	IDs() (*IDs, error)
	Events() []Event
	// Apply puts a fault into force; an invalid one is a *BadFault.
	Apply(f *Fault) (*Applied, error)
	Clear(o *ClearOrder) (*Cleared, error)
	Reset() error
}

// BadFault is an order that cannot be carried out as it stands.
type BadFault struct{ Reason string }

func (e *BadFault) Error() string { return e.Reason }
