// Package format is what a scenario is made of: its types, which are the format, how
// they are filled in from the text, and what follows from them. What a scenario may not
// say is for package validate.
package format

// Scenario is one experiment: a proxy between origins and clients, the load on
// it, what happens to it meanwhile, and what must hold.
//
// The types of this file are the format. A field's yaml tag is its key, its
// default tag the text that stands in when the key is absent, and its doc
// comment the description in the JSON Schema.
type Scenario struct {
	// Version of the format: 1.
	Version int `yaml:"version,required"`
	// Name of the scenario: lower-case letters, digits, - and _.
	Name string `yaml:"name,required"`
	// Description says which question the scenario answers.
	Description string `yaml:"description"`
	// Seed of everything random in the run: arrivals, latencies, mixes.
	Seed uint64 `yaml:"seed" default:"1"`
	// Vars are values that ${name} stands for anywhere in the file; --set
	// name=value overrides one.
	Vars map[string]string `yaml:"vars"`
	// Matrix runs the scenario once per combination; ${axis} stands for the
	// value of the combination.
	Matrix map[string][]string `yaml:"matrix"`
	// Repeat runs every combination so many times, each with a seed of its own.
	Repeat int `yaml:"repeat" default:"1"`
	// Proxy is the proxy under test.
	Proxy Proxy `yaml:"proxy,required"`
	// Companions are further proxies beside it, such as its peers.
	Companions []Companion `yaml:"companions"`
	// Network gives the parts of the run nodes of their own, joined by wires;
	// without it all share the loopback interface.
	Network *Network `yaml:"network"`
	// Hosts are the machines that parts of the run may be on, with bench run --hub;
	// without it everything is on this one.
	Hosts []HostRole `yaml:"hosts"`
	// Backends are the mock origins.
	Backends []Backend `yaml:"backends"`
	// Load lists the clients; all start together.
	Load []Load `yaml:"load,required"`
	// Abuse lists clients that misbehave beside the load. Nothing of theirs is
	// measured as load; what became of their connections is counted.
	Abuse []Abuse `yaml:"abuse"`
	// Events are what is done to the system while the load goes on.
	Events []Event `yaml:"events"`
	// SteadyState must hold over the measured time before the first event,
	// otherwise the run says nothing about the events (exit 4), and again over
	// the second half of the time after the last one, otherwise the system has
	// not come back (exit 1).
	SteadyState string `yaml:"steadyState"`
	// Objectives must hold at the end; a broken one fails the run (exit 1).
	Objectives []Objective `yaml:"objectives"`
	// Compare tunes how "bench compare" compares runs of the scenario.
	Compare *Compare `yaml:"compare"`
}

// Proxy says which proxy is tested and how it is started.
type Proxy struct {
	// Driver is builtin (the engine of this program), haproxy or nginx (those of
	// this machine), exec (any command) or external (a proxy that runs already,
	// which the run never starts, stops or signals).
	Driver string `yaml:"driver" default:"builtin" enum:"builtin,haproxy,nginx,exec,external"`
	// Config is the proxy's configuration in the language of the driver, a Go text/template that sees
	// {{bind "name"}}, {{listener "proxy" "name"}}, {{.Backends.name}}, {{.Stats}}, {{.Dir}}, {{.Poller}}
	// and {{.Seed}}.
	Config string `yaml:"config"`
	// ConfigFile is read in place of config, relative to the scenario.
	ConfigFile string `yaml:"configFile"`
	// Poller is the event back end: epoll, poll, select, io_uring (driver
	// builtin only), or empty for the proxy's own choice.
	Poller string `yaml:"poller" enum:",epoll,poll,select,io_uring"`
	// CPUs the proxy may run on; empty leaves the choice to the runner. Of driver
	// external those it does run on, which loads and origins stay away from.
	CPUs []int `yaml:"cpus"`
	// Listeners of driver external.
	Listeners []Listener `yaml:"listeners"`
	// PID is the process of driver external, or its master, for figures of its CPU
	// time and memory; if it is absent, the one that its stats socket tells.
	PID int `yaml:"pid" default:"0"`
	// Stats tunes the reading of the proxy's counters.
	Stats Stats `yaml:"stats"`
	// Binary is the program of drivers haproxy and nginx, looked up in PATH, or of
	// driver builtin another build of this program, in place of the one that runs.
	Binary string `yaml:"binary"`
	// Reload is how proxy.reload replaces the process of drivers builtin and
	// haproxy: handover (the new one takes the listening sockets from the old
	// one's stats socket), reuseport (it binds beside the old one), restart (the
	// old one is stopped first) or master (a master process starts a new worker).
	Reload string `yaml:"reload" default:"handover" enum:"handover,reuseport,restart,master"`
	// Threads of drivers builtin and haproxy, in place of nbthread of the configuration; 0
	// leaves it to that. Without cpus the proxy gets as many processors.
	Threads int `yaml:"threads" default:"0"`
	// Args are added to the command line of drivers builtin, haproxy and nginx.
	Args []string `yaml:"args"`
	// Command of driver exec; each word is a template like config, which also
	// sees {{.Config}}, the path of the configuration.
	Command []string `yaml:"command"`
	// ReloadSignal makes driver exec reload by a signal to the running process.
	ReloadSignal string `yaml:"reloadSignal" enum:",HUP,USR1,USR2"`
	// Node of the network that the proxy runs on; "" is proxy.
	Node string `yaml:"node"`
	// OnHost is the role of the machine that the proxy runs on; "" is this one.
	OnHost string `yaml:"onHost"`
	// Ready bounds the time from the start of a proxy until it serves.
	Ready Duration `yaml:"ready" default:"10s"`
}

