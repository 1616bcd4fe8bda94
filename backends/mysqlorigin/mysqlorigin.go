// Package mysqlorigin is the mock MySQL origin: it authenticates, answers
// statements from a table, knows the few that clients and monitors send by
// themselves, and plays a primary or a replica. What several kinds of origins
// share belongs into package origin, the protocol into internal/mysqlwire.
package mysqlorigin

import (
	"crypto/tls"
	"fmt"
	"strings"
	"time"

	"bench/backends/control"
	"bench/backends/fault"
	"bench/backends/origin"
	"bench/internal/dist"
	"bench/internal/mysqlwire"
)

// Version is the version of MySQL that the origin says it is.
const Version = "8.0.36"

// Authentication plugins, as Options.Plugin names them.
const (
	Native      = "native"
	CachingSHA2 = "caching_sha2"
)

// Options describe the origins of a process. The zero value is a primary that
// lets everybody in and knows no statements but its own.
type Options struct {
	// Role is control.RolePrimary, which "" is too, or control.RoleReplica.
	Role string
	// User and Password of the only account; "" as user lets everybody in.
	User, Password string
	// Plugin of the account: Native, which "" is too, or CachingSHA2.
	Plugin string
	// Lag of a replica behind its primary.
	Lag time.Duration
	// Primary is the address a replica names as its source; "" is
	// 127.0.0.1:3306.
	Primary string
	// MaxConnections beyond which clients are turned away with error 1040; 0
	// is 151, MySQL's default.
	MaxConnections int
	// Answers to statements; the first that matches is given.
	Answers []Answer
	// Latency from a statement to its answer.
	Latency dist.Duration
	// Idle is how long a connection may wait for a statement; 0 is no limit.
	Idle time.Duration
	// Backlog of the listeners; 0 is the system's.
	Backlog int
	// TLS is offered to clients, who may ask for it; nil: not offered.
	TLS *tls.Config
}

const defaultMaxConnections = 151

// Config is what the replicas of a process have in common. It implements
// origin.Kind.
type Config struct {
	Options
	plugin  string
	key     *mysqlwire.ServerKey // nil: no password of caching_sha2_password
	answers []*answer
	host    string // of the primary
	port    string
}

// NewConfig checks and completes a configuration.
func NewConfig(o Options) (*Config, error) {
	cfg := &Config{Options: o}
	switch o.Role {
	case "":
		cfg.Role = control.RolePrimary
	case control.RolePrimary, control.RoleReplica:
	default:
		return nil, fmt.Errorf("unknown role %q: want primary or replica", o.Role)
	}
	switch o.Plugin {
	case "", Native:
		cfg.plugin = mysqlwire.NativePassword
	case CachingSHA2:
		cfg.plugin = mysqlwire.CachingSHA2Password
	default:
		return nil, fmt.Errorf("unknown plugin %q: want native or caching_sha2", o.Plugin)
	}
	if o.Password != "" && cfg.plugin == mysqlwire.CachingSHA2Password {
		var err error
		if cfg.key, err = mysqlwire.NewServerKey(); err != nil {
			return nil, err
		}
	}
	if o.User == "" && o.Password != "" {
		return nil, fmt.Errorf("a password without a user: want both, or none to let everybody in")
	}
	if o.Lag < 0 {
		return nil, fmt.Errorf("invalid lag %v: want 0 or more", o.Lag)
	}
	switch {
	case o.MaxConnections < 0:
		return nil, fmt.Errorf("invalid greatest number of connections %d: want 0 (%d) or more", o.MaxConnections, defaultMaxConnections)
	case o.MaxConnections == 0:
		cfg.MaxConnections = defaultMaxConnections
	}
	if o.Primary == "" {
		cfg.Primary = "127.0.0.1:3306"
	}
	i := strings.LastIndexByte(cfg.Primary, ':')
	if i <= 0 || i == len(cfg.Primary)-1 {
		return nil, fmt.Errorf("invalid address %q of the primary: want HOST:PORT", o.Primary)
	}
	cfg.host, cfg.port = cfg.Primary[:i], cfg.Primary[i+1:]
	for i := range o.Answers {
		a, err := newAnswer(&o.Answers[i])
		if err != nil {
			return nil, fmt.Errorf("answer %d: %w", i+1, err)
		}
		cfg.answers = append(cfg.answers, a)
	}
	return cfg, nil
}

