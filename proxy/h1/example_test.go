package h1_test

import (
	"fmt"

	"bench/proxy/h1"
	"bench/proxy/message"
)

// How a stream uses the codec, from the bytes of one receive call to the bytes
// sent on. A real stream keeps all of these from message to message.
func Example() {
	var (
		lim  = h1.DefaultLimits()
		in   h1.Parser
		req  message.Request
		body h1.Chunked
		out  []byte
	)
	// What has arrived so far, in the loop's scratch buffer, say.
	buf := []byte("POST /upload?x HTTP/1.1\r\nHost: example.org\r\nConnection: keep-alive\r\n" +
		"Transfer-Encoding: chunked\r\n\r\n5;note\r\nhello\r\n0\r\n\r\nGET / HT")

	n, err := in.Request(&req, buf, &lim)
	switch {
	case err != nil: // answer err.Status, count, log, remember buf and in.ErrPos()
		fmt.Println(err)
		return
	case n == 0: // keep the bytes, read more, call again with all of them
		return
	}

	// Rules look at the message and change it.
	req.AddID(message.XForwardedFor, req.Arena.CopyString("192.0.2.1"))

	// req lies in buf: what is wanted of it after the turn is copied or, as here,
	// written out.
	out = h1.AppendRequest(out[:0], &req, h1.WriteOptions{KeepAlive: true, Peer: req.Version})

	// The body follows the head; what comes after it is the next request.
	rest := buf[n:]
	switch req.Body.Kind {
	case message.BodyChunked:
		body.Start(h1.ChunkKeep, 0)
		used, keep, err := body.Walk(rest)
		if err != nil {
			fmt.Println(err)
			return
		}
		out = append(out, rest[:keep]...)
		rest = rest[used:]
		if body.Done() {
			out = append(out, body.Tail()...)
		}
	case message.BodyLength: // forward req.Body.Length bytes
	case message.BodyNone, message.BodyUntilClose, message.BodyTunnel:
	}
	fmt.Printf("%q\n", out)
	fmt.Printf("%s from %s, payload %d, next %q\n", req.Path(), req.Host(), body.Payload(), rest)

	// Output:
	// "POST /upload?x HTTP/1.1\r\nhost: example.org\r\ntransfer-encoding: chunked\r\nx-forwarded-for: 192.0.2.1\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
	// /upload from example.org, payload 5, next "GET / HT"
}
