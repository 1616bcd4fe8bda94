package format

import (
	"slices"
	"strings"

	"bench/backends/control"
	"bench/backends/httporigin"
	"bench/backends/mysqlorigin"
)

// HTTPOrigin is what origins of kind http say beside body and status.
type HTTPOrigin struct {
	// Statuses is a mix in place of status: 200=98, 404=1, 503=1.
	Statuses string `yaml:"statuses"`
	// Framing is how the end of a body is told: length, chunked or close.
	Framing string `yaml:"framing" default:"length" enum:"length,chunked,close"`
	// Headers of each answer.
	Headers map[string]string `yaml:"headers"`
	// Trailers behind each chunked body.
	Trailers map[string]string `yaml:"trailers"`
	// ETag gives each 200 an entity tag, and answers 304 to clients that have it.
	ETag bool `yaml:"etag" default:"false"`
	// Gzip compresses bodies of up to 1 MiB for clients that accept it.
	Gzip bool `yaml:"gzip" default:"false"`
	// HTTP2 is served besides: to servers with proto h2, and over TLS with alpn h2.
	HTTP2 bool `yaml:"http2" default:"false"`
	// Answers that are given byte for byte: PATH=TEXT, or PATH close=TEXT to end the
	// connection behind it.
	Answers []string `yaml:"answers"`
}

// Answer is what the origin is told.
func (o *HTTPOrigin) Answer() (a httporigin.Answer, err error) {
	a = httporigin.Answer{ETag: o.ETag, Gzip: o.Gzip}
	if o.Statuses != "" {
		if a.Status, err = httporigin.ParseStatuses(o.Statuses); err != nil {
			return a, err
		}
	}
	switch o.Framing {
	case "chunked":
		a.Framing = httporigin.ByChunks
	case "close":
		a.Framing = httporigin.ByClose
	}
	for name, value := range o.Headers {
		a.Headers = append(a.Headers, httporigin.Header{Name: name, Value: value})
	}
	for name, value := range o.Trailers {
		a.Trailers = append(a.Trailers, httporigin.Header{Name: name, Value: value})
	}
	for _, text := range o.Answers {
		s, err := httporigin.ParseScripted(text)
		if err != nil {
			return a, err
		}
		a.Scripted = append(a.Scripted, s)
	}
	return a, nil
}

// TCPOrigin is what origins of kind tcp do with a connection.
type TCPOrigin struct {
	// Mode answers each piece with itself (echo), reads all and says nothing
	// (sink), writes bytes and closes (source) or follows steps (script).
	Mode string `yaml:"mode" default:"echo" enum:"echo,sink,source,script"`
	// Bytes that mode source writes on each connection; 0 is no end.
	Bytes Size `yaml:"bytes" default:"0"`
	// Steps of mode script: expect TEXT, send TEXT, wait 50ms, close, reset and
	// loop.
	Steps []string `yaml:"steps"`
}

// MySQLOrigin is what origins of kind mysql are and answer.
type MySQLOrigin struct {
	// Role in a replicated set: primary or replica. A replica refuses writes.
	Role string `yaml:"role" default:"primary" enum:"primary,replica"`
	// Lag is how far a replica is behind.
	Lag Duration `yaml:"lag" default:"0s"`
	// User is the only one who may log in; without one everybody may.
	User string `yaml:"user"`
	// Password of the user.
	Password string `yaml:"password"`
	// Plugin is how the user authenticates: native (mysql_native_password) or
	// caching_sha2 (caching_sha2_password).
	Plugin string `yaml:"plugin" default:"native" enum:"native,caching_sha2"`
	// MaxConnections beyond which clients are turned away with error 1040.
	MaxConnections int `yaml:"maxConnections" default:"151"`
	// Answers to statements; the first that matches is given.
	Answers []mysqlorigin.Row `yaml:"answers"`
}

