package result

import "strings"

// Verdict words, shared by console, report and exit code.
const (
	Pass    = "PASS"
	Fail    = "FAIL"
	Unclear = "UNCLEAR"
	Invalid = "INVALID"
	Partial = "PARTIAL"
)

// Run is run.json: everything about one `bench run`, the big tables by reference.
type Run struct {
	Version int    `json:"version"` // of this record: 1
	Tool    Tool   `json:"tool"`
	Command string `json:"command"`
	// Label is what the user called the run: a commit, a version, a try; may be empty.
	Label     string  `json:"label,omitempty"`
	Scenario  string  `json:"scenario"`     // name
	Text      string  `json:"scenarioText"` // as resolved
	Hash      string  `json:"scenarioHash"` // sha256 of Text, hex
	Seed      uint64  `json:"seed"`
	StartedAt string  `json:"startedAt"` // RFC 3339 with offset
	EndedAt   string  `json:"endedAt"`
	Verdict   string  `json:"verdict"`
	Reason    string  `json:"reason,omitempty"` // of a verdict other than PASS, one line
	ExitCode  int     `json:"exitCode"`
	Axes      []Axis  `json:"matrix,omitempty"`
	Cells     []*Cell `json:"cells"`
	// SideBySide says how cells were spread over sets of machines, "" if they followed one
	// another.
	SideBySide string `json:"sideBySide,omitempty"`
	// Spreads are the main figures over the repetitions; empty without any.
	Spreads  []Spread          `json:"spreads,omitempty"`
	LeftOut  []LeftOut         `json:"leftOut,omitempty"`
	Warnings []string          `json:"warnings,omitempty"`
	Files    map[string]string `json:"files"` // role -> name within the folder
	Dir      string            `json:"-"`     // the folder, while the run is at hand
}

// Tool identifies the bench binary.
type Tool struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Go      string `json:"go"`
}

// Build is the version and what it was built from, as far as that is known.
func (t *Tool) Build() string {
	return strings.TrimSpace(t.Version + " " + t.Commit[:min(len(t.Commit), 12)])
}

// Axis is one dimension of the matrix, in the order given.
type Axis struct {
	Name   string   `json:"name"`
	Values []string `json:"values"`
}

// RepeatAxis is the axis that repeat adds, the one that changes fastest: its cells
// are runs of the same.
const RepeatAxis = "repeat"

// LeftOut is a combination of the matrix that could not be run, which has no verdict, or
// an event of a cell that could not happen there.
type LeftOut struct {
	Name   string            `json:"name"`
	Vars   map[string]string `json:"vars,omitempty"`
	Reason string            `json:"reason"`
}

// Cell is one combination of the matrix. Its timeline, events, counters and
// failures are lines of the .jsonl files that carry its name.
type Cell struct {
	Name     string            `json:"name"` // "poller=epoll", or "run" without a matrix
	Vars     map[string]string `json:"vars,omitempty"`
	Verdict  string            `json:"verdict"`
	Reason   string            `json:"reason,omitempty"`
	LengthUs int64             `json:"lengthUs"`
	Proxy    Proxy             `json:"proxy"`
	// Hosts are the other machines that the run was on.
	Hosts        []Host        `json:"hosts,omitempty"`
	Phases       []Phase       `json:"phases"`
	Loads        []Load        `json:"loads"`
	Abuse        []Abuse       `json:"abuse,omitempty"`
	Events       []Event       `json:"events"`
	Objectives   []Objective   `json:"objectives"`
	Conservation *Conservation `json:"conservation,omitempty"`
	// AlteredUnreported counts requests that origins found altered without a load
	// having learnt it: their answers did not arrive.
	AlteredUnreported uint64     `json:"alteredUnreported,omitempty"`
	SteadyState       *Objective `json:"steadyState,omitempty"`
	Trust             Trust      `json:"trust"`
	Upstreams         []Upstream `json:"upstreams,omitempty"`
	// Receipts are what origins had received whenever they were asked, where an
	// objective wants to know.
	Receipts []OriginCount `json:"receipts,omitempty"`
	Segments []Segment     `json:"segments,omitempty"`
	LeftOut  []LeftOut     `json:"leftOut,omitempty"` // events
	Warnings []string      `json:"warnings,omitempty"`
}

// Proxy describes the proxy under test.
type Proxy struct {
	Driver  string `json:"driver"`
	Version string `json:"version"`
	Build   string `json:"build,omitempty"`
	// Program is the path of what was started, of drivers that start a program of a
	// known kind, and ProgramHash its SHA-256 in hex.
	Program     string `json:"program,omitempty"`
	ProgramHash string `json:"programHash,omitempty"`
	Command     string `json:"command"`
	Config      string `json:"config"`
	Poller      string `json:"poller,omitempty"`
	CPUs        []int  `json:"cpus,omitempty"`
}

