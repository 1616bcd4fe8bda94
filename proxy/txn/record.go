package txn

import (
	"time"

	"bench/internal/sock"
)

// NotReached stands for a timer of a step that the stream did not reach.
const NotReached = -1

// Record is everything a log line can speak of. A stream fills it in and hands
// it over once; nothing is kept of it. Timers are milliseconds, NotReached for
// steps that were not taken (configuration manual, section 8.4).
type Record struct {
	Client   sock.Addr
	Local    sock.Addr // the address the client connected to, or the listener's
	Socket   int       // the client's, which knows the address where the listener has all of them
	Frontend string
	Backend  string
	Server   string // "" is printed as <NOSRV>
	Mode     string // "HTTP" or "TCP"
	// AcceptDate is when the connection was accepted, RequestDate when the
	// first byte of the request came.
	AcceptDate, RequestDate time.Time

	Handshake int64 // Th
	Idle      int64 // Ti
	Request   int64 // TR
	Queue     int64 // Tw
	Connect   int64 // Tc
	Response  int64 // Tr
	Data      int64 // Td
	Active    int64 // Ta: from the first byte of the request
	Total     int64 // Tt: from the accept
	// AsSoonAsPossible marks a line sent before the end ("option logasap"): total
	// time and bytes are then preceded by "+".
	AsSoonAsPossible bool

	Status    int // 0 or less: none
	BytesOut  uint64
	BytesIn   uint64
	Flags     [2]byte // cause and state of the end of the stream
	HTTPFlags [2]byte // cookies: persistence of the client and of the server

	ActConn, FeConn, BeConn, SrvConn int64
	Retries                          int
	Redispatched                     bool
	SrvQueue, BeQueue                int64

	// Method, URI and Version are the request line as received; empty when no
	// request was read, which is printed as <BADREQ>.
	Method, URI, Version []byte
	// Backend connection, for formats that ask for it.
	ServerAddr, SourceAddr sock.Addr

	// Broken: what came has not become a request.
	Broken bool

	// ListenerID stands for the port of clients on unix sockets.
	ListenerID int
	// UniqueID of the stream, nil if none was made.
	UniqueID []byte
	// Captured headers in the order of their declaration, empty elements for
	// those that were absent; nil if nothing is captured or nothing was parsed.
	RequestCaptures, ResponseCaptures [][]byte
	// Captured cookies as "name=value"; nil if none.
	RequestCookie, ResponseCookie []byte
	// TLS says that the client speaks TLS, which marks the frontend's name.
	TLS                   bool
	TLSVersion, TLSCipher string
	// Count numbers the requests of the process, from 1.
	Count uint64
	// Failed marks a stream that met an error, a timeout, a retry, a redispatch
	// or a 5xx status: "option log-separate-errors" raises its level to err.
	Failed bool
}

// LocalAddr is the address the client connected to.
func (r *Record) LocalAddr() *sock.Addr {
	if r.Socket > 0 && r.Local.AddrPort().Addr().IsUnspecified() {
		if a, errno := sock.LocalAddr(r.Socket); errno == 0 {
			r.Local = a
		}
	}
	return &r.Local
}
