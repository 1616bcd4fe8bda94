package result

// Abuse is the outcome of one set of clients that misbehave, as printed by
// `bench abuse --json` and held in run.json.
type Abuse struct {
	Name   string `json:"name"`
	Kind   string `json:"kind"`
	Target string `json:"target"`
	Seed   uint64 `json:"seed"`
	// BeginUs and EndUs are when it began and ended.
	BeginUs int64 `json:"beginUs"`
	EndUs   int64 `json:"endUs"`
	// Connections is the most it may have open at a time, Rate how many it may
	// open a second.
	Connections int     `json:"connections"`
	Rate        float64 `json:"rate"`
	AbuseCounts
	// OpenMax is the most that were open at a time.
	OpenMax uint64 `json:"openMax"`
	// Held is how long the connections lived that the peer ended.
	Held Latency `json:"held"`
	// Variants are the counts of the different things tried, where a kind has
	// several; they add up to the whole.
	Variants []AbuseVariant `json:"variants,omitempty"`
}

// AbuseVariant is one of several things a kind tries.
type AbuseVariant struct {
	Name string `json:"name"`
	AbuseCounts
}

// AbuseCounts say what became of the connections. Attempts = Opened + Refused +
// Unreached + Local, and Opened = Closed + Reset + TimedOut + Left + Open.
type AbuseCounts struct {
	Attempts  uint64 `json:"attempts"`
	Opened    uint64 `json:"opened"`
	Refused   uint64 `json:"refused"`   // the connect was refused
	Unreached uint64 `json:"unreached"` // the connect failed otherwise
	Local     uint64 `json:"local"`     // out of ports or descriptors here
	Closed    uint64 `json:"closed"`    // the peer closed it
	Reset     uint64 `json:"reset"`     // the peer reset it
	TimedOut  uint64 `json:"timedOut"`  // the peer did nothing in time, so the client gave up
	Left      uint64 `json:"left"`      // the client ended it, as its kind does
	Open      uint64 `json:"open"`      // still there at the end
	// Answered counts connections with a response, Statuses all responses.
	Answered uint64            `json:"answered"`
	Statuses map[string]uint64 `json:"statuses,omitempty"`
	Garbled  uint64            `json:"garbled,omitempty"` // connections with an answer that is no HTTP response
	Requests uint64            `json:"requests"`          // written completely
	BytesIn  uint64            `json:"bytesIn"`
	BytesOut uint64            `json:"bytesOut"`
}
