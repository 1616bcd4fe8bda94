// Package difftest compares the engine with the real HAProxy: both get the same
// configuration, the same bytes from a client and the same scripted origin, and
// what the client saw, what the origin saw and what was logged must agree.
//
// All of it comes once more in pieces, as from a network, while another client of the
// same thread sends other bytes between them.
//
// The exchanges are tables in the test files. Where the engine differs on purpose,
// the exchange says how and why, and the test fails when it no longer does.
package difftest
