package sample

import (
	"slices"

	"bench/proxy/txn"
)

// Where values can be had.
var (
	checks = txn.At(txn.StepCheck)
	// always: wherever there is a client. What the engine knows of itself health checks have
	// as well (inside), and what nobody needs to know anything for is to be had anywhere.
	always   = txn.Between(txn.StepConnection, txn.StepLog)
	inside   = always | checks
	anywhere = inside | txn.At(txn.StepProcess)
	buffered = txn.Between(txn.StepContent, txn.StepContent)
	// reading: while the request's head is there. In mode http it is when rules about
	// content run.
	reading  = txn.Between(txn.StepContent, txn.StepServer)
	asked    = txn.Between(txn.StepContent, txn.StepLog) // what is kept of the request
	answered = txn.At(txn.StepResponse) | checks
	known    = txn.Between(txn.StepResponse, txn.StepLog) // what is kept of the response
	backend  = txn.Between(txn.StepBackend, txn.StepLog) | checks
	served   = txn.Between(txn.StepServer, txn.StepLog) | checks
)

// fetches gathers the rows of all families, in the order of the manual.
var fetches = slices.Concat(
	constantFetches(),
	internalFetches(),
	connectionFetches(),
	tlsFetches(),
	contentFetches(),
	requestFetches(),
	fieldFetches(),
	bodyFetches(),
	authFetches(),
	hashFetches(),
	figureFetches(),
	urlFetches(),
	responseBodyFetches(),
	tcpFetches(),
	rdpFetches(),
	responseFetches(),
	keptFetches(),
	identityFetches(),
	trackedFetches(),
	sourceFetches(),
	tableFetches(),
	workFetches(),
	distccFetches(),
	htxFetches(),
)

// text makes the value a string of its own.
func (c *Context) text(v *txn.Value, s string) bool {
	if s == "" {
		return false
	}
	v.Kind = txn.Str
	return c.keep(v, append(c.spare(), s...))
}
