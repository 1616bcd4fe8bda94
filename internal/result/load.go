// Package result holds the records that pass between the parts of a run: what
// a load agent reports, what the runner adds, and what the reports render.
// Only plain data may enter: no I/O, no statistics, no rendering.
//
// All times named ...Us are microseconds after the run's origin (the instant at
// which the first phase starts); latencies are microseconds.
package result

// LoadPhase is what one load measured during one phase, attributed by the
// intended start of each request.
type LoadPhase struct {
	Name     string `json:"name"`
	StartUs  int64  `json:"startUs"`
	LengthUs int64  `json:"lengthUs"`
	Measured bool   `json:"measured"` // false for warm-up and cool-down
	Tally
}

// LoadClass is what one kind of request of a load measured over all measured
// phases. The classes of a load add up to the load.
type LoadClass struct {
	Name   string `json:"name"`
	Weight int    `json:"weight"`
	Tally
}

// LoadTrace says what of a trace was replayed.
type LoadTrace struct {
	Requests int `json:"requests"`          // in the trace
	Beyond   int `json:"beyond,omitempty"`  // due after the end of the run, and not sent
	Skipped  int `json:"skipped,omitempty"` // lines of a log that are no request
}

// LoadRealTime speaks of a generator that ran before ordinary programs.
type LoadRealTime struct {
	// GivenUpUs is when it gave that up, because it used too much of its
	// processor; nil if it did not.
	GivenUpUs *int64 `json:"givenUpUs,omitempty"`
}

// LoadHost is how well the machine served the generator.
type LoadHost struct {
	// DisturbedSeconds of the measured time, counted from the start of the run:
	// processors were taken away by the host or held by others.
	DisturbedSeconds []int `json:"disturbedSeconds,omitempty"`
	// StolenSeconds were taken by the host of a virtual machine; in WaitedSeconds
	// the generator's thread (of several, the one that waited longest) was ready to run
	// but had no processor.
	StolenSeconds float64 `json:"stolenSeconds"`
	WaitedSeconds float64 `json:"waitedSeconds"`
	// WakeUp is how late a thread that only sleeps woke up, QuietLag the lag of
	// the generator in the seconds that were not disturbed.
	WakeUp   Latency `json:"wakeUp"`
	QuietLag Latency `json:"quietLag"`
}

// Tally counts requests and holds the latency of the ones that succeeded.
type Tally struct {
	// Requests is the number of intended requests; after the drain at the end
	// of a run it equals Completed + Failed.
	Requests  uint64 `json:"requests"`
	Completed uint64 `json:"completed"`
	Failed    uint64 `json:"failed"`
	// Retried counts how often requests were sent again because the connection
	// was closed by the peer before any byte of a response (RFC 9112 section
	// 9.3.1). A retried request still ends as completed or failed.
	Retried uint64 `json:"retried"`
	// Moved counts the completed that another origin answered than the request before of
	// the same virtual user, where the load keeps cookies.
	Moved uint64 `json:"moved,omitempty"`
	// Interrupted are the failures of cause local that are no want of ports,
	// descriptors or memory: the run ended before its time.
	Interrupted uint64 `json:"interrupted,omitempty"`
	// EndedWithin and GoodWithin count the requests that ended, and ended well,
	// within this time, whenever they were due: over its length they are the
	// throughput. All else in a Tally is of the requests that were due in it.
	EndedWithin uint64 `json:"endedWithin"`
	GoodWithin  uint64 `json:"goodWithin"`
	// FailuresByCause is there without failures, too.
	FailuresByCause map[string]uint64 `json:"failuresByCause"`
	StatusCounts    map[string]uint64 `json:"statusCounts,omitempty"`
	BytesIn         uint64            `json:"bytesIn"`
	BytesOut        uint64            `json:"bytesOut"`
	ConnsOpened     uint64            `json:"connectionsOpened"`
	// Handshakes are those of TLS that have succeeded, Resumed those of them that went on
	// with an earlier session.
	Handshakes uint64 `json:"handshakes,omitempty"`
	Resumed    uint64 `json:"handshakesResumed,omitempty"`
	// HandshakesFailed are those that have led to no connection.
	HandshakesFailed uint64 `json:"handshakesFailed,omitempty"`
	// Handshake is how long they took, from the connection on; nil without any.
	Handshake *Latency `json:"handshake,omitempty"`
	// Response is measured from the intended start, Service from the actual
	// send; both of completed requests only. All is Response including failed
	// requests, a timeout counting as at least the time-out.
	Response Latency `json:"response"`
	Service  Latency `json:"service"`
	All      Latency `json:"all"`
	// Lag is how late the generator itself was in handing a due request over
	// to a connection or to the wait queue.
	Lag Latency `json:"lag"`
}

