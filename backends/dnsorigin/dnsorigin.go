// Package dnsorigin is the mock name server: it answers questions out of records that
// an order replaces, over UDP and over TCP. What several kinds of origins share belongs
// into package origin.
package dnsorigin

import (
	"time"

	"bench/backends/origin"
	"bench/backends/zone"
	"bench/internal/dist"
)

// Options describe the origins of a process. The zero value knows no name.
type Options struct {
	// Records in the notation of zone files.
	Records string
	// Latency from a question to its answer.
	Latency dist.Duration
	// Idle is how long a connection may wait for a question; 0 is no limit.
	Idle time.Duration
	// Backlog of the listeners; 0 is the system's.
	Backlog int
}

// Config is what the replicas of a process have in common. It implements
// origin.Kind.
type Config struct {
	Options
	zone *zone.Zone
}

// NewConfig checks and completes a configuration.
func NewConfig(o Options) (*Config, error) {
	z, err := zone.Parse(o.Records)
	if err != nil {
		return nil, err
	}
	return &Config{Options: o, zone: z}, nil
}

// Protocol is the name faults know these origins by.
const Protocol = "dns"

// Protocol implements origin.Kind.
func (*Config) Protocol() string { return Protocol }

// InTLS implements origin.Kind.
func (*Config) InTLS() bool { return false }

// OneThread implements origin.Kind: datagrams all come to one socket.
func (*Config) OneThread() bool { return true }

// Start implements origin.Kind.
func (cfg *Config) Start(at *origin.Place) (origin.Replica, error) {
	r := &replica{cfg: cfg}
	server, err := origin.Serve(at, origin.Behaviour{
		Latency: cfg.Latency, HalfClose: true, Idle: cfg.Idle, Backlog: cfg.Backlog,
		Open: func(*origin.Conn) origin.Session { return session{r} },
	})
	if err != nil {
		return nil, err
	}
	r.Server = server
	if err := r.listenDatagrams(); err != nil {
		server.Close()
		return nil, err
	}
	return r, nil
}

// replica is one origin: a server of connections with a socket for datagrams beside it.
type replica struct {
	*origin.Server
	cfg       *Config
	datagrams datagrams
}

// records are those in force.
func (r *replica) records() *zone.Zone {
	if z := r.Force().Zone; z != nil {
		return z
	}
	return r.cfg.zone
}

// Close implements origin.Replica.
func (r *replica) Close() {
	r.datagrams.close()
	r.Server.Close()
}
