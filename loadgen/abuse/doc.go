// Package abuse is the clients that misbehave: they flood, drip, stall, break
// off and send nonsense, and count what the peer does about it. Each set of them
// is one [Spec], run by one event loop, bounded in time and connections.
//
// What may not enter: measured load, which is package loadgen's, and anything
// below the sockets' interface: packets are made elsewhere.
package abuse