// Phase of a cell's timeline; phases of all loads merged by name.
type Phase struct {
	Name     string `json:"name"`
	StartUs  int64  `json:"startUs"`
	LengthUs int64  `json:"lengthUs"`
	Measured bool   `json:"measured"`
}

// Event is something done to, or seen in, the system; a line of events.jsonl.
type Event struct {
	Cell   string            `json:"cell,omitempty"`
	ID     int               `json:"id"`   // 1..n in order of time; the number on the chip
	Kind   string            `json:"kind"` // "proxy.reload", "backend.stall", "seen.server-down" ...
	Target string            `json:"target,omitempty"`
	Args   map[string]string `json:"args,omitempty"`
	Class  string            `json:"class"` // "fault", "moment" or "seen"
	// PlannedUs is when it should begin, BeginUs and EndUs when it did; EndUs
	// equals BeginUs for a moment without duration.
	PlannedUs int64  `json:"plannedUs"`
	BeginUs   int64  `json:"beginUs"`
	EndUs     int64  `json:"endUs"`
	Applied   bool   `json:"applied"`
	Detail    string `json:"detail,omitempty"`
	// DrainEndUs is when the old process of a reload was gone; 0 if unknown.
	DrainEndUs int64 `json:"drainEndUs,omitempty"`
	// Certificate of a fault that was made here, nil of all others.
	Certificate *Certificate `json:"certificate,omitempty"`
}

// Objective is one limit and what became of it.
type Objective struct {
	Expr   string  `json:"expr"`
	Window string  `json:"window,omitempty"`
	Spans  []Span  `json:"spans,omitempty"` // when the window was open
	Metric string  `json:"metric"`
	Op     string  `json:"op"`
	Wanted float64 `json:"wanted"`
	Got    float64 `json:"got"`
	// Low and High are the bounds within which Got is known; nil where it is exact.
	Low     *float64 `json:"low,omitempty"`
	High    *float64 `json:"high,omitempty"`
	Unit    string   `json:"unit"`  // "us", "1", "%" (a share, 0 to 1), "/s"
	Known   bool     `json:"known"` // false: not enough samples to say
	Verdict string   `json:"verdict"`
	WorstUs int64    `json:"worstUs"`         // time of the worst, -1 if it has none
	Event   int      `json:"event,omitempty"` // ID of the event in force at the worst
	Reason  string   `json:"reason,omitempty"`
}

// Segment is a part of the measured time around the events: before, in, between
// and after the faults. Derived from the timeline by reports.Complete.
type Segment struct {
	Name     string `json:"name"`
	LengthUs int64  `json:"lengthUs"`
	Offered  uint64 `json:"offered"`
	Good     uint64 `json:"good"` // ended well within it; Response counts those due in it
	Failed   uint64 `json:"failed"`
	// Errors counts failures by class, in words.
	Errors map[string]uint64 `json:"errors,omitempty"`
	// Response holds the percentiles there are enough samples for; the others
	// are 0. It has no mean and no histogram.
	Response Latency `json:"response"`
}

// Conservation compares what clients sent with what the proxy and the origins
// counted, class by class.
type Conservation struct {
	Delta  uint64              `json:"delta"` // sum of the absolute differences
	Rows   []ConservationRow   `json:"rows"`
	Proxy  []ConservationCheck `json:"proxy"`
	Exact  bool                `json:"exact"` // false: a counter was lost; Detail says which
	Detail string              `json:"detail,omitempty"`
}

// ConservationRow is one request class, usually one load.
type ConservationRow struct {
	Class     string `json:"class"`
	Sent      uint64 `json:"sent"`      // put on a wire by the client, tries included
	Completed uint64 `json:"completed"` // answered well, as the client saw it
	Received  uint64 `json:"received"`  // requests the origins read
	Answered  uint64 `json:"answered"`  // responses the origins wrote completely
	Lost      uint64 `json:"lost"`      // completed by the client yet never received: must be 0
	Repeated  uint64 `json:"repeated"`  // ids the origins received more than once
	Delta     uint64 `json:"delta"`
	// Incomplete reports that an origin took its counters with it when it ended:
	// Received, Answered and Repeated are then the least, Lost is the most it can
	// have been.
	Incomplete bool `json:"incomplete,omitempty"`
}

// ConservationCheck is one equation between summed counters.
type ConservationCheck struct {
	Name  string `json:"name"`
	Left  uint64 `json:"left"`
	Right uint64 `json:"right"`
	Delta uint64 `json:"delta"`
}

// Trust is the measurement's own quality.
type Trust struct {
	LagP99Us     float64 `json:"lagP99Us"`
	Dropped      uint64  `json:"dropped"`
	DriverCPU    float64 `json:"driverCPU"` // share of one core, 0 to 1
	ProxyCPU     float64 `json:"proxyCPU"`
	OriginCPU    float64 `json:"originCPU"`
	ForeignCPU   float64 `json:"foreignCPU"` // share of the run's CPUs used by others
	SameHost     bool    `json:"sameHost"`
	ClockStepped bool    `json:"clockStepped"`
	Late         []Span  `json:"late,omitempty"` // intervals in which the driver was late
	// Starved tells, role by role, what its parts had to wait for a processor.
	Starved []Starved `json:"starved,omitempty"`
	// Doubts are what the run does not vouch for, the gravest first.
	Doubts []Doubt `json:"doubts,omitempty"`
}

