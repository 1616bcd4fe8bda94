package txn

import (
	"time"

	"bench/proxy/message"
)

// Rules are the compiled rules of one step of one proxy. They are shared by all
// threads; what they remember of a transaction is in the transaction.
type Rules interface {
	// Run goes on from t.Rule, to the end of the list or to the first rule that
	// decides. With Wait it leaves in out.Need what for, and in t.Rule where to go on: at
	// the same rule, which looks again, or behind it, where the time has been spent
	// (Need.Tarpit). With every other verdict t.Rule is 0. With Answered out holds the
	// answer. out is empty when Run is called.
	//
	// A rule that waits for more must decide when t.Final is set.
	Run(t *Txn, out *Outcome) Verdict
}

// Outcome is what comes with a verdict.
type Outcome struct {
	// Need is what to wait for, with Wait.
	Need Need
	// Reply and Content are the answer, with Answered. They are sent before anything
	// else happens to the transaction, and may lie in memory that is used again.
	Reply   *message.Response
	Content []byte
	// Status is what counts and is logged as the answer's. Without a Reply it chooses one
	// of the proxy's standard answers, or the error file in its place.
	Status int
	// Mute, with Answered: there is no answer, and the connection ends.
	Mute bool
	// Service names what answers instead, "" for nothing.
	Service string
	// Denied counts the request, or response, as one that rules refused; an answer
	// that is none of these counts as one of the proxy's own services.
	Denied bool
	// Internal: the answer is about an error of the proxy's own.
	Internal bool
	// Unread: for the log, the message has never been complete.
	Unread bool
	// Failed counts the message as one that rules made impossible to send, Invalid the
	// request as one that is not understood.
	Failed, Invalid bool
	// Challenge is the realm of a standard answer that asks for a password; nil: none.
	Challenge []byte
	// Limit is how long a script may wait, 0 for ever, less: not at all. It is set for
	// Script.Resume.
	Limit time.Duration
	// Stop ends the list with txn.Next.
	Stop bool
	// Aborted, with Gone, is a connection that rules have ended without refusing it.
	Aborted bool
	// Silent, with Gone, lets the client's connection end without its knowing.
	Silent bool
	// Close ends the connection behind the answer.
	Close bool
	// ToHTTP: what follows on a connection in mode tcp is HTTP.
	ToHTTP bool
	// ExpectProxy: the connection begins with a header of the PROXY protocol.
	ExpectProxy bool
	// ExpectCIP: it begins with one of NetScaler Client IP insertion.
	ExpectCIP bool
}
