package main

import (
	"fmt"
	"strings"
	"time"

	"bench/backends/redisorigin"
	"bench/internal/units"
)

// backendRedisCmd runs mock Redis origins in one process.
type backendRedisCmd struct {
	originFlags
	tlsFlags

	Role           string        `default:"primary" enum:"primary,replica" help:"Role in a replicated set: primary or replica. A replica refuses writes."`
	Primary        string        `default:"127.0.0.1:6379" placeholder:"ADDR" help:"Address that a replica names as its primary."`
	Lag            time.Duration `default:"0" help:"How far a replica says that it is behind."`
	User           string        `default:"default" help:"User that AUTH expects."`
	Password       string        `placeholder:"TEXT" help:"Password that AUTH expects; without one nobody needs to authenticate."`
	Key            []string      `placeholder:"KEY=VALUE" sep:"none" help:"Key that exists from the start."`
	MaxMemory      string        `default:"256MiB" help:"Largest total size of keys and values; beyond it writes fail with OOM."`
	MaxConnections int           `default:"0" help:"Turn clients away beyond this many connections; 0 never does."`
}

// Help explains counting and faults.
func (*backendRedisCmd) Help() string {
	return `
Speaks RESP2 and RESP3: strings with expiry (GET, SET and its options, MGET,
MSET, INCR, APPEND, DEL, EXPIRE, TTL, SCAN and so on) in 16 databases,
transactions (MULTI, EXEC, DISCARD, WATCH), PING, AUTH, HELLO, SELECT, CLIENT,
COMMAND, CONFIG GET, INFO, ROLE and REPLICAOF. Each replica keeps its keys by
itself, on one thread.

Commands are counted in the class that CLIENT SETNAME gave the connection, in
class "-" without a name. For example, a primary and a replica two seconds
behind it:

  bench backend redis --listen 127.0.0.1:6379 --control 127.0.0.1:9001
  bench backend redis --listen 127.0.0.1:6380 --role replica --lag 2s
` + faultsHelp(`  error (rate)                   answer with an error
  state (state: loading,         answer -LOADING, or -MISCONF to writes, or on a
    misconf, masterdown)         replica -MASTERDOWN
  role (role: primary, replica)  be this; a replica answers -READONLY to writes
  lag (lag)                      say that replication is this far behind
  limit (connections)            turn clients away beyond this many connections
`)
}

// Run serves until a signal, or the end of the parent.
func (c *backendRedisCmd) Run(std *streams) error {
	o := redisorigin.Options{
		Role: c.Role, Primary: c.Primary, Lag: c.Lag, User: c.User, Password: c.Password,
		MaxConnections: c.MaxConnections, Idle: c.IdleTimeout, Backlog: c.Backlog, Keys: map[string]string{},
	}
	var err error
	if o.Latency, err = c.latency(); err != nil {
		return usage(err)
	}
	if o.TLS, err = c.secure(); err != nil {
		return usage(err)
	}
	if o.MaxMemory, err = units.ParseSize(c.MaxMemory); err != nil || o.MaxMemory == 0 {
		return usage(fmt.Errorf("--max-memory %q: want a size above 0, like 256MiB", c.MaxMemory))
	}
	for _, k := range c.Key {
		name, value, ok := strings.Cut(k, "=")
		if !ok {
			return usage(fmt.Errorf("--key %q: want KEY=VALUE", k))
		}
		o.Keys[name] = value
	}
	kind, err := redisorigin.NewConfig(o)
	if err != nil {
		return usage(err)
	}
	return c.serve(std, kind)
}
