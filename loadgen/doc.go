// Package loadgen generates load and measures how it was served.
//
// In an open loop a request has an intended start, fixed before the run by a
// [pace.Pacer]; response time counts from there, so that a target which stops cannot
// slow down the clock that measures it. In a closed loop each connection sends
// its next request when the previous one has ended and the think time is over.
//
// One load is one [workload.Spec], run by one event loop on one thread (package
// worker). A protocol is one [codec.Codec]. This package is the life of the process
// that carries a load out. What may not enter: anything from the proxy engine, so that a
// bug there cannot be answered by the same bug here, and any correction of
// recorded values after the fact.
package loadgen