// Listener is an address of a proxy that runs already.
type Listener struct {
	// Name by which loads know it: target proxy/NAME.
	Name string `yaml:"name,required"`
	// Address that the listener has: IP:PORT.
	Address string `yaml:"address,required"`
	// Frontend that it belongs to in the proxy's counters; the name if it is absent.
	Frontend string `yaml:"frontend"`
}

// Stats tunes the reading of the proxy's counters.
type Stats struct {
	// Socket is the path of the stats socket of driver external; without one there are
	// no counters.
	Socket string `yaml:"socket"`
	// Every is the time between two readings.
	Every Duration `yaml:"every" default:"250ms"`
}

// Backend is a set of equal mock origins. Replica i of backend web is web.i,
// counted from 1.
type Backend struct {
	// Name by which the configuration template and the events know it.
	Name string `yaml:"name,required"`
	// Kind of the origin's protocol: http, tcp, mysql, redis or dns.
	Kind string `yaml:"kind" default:"http" enum:"http,tcp,mysql,redis,dns"`
	// Replicas is the number of origin processes.
	Replicas int `yaml:"replicas" default:"1"`
	// Latency is the time to an answer, a fixed duration or a distribution:
	// 2ms, uniform(1ms, 3ms), normal(2ms, 500us), lognormal(2ms, 0.5),
	// exponential(2ms).
	Latency Distribution `yaml:"latency" default:"0ms"`
	// Body is the size of the answer's body, fixed or a distribution:
	// uniform(1KiB, 64KiB). Kind http only.
	Body Distribution `yaml:"body" default:"1KiB"`
	// Status of the answers. Kind http only.
	Status int `yaml:"status" default:"200"`
	// RequestsPerConnection closes a connection after this many requests; 0
	// never does. Kind http only.
	RequestsPerConnection int `yaml:"requestsPerConnection" default:"0"`
	// HTTP says what origins of kind http answer beside body and status.
	HTTP HTTPOrigin `yaml:"http"`
	// TLS is the certificate of origins that speak TLS, of any kind but dns; they are in
	// clear if it is not said. Those of kind mysql offer it, and leave it to their clients.
	TLS *TLSOrigin `yaml:"tls"`
	// TCP says what origins of kind tcp do with a connection.
	TCP TCPOrigin `yaml:"tcp"`
	// MySQL says what origins of kind mysql are and answer.
	MySQL MySQLOrigin `yaml:"mysql"`
	// Redis says what origins of kind redis are and hold.
	Redis RedisOrigin `yaml:"redis"`
	// DNS says what origins of kind dns know.
	DNS DNSOrigin `yaml:"dns"`
	// Listen is the address of the first replica, IP:PORT; those of the others count
	// up. Without it the run chooses free ones.
	Listen string `yaml:"listen"`
	// Node of the network that the origins run on; "" is origin.
	Node string `yaml:"node"`
	// OnHost is the role of the machines that the origins run on, in turn; "" is this one.
	OnHost string `yaml:"onHost"`
	// CPUs the origins may run on; empty leaves the choice to the runner.
	CPUs []int `yaml:"cpus"`
}

