package txn

import "strings"

// Step is a place on the way of a transaction at which rules run or samples are
// taken, in the order in which they are reached.
type Step uint8

// The steps, in the order of the reference's analysers (configuration manual,
// sections 2.7 and 7.3).
const (
	StepConnection Step = iota // "tcp-request connection": accepted, nothing read
	StepSession                // "tcp-request session": handshakes are done
	StepContent                // "tcp-request content": bytes have come
	StepRequest                // "http-request" of the frontend, and switching
	StepBackend                // "http-request" of the backend
	StepServer                 // a server was chosen
	StepResponse               // "http-response"
	StepLog                    // all is over
	StepProcess                // none of a transaction: there is nothing but the process
	StepCheck                  // a rule of a health check, which is no transaction either
	numSteps
)

var stepNames = [numSteps]string{
	"'tcp-request connection' rules", "'tcp-request session' rules", "'tcp-request content' rules",
	"rules of a frontend's requests", "rules of a backend's requests", "a request that has a server",
	"rules of responses", "logs", "variables of the process", "health checks",
}

func (s Step) String() string { return stepNames[s] }

// Steps is a set of steps.
type Steps uint16

// Between is the set from the first step to the last one.
func Between(first, last Step) Steps {
	return Steps(1)<<(last+1) - Steps(1)<<first
}

// At is the set of one step.
func At(s Step) Steps { return 1 << s }

// Has reports whether the step belongs to the set.
func (s Steps) Has(step Step) bool { return s>>step&1 != 0 }

// String lists the steps of transactions.
func (s Steps) String() string {
	var names []string
	for i := range StepProcess {
		if s.Has(i) {
			names = append(names, i.String())
		}
	}
	return strings.Join(names, ", ")
}

// Verdict is what a step of a transaction, or a list of rules, says of it.
type Verdict uint8

// The verdicts.
const (
	// Next: go on with what follows.
	Next Verdict = iota
	// Wait: not decided yet. Need says for what; then the same step is asked again.
	Wait
	// Answered: the proxy answers itself, and nothing more of this request is looked at.
	Answered
	// Gone: the connection ends without an answer.
	Gone
)

func (v Verdict) String() string {
	return [...]string{"next", "wait", "answered", "gone"}[v]
}
