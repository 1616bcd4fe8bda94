package capacity

// Seen is what was seen of the parts of a system during the measured time of one trial:
// the evidence of what gave way. What could not be read is left at zero, or nil.
type Seen struct {
	Rate    float64 // offered, a second
	Seconds float64
	// Threads are those of the proxy that did most, the busiest first; Worked is what all
	// of them ran, as a number of processors, and CPUs how many they may run on.
	Threads []Thread
	Worked  float64
	CPUs    int
	Quota   *Quota
	// Origins are the processes of the run's own origins.
	Origins []Thread
	// Servers and Frontends are lines of the proxy's counters.
	Servers   []Counted
	Frontends []Counted
	// Conns is the most connections that the proxy had as a whole, of so many allowed;
	// MaxConnDerived reports that the limit follows from that of the descriptors.
	Conns, MaxConn uint64
	MaxConnDerived bool
	// Files is the most that the proxy had open, of so many allowed.
	Files, FileLimit uint64
	Ports            *Ports
	Network          Network
	// ServiceP99 and ResponseP99 are of the load whose rate is searched, in seconds;
	// 0 is not known. ServiceMean is how long a request holds one of its connections.
	ServiceP99, ResponseP99 float64
	ServiceMean             float64
	Pool                    int // of its connections; 0 is unlimited
	Load                    string
	// Failures are those of all loads by cause.
	Failures map[string]uint64
	Requests uint64
}

// Thread is how busy a thread, or a process of one thread, was.
type Thread struct {
	Name string
	Ran  float64 // share of the time, 0 to 1
	// Waited is the share of the time in which it was ready but had no processor.
	Waited float64
}

// Quota of processor time that a control group has.
type Quota struct {
	Group string
	CPUs  float64 // number of processors that it may use
	// Periods is in how many the group ran, and Throttled in how many of them it was
	// held back.
	Periods, Throttled uint64
}

// Holds reports whether the kernel held the proxy back for its quota, which looks like a
// wait for a processor.
func (q *Quota) Holds() bool {
	return q != nil && q.Periods > 0 && float64(q.Throttled) >= throttled*float64(q.Periods)
}

// Counted is what a line of the proxy's counters showed: the means over the readings,
// but for Limit and QueueLimit. A limit of 0 is none.
type Counted struct {
	Proxy, Name string
	Sessions    float64 // at a time
	Limit       uint64  // of sessions
	Queue       float64 // that wait
	QueueLimit  uint64
	// Full is the share of the readings in which the sessions were at their limit.
	Full float64
	// QueueMs and ResponseMs are how long requests waited, and servers took, as the proxy
	// tells: over its last 1,024.
	QueueMs, ResponseMs float64
}

// Ports is how many of the local ports for connections to one server are taken.
type Ports struct {
	To    string
	Taken int
	Range int
}

// Network is what the kernel counted where the proxy runs.
type Network struct {
	Sent, SentAgain uint64 // segments of TCP
	// Overflows is how many connections found the queue of a listener full.
	Overflows uint64
}