// Load is one stream of requests.
type Load struct {
	// Name by which objectives and reports know the load.
	Name string `yaml:"name,required"`
	// Protocol of the requests: http1, http2, tcp, mysql or redis.
	Protocol string `yaml:"protocol" default:"http1" enum:"http1,http2,tcp,mysql,redis"`
	// Target is proxy/NAME for the address {{bind "NAME"}} of the
	// configuration or the listener NAME of driver external, COMPANION/NAME for that of
	// another proxy, or origin/BACKEND to go past the proxies.
	Target string `yaml:"target,required"`
	// Arrival of the requests: constant or poisson (open loop, at the rate of
	// the phase whatever the answers do) or closed (each connection sends its
	// next request when the last one is answered) or trace (the requests of a
	// file, at its times).
	Arrival string `yaml:"arrival" default:"constant" enum:"constant,poisson,closed,trace"`
	// Think is the pause of a closed load between an answer and the next request.
	Think Duration `yaml:"think" default:"0s"`
	// Trace is what arrival trace replays.
	Trace *Trace `yaml:"trace"`
	// Connections of the load.
	Connections Connections `yaml:"connections"`
	// TLS secures the connections; they are in clear if it is not said.
	TLS *TLSLoad `yaml:"tls"`
	// HTTP2 is how a load of protocol http2 uses its connections. Its requests are those of
	// http1. It is agreed on in TLS; in clear, the load speaks it at once.
	HTTP2 *HTTP2Load `yaml:"http2"`
	// TCP is what a load of protocol tcp sends and expects.
	TCP *TCPLoad `yaml:"tcp"`
	// MySQL is what a load of protocol mysql sends and expects.
	MySQL *MySQLLoad `yaml:"mysql"`
	// Redis is what a load of protocol redis sends. The other keys about requests
	// and answers, from method to requests, belong to protocols http1 and http2.
	Redis *RedisLoad `yaml:"redis"`
	// Method of the requests.
	Method string `yaml:"method" default:"GET"`
	// Path of the requests, query included. {{seq}} is the number of the request,
	// {{user}} that of the virtual user, {{random A B}} a whole number from A to
	// B, {{hex N}} and {{letters N}} that many random digits or letters.
	Path string `yaml:"path" default:"/"`
	// Host of the requests, which may have variables like path; the target's address if
	// it is empty.
	Host string `yaml:"host"`
	// Headers are added to each request; values may have variables like path.
	Headers map[string]string `yaml:"headers"`
	// Body of the requests.
	Body Content `yaml:"body"`
	// Cookies lets every virtual user keep the cookies that answers set, and
	// send them again; and has it counted how often one meets another origin.
	Cookies bool `yaml:"cookies" default:"false"`
	// Expect says what a good answer is.
	Expect Expect `yaml:"expect"`
	// Requests are several kinds of requests, chosen by weight and reported by
	// name. What one does not say is as the load says.
	Requests []Request `yaml:"requests"`
	// Timeout of a request, from its intended start.
	Timeout Duration `yaml:"timeout" default:"5s"`
	// ConnectTimeout bounds the opening of a connection; 0s is the timeout.
	ConnectTimeout Duration `yaml:"connectTimeout" default:"0s"`
	// Integrity checks that what arrives is what was sent, for protocols http1, http2 and tcp.
	Integrity Integrity `yaml:"integrity" default:"on"`
	// Pieces sends requests in pieces; whole if it is not said.
	Pieces *Pieces `yaml:"pieces"`
	// Phases follow one another without a gap.
	Phases []Phase `yaml:"phases,required"`
	// Node of the network that the load runs on; "" is client.
	Node string `yaml:"node"`
	// OnHost is the role of the machines that share the load; "" is this one.
	OnHost string `yaml:"onHost"`
	// CPUs the load may run on; empty leaves the choice to the runner.
	CPUs []int `yaml:"cpus"`
	// Processes that share the load; 0 takes one, or as many as the descriptors
	// of its connections need.
	Processes int `yaml:"processes" default:"0"`
	// Threads of each process that share its part.
	Threads int `yaml:"threads" default:"1"`
}

// HTTP2Load is how a load of protocol http2 uses its connections.
type HTTP2Load struct {
	// Streams is how many requests are under way on a connection at a time, of which the
	// peer may allow fewer.
	Streams int `yaml:"streams" default:"100"`
	// Window is how much of a body may come on a stream before it has been read. A
	// connection's is that of all its streams.
	Window Size `yaml:"window" default:"1MiB"`
}

// TLSLoad is how the connections of a load are secured.
type TLSLoad struct {
	// Name that is asked for; none if it is empty.
	Name string `yaml:"name"`
	// Verify the certificate: that it is for the name, valid, and signed by the authority
	// of the run, {{ca}}.
	Verify bool `yaml:"verify" default:"false"`
	// Certificate is the name in the certificate that the client shows if it is asked for
	// one; none if it is empty. The authority of the run signs it.
	Certificate string `yaml:"certificate"`
	// Flaws of that certificate: expired, foreign.
	Flaws []string `yaml:"flaws"`
	// Ciphers are the suites of TLS 1.2 that are offered, by IANA's names; the usual ones if
	// there are none.
	Ciphers []string `yaml:"ciphers"`
	// Sessions says how connections begin: resumed goes on with the session of an earlier
	// one, as browsers do, full shakes hands in full each time.
	Sessions string `yaml:"sessions" default:"resumed" enum:"resumed,full"`
	// Version of TLS, 1.2 or 1.3; empty is any.
	Version string `yaml:"version" enum:",1.2,1.3"`
}

