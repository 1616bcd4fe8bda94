package result

// Pollers is the outcome of `bench pollers`: proxies that differ in their poller,
// at the same work, over numbers of connections.
type Pollers struct {
	Version   int      `json:"version"` // of this record: 1
	Tool      Tool     `json:"tool"`
	Command   string   `json:"command"`
	StartedAt string   `json:"startedAt"` // RFC 3339 with offset
	EndedAt   string   `json:"endedAt"`
	Machine   []string `json:"machine"`
	// DescriptorLimit is what each process may open.
	DescriptorLimit uint64  `json:"descriptorLimit"`
	DurationSeconds float64 `json:"durationSeconds"` // of one run
	// Interrupted reports that the comparison was ended before its time: what is missing
	// was not measured.
	Interrupted bool `json:"interrupted,omitempty"`
	// Runs is how often each contestant was measured at each point.
	Runs int `json:"runs"`
	// RatePerSecond was offered in an open loop; 0: closed loop, as fast as the
	// proxy answers.
	RatePerSecond float64 `json:"ratePerSecond,omitempty"`
	// NoSyscalls is why system calls were not counted; empty if they were.
	NoSyscalls  string             `json:"noSyscalls,omitempty"`
	Contestants []PollerContestant `json:"contestants"`
	Works       []PollerWork       `json:"works"`
}

// PollerContestant is one proxy with one poller.
type PollerContestant struct {
	Name   string `json:"name"`  // unique: "epoll", "haproxy epoll"
	Proxy  string `json:"proxy"` // "builtin", "haproxy"
	Poller string `json:"poller"`
	// Reason is why it took no part; empty if it did.
	Reason string `json:"skipped,omitempty"`
}

// PollerWork is one kind of work over growing numbers of connections.
type PollerWork struct {
	Name  string      `json:"name"`  // "idle", "active", "churn"
	Title string      `json:"title"` // what is done, in a few words
	X     string      `json:"x"`     // what grows: "idle connections", "active connections"
	Rows  []PollerRow `json:"rows"`
}

// PollerRow is the work at one number of connections.
type PollerRow struct {
	Idle   int `json:"idle"`
	Active int `json:"active"`
	// X is the one of the two that grows.
	X     int          `json:"x"`
	Cells []PollerCell `json:"cells"` // in the order of the contestants
}

// PollerCell is one contestant at one point.
type PollerCell struct {
	Contestant string      `json:"contestant"`
	Runs       []PollerRun `json:"runs,omitempty"`
	// Short says in a word or two why there are no runs, Reason in full.
	Short  string `json:"short,omitempty"`
	Reason string `json:"skipped,omitempty"`
	// SyscallsPerRequest were counted in a further run, because counting slows
	// every system call of the machine; 0: not counted.
	SyscallsPerRequest float64 `json:"syscallsPerRequest,omitempty"`
}

// PollerRun is one measurement.
type PollerRun struct {
	CPUMicros float64 `json:"cpuMicrosPerRequest"` // of the proxy, user and system
	Rate      float64 `json:"requestsPerSecond"`   // completed
	Requests  uint64  `json:"requests"`
	Failed    uint64  `json:"failed"`
	// FailuresByCause are the failed requests, as of a load.
	FailuresByCause map[string]uint64 `json:"failuresByCause,omitempty"`
	P50Us           float64           `json:"p50Us"` // response times as the clients saw them
	P99Us           float64           `json:"p99Us"`
	P999Us          float64           `json:"p99.9Us"`
	// The share of its processor the proxy used, of it what strangers used, and
	// the share of the load side's processor in use, 0 to 1.
	Subject  float64 `json:"subjectBusy"`
	Others   float64 `json:"foreignBusy"`
	LoadSide float64 `json:"loadSideBusy"`
}