// Doubt is a reason not to trust a run, or a part of what it found.
type Doubt struct {
	// Concerns is what it makes undecided: "run", "load", "times", "axis" or "bounds".
	Concerns string `json:"concerns"`
	Load     string `json:"load,omitempty"` // "" for all of them
	Text     string `json:"text"`           // one sentence
	// Remedy is what to do about it, "" if there is nothing to say.
	Remedy string `json:"remedy,omitempty"`
}

// What a doubt concerns.
const (
	// ConcernsRun: the scenario was not carried out as it is written.
	ConcernsRun = "run"
	// ConcernsLoad: what was to be sent was not; no limit can be decided.
	ConcernsLoad = "load"
	// ConcernsTimes: times and rates cannot be told; counts can.
	ConcernsTimes = "times"
	// ConcernsAxis: when something happened cannot be told well enough, how long it took can.
	ConcernsAxis = "axis"
	// ConcernsBounds: times are known within bounds only, by which each limit is judged.
	ConcernsBounds = "bounds"
)

// Starved is how long the threads of a role were ready to run but had no processor,
// in the measured time and outside of faults that take processors away.
type Starved struct {
	Role          string  `json:"role"`
	RanSeconds    float64 `json:"ranSeconds"` // of all threads
	WaitedSeconds float64 `json:"waitedSeconds"`
	// Share is the part of that time in which the thread that waited most did.
	Share float64 `json:"share"`
}

// Wait is how long, between two readings, a part of a run was ready to run but had no
// processor: of each role the thread that waited most.
type Wait struct {
	FromUs   int64
	ToUs     int64
	ProxyUs  int64
	OriginUs int64
	DriverUs int64
}

// Span of time within a run.
type Span struct {
	StartUs int64 `json:"startUs"`
	EndUs   int64 `json:"endUs"`
}

// Upstream is the state of one server of the proxy over time.
type Upstream struct {
	Proxy  string          `json:"proxy"`
	Server string          `json:"server"`
	States []UpstreamState `json:"states"`
}

// UpstreamState holds from AtUs until the next one.
type UpstreamState struct {
	AtUs  int64   `json:"atUs"`
	State string  `json:"state"` // UP, DOWN, MAINT, DRAIN, as the proxy names it
	Share float64 `json:"share"` // of the backend's requests since the previous entry
}

// Sample is one reading of the processes and the proxy; a line of counters.jsonl.
type Sample struct {
	Cell       string     `json:"cell,omitempty"`
	AtUs       int64      `json:"atUs"`
	Generation int        `json:"generation"` // of the proxy process, from 0
	Processes  []Process  `json:"processes"`
	Stats      []StatsRow `json:"stats,omitempty"`
}

// OriginCount is how many requests an origin has received since it began to count. Health
// checks are not among them.
type OriginCount struct {
	Name     string `json:"name"`
	AtUs     int64  `json:"atUs"`
	SinceNs  int64  `json:"sinceNs"`
	Received uint64 `json:"received"`
}

// Process is one process's resource use.
type Process struct {
	Role       string  `json:"role"` // proxy, origin, driver, abuse
	PID        int     `json:"pid"`
	CPUSeconds float64 `json:"cpuSeconds"` // since its start
	// SystemSeconds are the part of CPUSeconds in the kernel, which is counted by ticks
	// of 10 ms.
	SystemSeconds float64 `json:"systemSeconds,omitempty"`
	RSSBytes      uint64  `json:"rssBytes"`
	FDs           int     `json:"fds"`
	Threads       int     `json:"threads"`
	// WaitedSeconds is how long its threads were ready to run but had no processor.
	WaitedSeconds float64 `json:"waitedSeconds"`
}

// StatsRow is a selection of one line of "show stat".
type StatsRow struct {
	Proxy  string            `json:"proxy"`
	Server string            `json:"server"` // FRONTEND, BACKEND or a name
	Status string            `json:"status"`
	Values map[string]uint64 `json:"values"` // by CSV column name
}

// Host is another machine that a run was on, and how its clock went against that of the
// runner.
type Host struct {
	Name     string   `json:"name"`
	Address  string   `json:"address"`
	CPUs     int      `json:"cpus"`
	Kernel   string   `json:"kernel"`
	Roles    []string `json:"roles"`
	OffsetUs float64  `json:"offsetUs"` // when the loads began
	DriftPPM float64  `json:"driftPpm"`
	// BoundUs is how wrong times of the host may be on the axis of the run.
	BoundUs float64 `json:"boundUs"`
	// Step is what is wrong with its clock, "" if nothing is.
	Step string `json:"step,omitempty"`
}
