// Package message is the neutral model of an HTTP message: start line, header
// fields, and what is known of the body. Codecs (proxy/h1 now, HTTP/2 later)
// fill it in and write it out; rules, sample fetches, logs and statistics see
// nothing else.
//
// Text is never copied while parsing: names, values, method and target are
// slices of the buffer the bytes arrived in. A message is therefore good for as long
// as that buffer is left alone, which is one turn of the loop: what is wanted later
// is copied out of it. Text that the proxy adds lives in the message's Arena.
//
// Invariants of a parsed or edited message: field names are lower-case tokens,
// values carry neither CR, LF nor NUL and have no blanks around them.
//
// No wire syntax, no sockets, no policy may enter here.
package message