// AfterEnd counts requests that were under way when the schedule was over.
type AfterEnd struct {
	Ended uint64 `json:"ended"` // well or not
	Good  uint64 `json:"good"`
}

// Matters reports whether so many ended after the end that tables tell of them: one
// in a hundred of all requests.
func (e AfterEnd) Matters(requests uint64) bool { return e.Ended > 0 && e.Ended*100 >= requests }

// Load is the outcome of one load over its measured phases, as printed by
// `bench load --json` and held in run.json.
type Load struct {
	Name            string  `json:"name"`
	Protocol        string  `json:"protocol"`
	Target          string  `json:"target"`
	Arrival         string  `json:"arrival"`
	Connections     int     `json:"connections"` // pool size; 0 = unlimited
	Seed            uint64  `json:"seed"`
	DurationSeconds float64 `json:"durationSeconds"`
	RatePerSecond   float64 `json:"ratePerSecond"` // GoodWithin per second of measured time
	// NotCarried says so in words where an open loop offered more than was
	// carried within the measured time; empty otherwise.
	NotCarried string `json:"notCarried,omitempty"`
	Tally
	// AfterEnd counts what ended after the last phase. It is part of the phases
	// in which it was due.
	AfterEnd AfterEnd    `json:"afterEnd,omitzero"`
	Phases   []LoadPhase `json:"phases"`
	// Classes are the named requests of the load; empty where there are none.
	Classes []LoadClass `json:"classes,omitempty"`
	// Trace speaks of the trace that was replayed; nil without one.
	Trace *LoadTrace `json:"trace,omitempty"`
	// CPUSeconds is user plus system time of the generator's thread,
	// BusyShare its part of the wall time spent working (0 to 1).
	CPUSeconds float64 `json:"cpuSeconds"`
	BusyShare  float64 `json:"busyShare"`
	// LateSeconds lists the seconds of the run, counted from 0, in which the
	// generator fell behind its schedule. It is empty when the load as a whole
	// kept it: a load with any is not certified.
	LateSeconds []int `json:"lateSeconds,omitempty"`
	// Poller is the polling mechanism of the generator.
	Poller string `json:"poller"`
	// SpinUs is how long the generator watched the clock before a due time.
	SpinUs int64 `json:"spinUs,omitempty"`
	// RealTime reports that the generator ran before ordinary programs; nil where
	// it did not.
	RealTime *LoadRealTime `json:"realTime,omitempty"`
	// Host is what an independent thread saw of the machine meanwhile.
	Host *LoadHost `json:"host,omitempty"`
	// Integrity is what the check of contents came to; nil where it was off.
	Integrity *Integrity `json:"integrity,omitempty"`
	// Sent counts every request put on a wire, first tries and retries alike,
	// over the whole run, warm-up included: the client side of conservation.
	Sent uint64 `json:"sent"`
}

// Failure causes, in the order reports show them. Statuses are split by who
// produced them: origins mark their own answers.
const (
	CauseRefused     = "refused"      // connect was refused
	CauseConnect     = "connect"      // connect failed otherwise (timeout, unreachable)
	CauseResetBefore = "reset-before" // connection ended before the request was written
	CauseResetAfter  = "reset-after"  // connection ended after the request, before a byte of the response
	CauseTruncated   = "truncated"    // connection ended within the response
	CauseTimeout     = "timeout"
	CauseProxy5xx    = "5xx-proxy"
	CauseOrigin5xx   = "5xx-origin"
	CauseStatus4xx   = "4xx"
	CauseStatus      = "status"      // any other unexpected status
	CauseHeader      = "header"      // an expected header missing or of another value
	CauseBody        = "body"        // wrong body
	CauseError       = "error"       // the server answered with an error of no other kind
	CauseDenied      = "denied"      // it refused the user, or what the user may not do
	CauseReadOnly    = "read-only"   // it takes no writes
	CauseUnavailable = "unavailable" // it serves nobody for now: loading, too many connections, out of memory
	CauseConflict    = "conflict"    // it gave the transaction up for another one
	CauseProtocol    = "protocol"
	CauseLocal       = "local" // out of ports or descriptors here
)

