package txn

// Figure is a number that the engine knows of a backend or a server.
type Figure uint8

// Figures of backends.
const (
	// FreeSlots are those of usable servers, -1 if one has no limit; FreePlaces counts
	// their queues as well.
	FreeSlots Figure = iota
	FreePlaces
	// AverageQueue is the number of waiting streams for each usable server.
	AverageQueue
	// BackendSessions are those of the last second.
	BackendSessions
)

// Figures of frontends, of the last second.
const (
	FrontendSessions Figure = iota
	FrontendRequests
)

// Figures of servers.
const (
	ServerFree     Figure = iota // slots, -1 without a limit
	ServerQueue                  // streams that wait for it
	ServerWeight                 // in force
	ServerInitial                // weight, as configured
	ServerUser                   // weight, as set
	ServerSessions               // of the last second
)

// Timeout is one of the time-outs that samples may ask for.
type Timeout uint8

// Time-outs.
const (
	TimeoutClient Timeout = iota
	TimeoutServer
	TimeoutTunnel
)