// TLSOrigin is the certificate that an origin shows.
type TLSOrigin struct {
	// Name that the certificate is for.
	Name string `yaml:"name,required"`
	// Flaws of the certificate: expired, foreign.
	Flaws []string `yaml:"flaws"`
}

// Trace is a record of requests to send again.
type Trace struct {
	// File with the requests, relative to the scenario. Times count from its
	// earliest request.
	File string `yaml:"file,required"`
	// Format is plain (lines of SECONDS METHOD PATH [NAME], NAME being one of
	// requests) or httplog (HAProxy's); empty finds it out.
	Format string `yaml:"format" enum:",plain,httplog"`
	// Speed divides the times: 2 replays in half the time.
	Speed float64 `yaml:"speed" default:"1"`
}

// Connections bounds and churns the connections of a load.
type Connections struct {
	// Pool is the greatest number of connections at a time; unlimited opens
	// one whenever none is idle.
	Pool Pool `yaml:"pool" default:"64"`
	// RequestsPerConnection closes a connection after this many requests; 0
	// never does, 1 makes every request use a connection of its own.
	RequestsPerConnection int `yaml:"requestsPerConnection" default:"0"`
	// MaxAge makes the first request on a connection of this age its last; 0s
	// never does.
	MaxAge Duration `yaml:"maxAge" default:"0s"`
	// Pipeline is how many requests are sent on a connection ahead of their
	// answers, the one being answered included.
	Pipeline int `yaml:"pipeline" default:"1"`
}

// Phase is a stretch of a load's time.
type Phase struct {
	// Name of the phase. Phases of one name in several loads must coincide.
	Name string `yaml:"name,required"`
	// Rate of the arrivals, 2000/s, or a ramp, 0..2000/s. Not with closed arrival
	// or a trace.
	Rate *Rate `yaml:"rate"`
	// Steps makes a ramp go in this many equal steps, both ends included, instead
	// of in a straight line.
	Steps int `yaml:"steps" default:"1"`
	// Burst lets so many requests arrive at the same time; the rate stays.
	Burst int `yaml:"burst" default:"1"`
	// Connections in place of the load's pool from this phase on.
	Connections *Pool `yaml:"connections"`
	// For is how long the phase lasts.
	For Duration `yaml:"for,required"`
	// Measure false keeps the phase out of the results, as a warm-up.
	Measure bool `yaml:"measure" default:"true"`
}

// Event is something done to the system, once or repeatedly.
type Event struct {
	// At is when: a duration after the start, a phase's name (its beginning)
	// or both: steady+12s.
	At string `yaml:"at"`
	// Every repeats the event all through the phase named by in, the first
	// time this long after the beginning of the phase.
	Every Duration `yaml:"every"`
	// When is a condition on the proxy's counters, PROXY/SERVER COLUMN OP VALUE
	// as in: web/web.1 status == DOWN. The event happens once, when it first
	// holds.
	When string `yaml:"when"`
	// In is the phase of a repeated event, or the one that when waits in; the
	// whole run if it is empty.
	In string `yaml:"in"`
	// Until is a condition, as for when, that ends a repeated event.
	Until string `yaml:"until"`
	// Do is the action.
	Do string `yaml:"do,required"`
	// Args of the action.
	Args EventArgs `yaml:"args"`
}