// Interval is one slice (100 ms) of one load's timeline; a line of
// timeline.jsonl. Completed and Good count what ended in the slice, whenever it
// was due: the throughput. All else is of the requests that were due in it, so
// that Offered is the samples of Response and the Errors together.
type Interval struct {
	Cell     string `json:"cell,omitempty"` // set by the runner
	Load     string `json:"load"`
	Phase    string `json:"phase"`
	StartUs  int64  `json:"startUs"` // on the axis of the run
	LengthUs int64  `json:"lengthUs"`
	// ShiftUs is how much later that is than by the clock of the load, which goes at a pace
	// of its own on another machine.
	ShiftUs   int64  `json:"shiftUs,omitempty"`
	Offered   uint64 `json:"offered"`
	Completed uint64 `json:"completed"` // ended, well or not
	Good      uint64 `json:"good"`
	Retried   uint64 `json:"retried,omitempty"`
	Moved     uint64 `json:"moved,omitempty"`
	// Handshakes and Resumed are those of the connections that were opened for requests
	// due in the slice.
	Handshakes uint64            `json:"handshakes,omitempty"`
	Resumed    uint64            `json:"handshakesResumed,omitempty"`
	Errors     map[string]uint64 `json:"errors,omitempty"`
	LagMaxUs   int64             `json:"lagMaxUs"`
	LagP99Us   int64             `json:"lagP99Us"`
	// InFlight and Conns are gauges read at the end of the slice.
	InFlight int    `json:"inFlight"`
	Conns    int    `json:"connections"`
	Response string `json:"response,omitempty"` // HDR V2 base64 of OK responses
	Service  string `json:"service,omitempty"`
	// All is the histogram of all responses, failed included; empty when equal to Response.
	All string `json:"all,omitempty"`
}

// SlotUs is when the slice began by the clock of its load: all slices of that clock lie side by
// side, and those of all loads in the same places, which end with phases.
func (i *Interval) SlotUs() int64 { return i.StartUs - i.ShiftUs }

// Failure is one failed request; a line of errors.jsonl.
type Failure struct {
	Cell      string   `json:"cell,omitempty"` // set by the runner
	Load      string   `json:"load"`
	Phase     string   `json:"phase"`
	Request   string   `json:"request,omitempty"` // name of its class
	ID        uint64   `json:"id"`                // sequence number within the load
	AtUs      int64    `json:"atUs"`
	EndedUs   int64    `json:"endedUs"`
	Cause     string   `json:"cause"`
	Status    int      `json:"status,omitempty"`
	Detail    string   `json:"detail,omitempty"`
	ConnAgeUs int64    `json:"connectionAgeUs"`
	ConnUses  int      `json:"connectionUses"` // requests the connection had served before
	Events    []string `json:"events,omitempty"`
	Member    int      `json:"-"` // of the processes of the load, from 0
}

// Progress is a reading for the live view, a few per second. Everything in it
// happened between AtUs-LengthUs and AtUs, latencies by completion: it comes at
// once, where an Interval waits for the last of its requests to end. It is
// never part of a result.
type Progress struct {
	Load      string            `json:"load"`
	Phase     string            `json:"phase"`
	AtUs      int64             `json:"atUs"`
	LengthUs  int64             `json:"lengthUs"`
	Offered   uint64            `json:"offered"`
	Completed uint64            `json:"completed"` // ended, well or not
	Good      uint64            `json:"good"`
	Retried   uint64            `json:"retried,omitempty"`
	Errors    map[string]uint64 `json:"errors,omitempty"`
	P50Us     float64           `json:"p50Us"` // response time of OK responses
	P99Us     float64           `json:"p99Us"`
	MaxUs     float64           `json:"maxUs"`
	LagP99Us  float64           `json:"lagP99Us"`
	LagMaxUs  float64           `json:"lagMaxUs"`
	// InFlight, Queued and Conns are gauges at AtUs; Queued wait for a connection.
	InFlight int `json:"inFlight"`
	Queued   int `json:"queued"`
	Conns    int `json:"connections"`
	// Response and Lag are the histograms (HDR V2 base64) behind the figures, to
	// be merged; only where several agents share the load.
	Response string `json:"response,omitempty"`
	Lag      string `json:"lag,omitempty"`
}

// AgentLine is one line of a load agent's standard output: exactly one field is set.
type AgentLine struct {
	Ready    *AgentReady `json:"ready,omitempty"`
	Progress *Progress   `json:"progress,omitempty"`
	Interval *Interval   `json:"interval,omitempty"`
	Failure  *Failure    `json:"failure,omitempty"`
	Load     *Load       `json:"load,omitempty"`
	Abuse    *Abuse      `json:"abuse,omitempty"`
	Error    string      `json:"error,omitempty"`
}

// AgentReady reports that an agent is set up and waits for its start time.
type AgentReady struct {
	PID int `json:"pid"`
}
