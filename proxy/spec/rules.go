package spec

import "time"

// Action is what a rule does.
type Action uint8

// Actions (configuration manual, "http-request").
const (
	ActionWaitForBody Action = iota
	ActionTarpit
)

// Rule is one "http-request" line.
type Rule struct {
	Pos
	Action Action
	Time   time.Duration // of wait-for-body
	Bytes  int           // of wait-for-body, 0: the whole body
	Status int           // of tarpit
}
