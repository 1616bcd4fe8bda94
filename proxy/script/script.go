// Package script is what the engine knows of scripts: what they have registered for
// configurations to name, and how that is run for a transaction. What language they are
// written in, and by what it is interpreted, is the business of who implements this.
package script

import (
	"bench/proxy/message"
	"bench/proxy/service"
	"bench/proxy/txn"
)

// Prefix is what stands before the names of all that scripts have registered.
const Prefix = "lua."

// Function is something that a script has registered.
type Function struct {
	// Name is the one that it was given, without the prefix.
	Name string
	// Args is how many arguments an action takes.
	Args int
	// HTTP: a service speaks HTTP.
	HTTP bool
}

// Registry is all that scripts have registered. Finding something that is not there
// returns nil.
type Registry interface {
	Fetch(name string) *Function
	Converter(name string) *Function
	// Action finds an action by the keyword of the rules that it is for.
	Action(place, name string) *Function
	Service(name string) *Function
}

// Machine runs scripts on the loop of one thread.
type Machine interface {
	// Fetch computes a value, and Convert changes one. Neither waits. They report false
	// where there is no value. What the value points to is good until the next call.
	Fetch(f *Function, t *txn.Txn, args []string, v *txn.Value) bool
	Convert(f *Function, t *txn.Txn, args []string, v *txn.Value) bool
	// Act begins an action; nothing of it is run before Resume. about tells whether it is
	// about the response.
	Act(f *Function, t *txn.Txn, args []string, ofResponse bool) txn.Script
	// Serve begins a service, in the same way.
	Serve(f *Function, a Applet) Serving
}

// Applet is a stream as a service sees it.
type Applet interface {
	Txn() *txn.Txn
	// Request is the one to answer; nil where there is no HTTP.
	Request() *message.Request
	// Receive takes at most so many bytes of what the client has sent. With nothing there
	// is nothing yet, or at the end nothing more; Wake tells when to look again.
	Receive(most int) (data []byte, end bool)
	// Begin sends the head of the answer, with the first content. It is called once.
	Begin(h service.Head)
	// Send takes as much of a piece of the answer as there is room for. After less than all
	// of it, Wake tells when there is room again.
	Send(p []byte) int
	// Gone reports whether nobody wants the answer any more.
	Gone() bool
	// Wake has the service go on soon.
	Wake()
}

// Serving is a service at work.
type Serving interface {
	// Resume goes on. Until over it waits for Wake, or for a time: wait is how many
	// nanoseconds at most, 0 for ever. failed: there is no answer.
	Resume() (over, failed bool, wait int64)
	// Abort ends it.
	Abort()
}