// RedisOrigin is what origins of kind redis are and hold.
type RedisOrigin struct {
	// Role in a replicated set: primary or replica. A replica refuses writes.
	Role string `yaml:"role" default:"primary" enum:"primary,replica"`
	// Lag is how far a replica says that it is behind.
	Lag Duration `yaml:"lag" default:"0s"`
	// User that AUTH expects.
	User string `yaml:"user" default:"default"`
	// Password that AUTH expects; without one nobody needs to authenticate.
	Password string `yaml:"password"`
	// Keys that are there from the beginning.
	Keys map[string]string `yaml:"keys"`
	// MaxMemory of all keys and values; beyond it writes fail with OOM.
	MaxMemory Size `yaml:"maxMemory" default:"256MiB"`
	// MaxConnections beyond which clients are turned away; 0 never does.
	MaxConnections int `yaml:"maxConnections" default:"0"`
}

// DNSOrigin is what origins of kind dns know.
type DNSOrigin struct {
	// Records in the notation of zone files, one a line; the time to live is a second
	// where none is said. A template like the configuration of the proxy.
	Records string `yaml:"records"`
}

// MaxOriginConnections bounds what an origin may be told to admit.
const MaxOriginConnections = 1 << 30

// BackendOf is the backend that an event's name means, nil without one.
func (s *Scenario) BackendOf(name string) *Backend {
	name, _, _ = strings.Cut(name, ".")
	i := slices.IndexFunc(s.Backends, func(b Backend) bool { return b.Name == name })
	if i < 0 {
		return nil
	}
	return &s.Backends[i]
}

// Actions that order faults of origins, in the order documentation shows them.
func originActions() []Action {
	return []Action{
		{Name: "backend.stall", Class: ClassFault, Needs: []string{"name", "for"}, Fault: control.Stall},
		{Name: "backend.fail", Class: ClassFault, Needs: []string{"name", "for"}, Allows: []string{"status", "rate"}, Fault: control.Error},
		{Name: "backend.latency", Class: ClassFault, Needs: []string{"name", "for", "latency"}, Fault: control.Latency},
		{Name: "backend.drain", Class: ClassFault, Needs: []string{"name", "for"}, Fault: control.Drain},
		{Name: "backend.refuse", Class: ClassFault, Needs: []string{"name", "for"}, Fault: control.Refuse},
		{Name: "backend.reset", Class: ClassFault, Needs: []string{"name", "for"}, Allows: []string{"scope"}, Fault: control.Reset},
		{Name: "backend.truncate", Class: ClassFault, Needs: []string{"name", "for"}, Allows: []string{"bytes"}, Fault: control.Truncate},
		{Name: "backend.corrupt", Class: ClassFault, Needs: []string{"name", "for"}, Allows: []string{"rate"}, Fault: control.Corrupt},
		{Name: "backend.trickle", Class: ClassFault, Needs: []string{"name", "for"}, Allows: []string{"bytes", "every"}, Fault: control.Trickle},
		{Name: "backend.bandwidth", Class: ClassFault, Needs: []string{"name", "for", "bandwidth"}, Fault: control.Bandwidth},
		{Name: "backend.state", Class: ClassFault, Needs: []string{"name", "for", "state"}, Fault: control.KindState},
		{Name: "backend.role", Class: ClassFault, Needs: []string{"name", "role"}, Allows: []string{"for"}, Fault: control.Role},
		{Name: "backend.lag", Class: ClassFault, Needs: []string{"name", "for", "lag"}, Fault: control.Lag},
		{Name: "backend.records", Class: ClassFault, Needs: []string{"name", "records"}, Allows: []string{"for"}, Fault: control.Records},
		{Name: "backend.limit", Class: ClassFault, Needs: []string{"name", "for"}, Allows: []string{"connections"}, Fault: control.Limit},
		{Name: "backend.tlsStall", Class: ClassFault, Needs: []string{"name", "for"}, Fault: control.TLSStall},
		{Name: "backend.certificate", Class: ClassFault, Needs: []string{"name", "for", "certificate"}, Allows: []string{"flaws"}, Fault: control.Certificate},
		{Name: "backend.tlsTruncate", Class: ClassFault, Needs: []string{"name", "for"}, Allows: []string{"bytes"}, Fault: control.TLSTruncate},
		{Name: "backend.renegotiation", Class: ClassFault, Needs: []string{"name", "for"}, Fault: control.Renegotiation},
	}
}
