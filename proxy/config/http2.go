package config

import (
	"math"
	"slices"

	"bench/proxy/spec"
)

// http2Keywords are the settings of HTTP/2 towards clients. Those with "fe." are what later
// versions of the reference have.
func http2Keywords() []keyword {
	type t = spec.Tune
	window := func(s *t) *int { return &s.H2Window }
	streams := func(s *t) *int { return &s.H2MaxStreams }
	const (
		windowDoc  = "Bytes of a request's content that a client of HTTP/2 may send ahead; at least a buffer's worth."
		streamsDoc = "Requests that a connection of HTTP/2 may have open at once; 0: any number."
	)
	return []keyword{
		globalFlag("h2-workaround-bogus-websocket-clients", "Do not offer WebSocket over HTTP/2.", func(g *spec.Global) *bool { return &g.Tune.NoWebsocketH2 }),
		tuneNumber("h2.header-table-size", 4096, 65536, "Dynamic header table that a client of HTTP/2 may use, in bytes.", func(s *t) *int { return &s.H2TableSize }),
		tuneNumber("h2.initial-window-size", 0, math.MaxInt32, windowDoc, window),
		tuneNumber("h2.fe.initial-window-size", 0, math.MaxInt32, windowDoc, window),
		tuneNumber("h2.max-concurrent-streams", 0, math.MaxInt32, streamsDoc, streams),
		tuneNumber("h2.fe.max-concurrent-streams", 0, math.MaxInt32, streamsDoc, streams),
		tuneNumber("h2.max-frame-size", 16384, 1<<24-1, "Largest frame taken from clients of HTTP/2, in bytes.", func(s *t) *int { return &s.H2MaxFrame }),
		tuneNumber("h2.fe.max-total-streams", 0, math.MaxInt32, "Requests after which a connection of HTTP/2 is ended gracefully; 0: never.", func(s *t) *int { return &s.H2MaxTotal }),
		tuneNumber("h2.fe.glitches-threshold", 0, math.MaxInt32, "Oddities after which a connection of HTTP/2 is ended with ENHANCE_YOUR_CALM; 0: 1000.", func(s *t) *int { return &s.H2Glitches }),
	}
}

// serverProto reads the protocol of connections to a server.
func (l *line) serverProto(w word, to *spec.Proto) {
	switch w.text {
	case "h1", "none":
		*to = spec.ProtoH1
	case "h2":
		*to = spec.ProtoH2
	default:
		l.fail(w, "protocol '%s' is not supported in 'server'", w.text)
	}
}

// websocketALPN is what servers that agree on a protocol are offered for websockets: without a
// word about it HTTP/1, if they are offered that at all.
func websocketALPN(how spec.Proto, alpn []string) []string {
	switch {
	case len(alpn) == 0:
	case how == spec.ProtoH2:
		return []string{"h2"}
	case how == spec.ProtoH1 || slices.Contains(alpn, "http/1.1"):
		return []string{"http/1.1"}
	}
	return nil
}
