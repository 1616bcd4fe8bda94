package trace

import "slices"

// Events of connections and messages of HTTP/1.
const (
	H1ConnNew = iota
	H1ConnRecv
	H1ConnEnd
	H1HeadIn
	H1HeadOut
	H1StreamNew
	H1StreamEnd
	H1StreamErr
)

// Events of connections of HTTP/2.
const (
	H2ConnNew = iota
	H2ConnRecv
	H2ConnSend
	H2ConnEnd
	H2Frame
	H2StreamNew
	H2StreamEnd
)

// Events of streams.
const (
	StreamNew = iota
	StreamFree
	StreamErr
	StreamHTTP
	StreamTCP
)

// Events of health checks.
const (
	CheckGood = iota
	CheckBad
)

// Sources are all parts that can be traced.
type Sources struct{ H1, H2, Stream, Check Source }

// OfStreams tells whether events of a level matter that streams have: those of their own,
// or of HTTP/1.
func (a *Sources) OfStreams(l Level) bool { return a.Stream.On(l) || a.H1.On(l) }

var ofConnections = []Lock{Backend, Connection, Frontend, Listener, Nothing, Server, Session, Thread}

// New makes the sources, which report nothing yet.
func New() *Sources {
	all := &Sources{
		H1: Source{Name: "h1", Doc: "connections and messages of HTTP/1", Events: []Event{
			{"h1c_new", "a connection begins"},
			{"h1c_recv", "bytes have come"},
			{"h1c_end", "a connection is over"},
			{"rx_headers", "a head has come"},
			{"tx_headers", "a head is sent"},
			{"h1s_new", "a request begins"},
			{"h1s_end", "a request is over"},
			{"h1s_err", "a message is invalid"},
		}},
		H2: Source{Name: "h2", Doc: "connections of HTTP/2", Events: []Event{
			{"h2c_new", "a connection begins"},
			{"h2c_recv", "bytes have come"},
			{"h2c_send", "bytes are sent"},
			{"h2c_end", "a connection is over"},
			{"rx_frame", "a frame has come"},
			{"h2s_new", "a stream begins"},
			{"h2s_end", "a stream is over"},
		}},
		Stream: Source{Name: "stream", Doc: "requests and connections on their way", Events: []Event{
			{"strm_new", "a stream begins"},
			{"strm_free", "a stream is over"},
			{"strm_err", "a stream fails"},
			{"http_ana", "a step of a request or a response"},
			{"tcp_ana", "a step of a connection in mode tcp"},
		}},
		Check: Source{Name: "check", Doc: "health checks", Events: []Event{
			{"hchck_succ", "a check has succeeded"}, {"hchck_err", "a check has failed"},
		}, Locks: []Lock{Own, Nothing, Thread}, Own: Event{"check", "the check"}},
	}
	all.H1.Locks, all.H2.Locks = append(slices.Clone(ofConnections), Own), ofConnections
	all.Stream.Locks = []Lock{Backend, Frontend, Listener, Nothing, Server, Session, Own, Thread}
	all.H1.Own, all.Stream.Own = Event{"h1s", "the request"}, Event{"stream", "the stream"}
	for _, s := range all.List() {
		s.status.Level, s.status.Verbosity = User, Clean
		s.status.On[Report] = All
	}
	return all
}

// List are the sources in the order in which they are shown.
func (a *Sources) List() []*Source { return []*Source{&a.H2, &a.H1, &a.Stream, &a.Check} }
