// Package simulation runs the whole engine in memory and in virtual time (package
// virtual): clients and origins of a plan drawn from a seed, on every kind of connection,
// with bytes that arrive in any pieces, readiness in any order, full buffers, resets,
// stalls and time-outs. It keeps books of its own of what becomes of each byte and each
// request, and holds the engine to them:
//
//   - every byte arrives once, in order, at whom it belongs;
//   - every request ends in one way, logged and counted once;
//   - the counters agree with the logs, and with what clients and origins have seen;
//   - when all connections are closed, nothing is left of them;
//   - nothing waits for ever.
//
// A seed that breaks one of these is a plan that can be run again, byte for byte, and is
// made smaller as long as it goes on breaking it.
package simulation
