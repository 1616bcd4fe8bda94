package spec

// Observe is what of a server's traffic counts for its health.
type Observe uint8

// What counts (configuration manual, "observe").
const (
	ObserveNothing Observe = iota
	ObserveLayer4
	ObserveLayer7
)

// OnError is what follows from too many errors in a row; always, the next check comes
// sooner.
type OnError uint8

// What follows (configuration manual, "on-error").
const (
	OnErrorFailCheck OnError = iota
	OnErrorFastInter
	OnErrorSuddenDeath
	OnErrorMarkDown
)
