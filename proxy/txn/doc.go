// Package txn is what a transaction is: a request with its response, or in TCP mode
// a connection, as rules, samples and logs see it. It holds what they read (messages,
// what has come of a body, variables, captures) and names what else they may ask the
// stream for.
//
// It lies below the stream, which fills it in. No sockets, no policy, no wire syntax
// may enter here.
package txn
