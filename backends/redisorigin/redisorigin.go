// Package redisorigin is the mock Redis origin: strings with expiry, transactions, the
// commands clients send to get to know a server, and the states in which a
// server refuses work. What several kinds of origins share belongs into package
// origin, the protocol into internal/resp.
package redisorigin

import (
	"crypto/tls"
	"fmt"
	"math"
	"strconv"
	"time"

	"bench/backends/control"
	"bench/backends/origin"
	"bench/internal/dist"
	"bench/internal/loop"
)

// Version is the version of Redis that the origin says it is.
const Version = "7.0.15"

// Options describe the origins of a process. The zero value is a primary that
// asks for no password.
type Options struct {
	// Role is control.RolePrimary, which "" is too, or control.RoleReplica.
	Role string
	// User and Password that AUTH expects; "" as password wants none, "" as user
	// is "default".
	User, Password string
	// Lag of a replica behind its primary, as INFO and ROLE give it.
	Lag time.Duration
	// Primary is the address a replica names as its primary; "" is
	// 127.0.0.1:6379.
	Primary string
	// Keys are there from the beginning, in database 0.
	Keys map[string]string
	// MaxMemory bounds keys and values in bytes; beyond it writes fail with
	// OOM. 0 is 256 MiB.
	MaxMemory int64
	// MaxConnections beyond which clients are turned away; 0 is no limit.
	MaxConnections int
	// Latency from a command to its answer.
	Latency dist.Duration
	// Idle is how long a connection may wait for a command; 0 is no limit.
	Idle time.Duration
	// Backlog of the listeners; 0 is the system's.
	Backlog int
	// TLS is what clients are served with; nil: in clear.
	TLS *tls.Config
}

// Config is what the replicas of a process have in common. It implements
// origin.Kind.
type Config struct {
	Options
	commands map[string]*command
	host     string // of the primary
	port     int
}

const defaultMemory = 256 << 20

// NewConfig checks and completes a configuration.
func NewConfig(o Options) (*Config, error) {
	cfg := &Config{Options: o, commands: commandTable()}
	switch o.Role {
	case "":
		cfg.Role = control.RolePrimary
	case control.RolePrimary, control.RoleReplica:
	default:
		return nil, fmt.Errorf("unknown role %q: want primary or replica", o.Role)
	}
	if o.Lag < 0 {
		return nil, fmt.Errorf("invalid lag %v: want 0 or more", o.Lag)
	}
	if o.MaxConnections < 0 {
		return nil, fmt.Errorf("invalid greatest number of connections %d: want 0 (no limit) or more", o.MaxConnections)
	}
	if o.User == "" {
		cfg.User = "default"
	}
	if o.MaxMemory == 0 {
		cfg.MaxMemory = defaultMemory
	}
	if o.Primary == "" {
		cfg.Primary = "127.0.0.1:6379"
	}
	host, port, ok := cutLast(cfg.Primary, ':')
	if cfg.host = host; ok {
		cfg.port, ok = parsePort(port)
	}
	if !ok {
		return nil, fmt.Errorf("invalid address %q of the primary: want HOST:PORT", o.Primary)
	}
	return cfg, nil
}

func cutLast(s string, sep byte) (before, after string, ok bool) {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == sep {
			return s[:i], s[i+1:], i > 0 && i < len(s)-1
		}
	}
	return s, "", false
}

func parsePort(text string) (int, bool) {
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= 0 && n <= math.MaxUint16
}

// Protocol is the name faults know these origins by.
const Protocol = "redis"

// Protocol implements origin.Kind.
func (*Config) Protocol() string { return Protocol }

// InTLS implements origin.Kind.
func (cfg *Config) InTLS() bool { return cfg.TLS != nil }

// OneThread implements origin.Kind: the keys of a replica live on one thread.
func (*Config) OneThread() bool { return true }

// Start implements origin.Kind.
func (cfg *Config) Start(at *origin.Place) (origin.Replica, error) {
	r := &replica{cfg: cfg, began: time.Now(), role: cfg.Role, host: cfg.host, port: cfg.port}
	for key, value := range cfg.Keys {
		r.dbs[0].set([]byte(key), []byte(value))
	}
	server, err := origin.Serve(at, origin.Behaviour{
		Latency: cfg.Latency, Idle: cfg.Idle, Backlog: cfg.Backlog, TLS: cfg.TLS, Open: r.open,
	})
	if err != nil {
		return nil, err
	}
	r.server = server
	at.Loop.SetTimer(&r.sweep, at.Loop.Now()+int64(sweepEvery), r)
	return closing{server, r}, nil
}

// databases is the number of databases SELECT chooses among.
const databases = 16

// sweepEvery is the time between two looks for expired keys; those that are
// asked for are found at once.
const sweepEvery = time.Second

// replica is one origin.
type replica struct {
	cfg    *Config
	server *origin.Server
	began  time.Time
	role   string // but for faults
	host   string // of the primary
	port   int
	dbs    [databases]database
	sweep  loop.Timer
	nextID int64
	calls  uint64 // commands carried out
	hits   uint64
	misses uint64
	args   [][]byte // of the present command
	call   call
	name   [32]byte // of the present command, in capitals
}

// closing is the replica as a whole: server and sweep.
type closing struct {
	*origin.Server
	r *replica
}

// Close implements origin.Replica.
func (c closing) Close() {
	c.Loop().StopTimer(&c.r.sweep)
	c.Server.Close()
}

// Expired takes expired keys away.
func (r *replica) Expired(*loop.Timer) {
	now := r.now()
	for i := range r.dbs {
		r.dbs[i].sweep(now)
	}
	l := r.server.Loop()
	l.SetTimer(&r.sweep, l.Now()+int64(sweepEvery), r)
}

// now is the time of expiries, in milliseconds since 1970.
func (r *replica) now() int64 { return time.Now().UnixMilli() }

// actingRole is the role with what faults say.
func (r *replica) actingRole() string {
	if f := r.server.Force(); f.Role != "" {
		return f.Role
	}
	return r.role
}

func (r *replica) lag() time.Duration {
	if f := r.server.Force(); f.HasLag {
		return f.Lag
	}
	return r.cfg.Lag
}

// open begins a session, or turns the client away.
func (r *replica) open(c *origin.Conn) origin.Session {
	s, ok := c.Session().(*session)
	if !ok {
		s = &session{r: r}
	}
	r.nextID++
	*s = session{r: r, id: r.nextID, version: 2, trusted: r.cfg.Password == "", name: s.name[:0]}
	limit, f := r.cfg.MaxConnections, c.Force()
	limited := limit > 0
	if f.Limited {
		limit, limited = f.MaxConns, true
	}
	if limited && c.Server().Active() > limit {
		c.Server().Tally().Limited++
		c.Append([]byte("-ERR max number of clients reached\r\n"))
		c.Finish()
	}
	return s
}