// Protocol is the name faults know these origins by.
const Protocol = "mysql"

// Protocol implements origin.Kind.
func (*Config) Protocol() string { return Protocol }

// InTLS implements origin.Kind.
func (cfg *Config) InTLS() bool { return cfg.TLS != nil }

// OneThread implements origin.Kind: connections are limited for a replica as a
// whole.
func (*Config) OneThread() bool { return true }

// Start implements origin.Kind.
func (cfg *Config) Start(at *origin.Place) (origin.Replica, error) {
	r, err := cfg.start(at)
	if err != nil {
		return nil, err
	}
	return r.server, nil
}

func (cfg *Config) start(at *origin.Place) (*replica, error) {
	r := &replica{cfg: cfg, began: time.Now()}
	server, err := origin.Serve(at, origin.Behaviour{
		Latency: cfg.Latency, Idle: cfg.Idle, Backlog: cfg.Backlog, TLS: cfg.TLS, Asked: true,
		Open: func(c *origin.Conn) origin.Session { return r.open(c) },
	})
	if err != nil {
		return nil, err
	}
	r.server = server
	return r, nil
}

// replica is one origin.
type replica struct {
	cfg       *Config
	server    *origin.Server
	began     time.Time
	nextID    uint32
	questions uint64
	cached    bool // the hash of the password, since somebody has proved to know it
	present   statement
}

// role is the role with what faults say.
func (r *replica) role() string {
	if f := r.server.Force(); f.Role != "" {
		return f.Role
	}
	return r.cfg.Role
}

// readOnly reports that writes are refused.
func (r *replica) readOnly() bool {
	return r.role() == control.RoleReplica || r.server.Force().State == control.StateReadOnly
}

// stopped reports that a replica applies nothing.
func (r *replica) stopped() bool { return r.server.Force().State == control.StateStopped }

func (r *replica) lag() time.Duration {
	if f := r.server.Force(); f.HasLag {
		return f.Lag
	}
	return r.cfg.Lag
}

func (r *replica) limit(f *fault.Force) int {
	if f.Limited {
		return f.MaxConns
	}
	return r.cfg.MaxConnections
}

// capabilities are what the origin offers.
const capabilities = mysqlwire.LongPassword | mysqlwire.FoundRows | mysqlwire.LongFlag | mysqlwire.ConnectWithDB |
	mysqlwire.IgnoreSpace | mysqlwire.Protocol41 | mysqlwire.Interactive | mysqlwire.Transactions |
	mysqlwire.SecureConnection | mysqlwire.MultiResults | mysqlwire.PSMultiResults | mysqlwire.PluginAuth |
	mysqlwire.ConnectAttrs | mysqlwire.LongAuthData | mysqlwire.DeprecateEOF

// open greets a client, or turns it away.
func (r *replica) open(c *origin.Conn) origin.Session {
	s, ok := c.Session().(*session)
	if !ok {
		s = &session{statements: make(map[uint32]*statement)}
	}
	clear(s.statements)
	r.nextID++
	*s = session{r: r, id: r.nextID, statements: s.statements, user: s.user[:0], database: s.database[:0], counting: counting{class: s.counting.class[:0]}}
	for i := range s.salt {
		s.salt[i] = byte(1 + c.Server().Rand().IntN(127))
	}
	if c.Server().Active() > r.limit(c.Force()) {
		c.Server().Tally().Limited++
		c.SetOutput(mysqlwire.AppendError(c.Output(), 0, 1040, "", "Too many connections"))
		c.Finish()
		return s
	}
	offered := capabilities
	if r.cfg.TLS != nil {
		offered |= mysqlwire.TLS
	}
	g := mysqlwire.Greeting{
		Version: Version, ConnectionID: s.id, Salt: s.salt, Capabilities: offered,
		Charset: mysqlwire.CharsetUTF8, Status: mysqlwire.StatusAutocommit, Plugin: r.cfg.plugin,
	}
	c.SetOutput(g.Append(c.Output(), 0))
	return s
}