// EventArgs are the arguments of an action; which are needed and allowed
// depends on the action.
type EventArgs struct {
	// Name of the origin, web.1, or of a backend for all its replicas, web; of
	// process actions also proxy.
	Name string `yaml:"name"`
	// For is how long the fault lasts.
	For Duration `yaml:"for"`
	// Status that backend.fail answers with: of HTTP, the number of a MySQL error, or
	// the code of an answer of DNS.
	Status int `yaml:"status"`
	// Rate is a share, 0 to 1: of the answers that backend.fail and backend.corrupt
	// hit, of the packets on a wire, of a processor that process.starve leaves.
	Rate *float64 `yaml:"rate"`
	// Latency that backend.latency answers with, as a backend's latency.
	Latency Distribution `yaml:"latency"`
	// Scope of backend.reset: the connections accepted while it lasts (new),
	// those open when it begins (live), or both.
	Scope string `yaml:"scope" enum:",new,live,both"`
	// Bytes that backend.truncate and backend.tlsTruncate write of an answer before they close, that
	// backend.trickle writes at a time, that a connection carries before
	// network.resetAfter, that a packet may have after network.mtu, or that
	// process.limitMemory leaves.
	Bytes *Size `yaml:"bytes"`
	// Every is the time between two pieces of backend.trickle.
	Every Duration `yaml:"every"`
	// Bandwidth of each connection that backend.bandwidth limits, or of each
	// direction of a wire, a size a second: 64KiB.
	Bandwidth Size `yaml:"bandwidth"`
	// State of backend.state: read-only or replication-stopped of MySQL; loading,
	// misconf or masterdown of Redis.
	State string `yaml:"state" enum:",read-only,replication-stopped,loading,misconf,masterdown"`
	// Role that backend.role gives: primary or replica.
	Role string `yaml:"role" enum:",primary,replica"`
	// Records that backend.records has a name server answer out of, as those of a backend.
	Records *string `yaml:"records"`
	// Lag of replication that backend.lag makes the origin tell.
	Lag Duration `yaml:"lag"`
	// Connections that backend.limit admits at a time.
	Connections *int `yaml:"connections"`
	// Wire of the network that the event happens to.
	Wire string `yaml:"wire"`
	// Direction of the packets: upstream (to the origins), downstream or both.
	Direction string `yaml:"direction" enum:",upstream,downstream,both"`
	// Protocol of the packets; empty is all.
	Protocol string `yaml:"protocol" enum:",tcp,udp,icmp"`
	// Only these connections: to proxy/LISTENER, COMPANION/LISTENER or origin/REPLICA.
	Only string `yaml:"only"`
	// Share of the connections that the event happens to, 0 to 1; 0 is all.
	Share float64 `yaml:"share" default:"0"`
	// Delay of packets, a fixed duration or a distribution.
	Delay Distribution `yaml:"delay"`
	// Correlation of the delays of successive packets, 0 to below 1.
	Correlation float64 `yaml:"correlation" default:"0"`
	// Overtake lets packets of a connection overtake each other when their delays
	// differ.
	Overtake bool `yaml:"overtake" default:"false"`
	// Burst loses packets in bursts, in place of rate.
	Burst *Burst `yaml:"burst"`
	// Queue is how long packets may wait for bandwidth before they are lost; 0s
	// is 100ms.
	Queue Duration `yaml:"queue" default:"0s"`
	// Mechanism of an action on a wire: link (the userspace link), kernel, or
	// empty for the one that fits.
	Mechanism string `yaml:"mechanism" enum:",link,kernel"`
	// Capture writes what passes the wire meanwhile to a pcapng file in the result
	// folder.
	Capture bool `yaml:"capture" default:"false"`
	// Arrivals of the SYNs of connections.synFlood: 10000/s.
	Arrivals PerSecond `yaml:"arrivals" default:"0/s"`
	// With is how network.reject turns packets away.
	With string `yaml:"with" enum:",reset,icmp"`
	// Count of SYN-ACKs that network.dropSynAck loses of each connection, of open
	// files that process.limitFiles leaves, of connections that connections.reset
	// resets at most or connections.halfOpen opens.
	Count *int `yaml:"count"`
	// Certificate that proxy.renew puts into the place of {{cert "NAME"}}, or that
	// backend.certificate has origins show, by its name. The authority of the run signs it.
	Certificate string `yaml:"certificate"`
	// Flaws of that certificate of backend.certificate: expired, foreign.
	Flaws []string `yaml:"flaws"`
	// Command that proxy.command sends to the proxy's stats socket.
	Command string `yaml:"command"`
}

// Objective is one limit: an expression, or an expression with a window.
type Objective struct {
	// Expr is a comparison such as "response.p99 < 50ms".
	Expr string `yaml:"expr,required"`
	// Window confines the expression to the time around each event of a kind,
	// "proxy.reload -1s..+2s", or to a phase. The worst window counts.
	Window string `yaml:"window"`
	// Abort ends the run as soon as the objective is broken. It must be an upper
	// limit of a count or a share, such as "errors < 5%", without a window.
	Abort bool `yaml:"abort"`
}

// setScalar lets an objective be written as its expression alone.
func (o *Objective) setScalar(text string) error {
	o.Expr = text
	return nil
}

// Bounds of a scenario: the combinations of its matrix, and the replicas of a backend.
const (
	MaxCells    = 256
	MaxReplicas = 100
)
