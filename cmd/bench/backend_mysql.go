package main

import (
	"fmt"
	"os"
	"time"

	"bench/backends/mysqlorigin"
)

// backendMySQLCmd runs mock MySQL origins in one process.
type backendMySQLCmd struct {
	originFlags
	tlsFlags

	Answers        string        `placeholder:"FILE" help:"File of answers to statements, a YAML or JSON list."`
	Role           string        `default:"primary" enum:"primary,replica" help:"Role in a replicated set: primary or replica. A replica refuses writes."`
	Primary        string        `default:"127.0.0.1:3306" placeholder:"ADDR" help:"Address that a replica names as its source."`
	Lag            time.Duration `default:"0" help:"How far a replica is behind, as SHOW REPLICA STATUS gives it."`
	User           string        `help:"The only user; without one everybody is let in, with any password."`
	Password       string        `help:"The user's password."`
	Plugin         string        `default:"native" enum:"native,caching_sha2" help:"How the user authenticates: native (mysql_native_password) or caching_sha2 (caching_sha2_password)."`
	MaxConnections int           `default:"151" help:"Turn clients away with error 1040 beyond this many connections."`
}

// Help explains answers, counting and faults.
func (*backendMySQLCmd) Help() string {
	return `
Answers are looked up in a file, the first match is given. Comments, case and
the amount of space do not matter, * stands for any text, ? for a parameter of
a prepared statement:

  # answers.yaml
  - query: SELECT c FROM sbtest* WHERE id=*
    columns: [c]
    rows: [[some text]]
  - query: SELECT id, price FROM item*
    columns: [id int, price real]        # text (if not said), int, real, blob
    rows: [[1, 9.5], [2, null]]
  - query: INSERT INTO item*
    affected: 1
    insertId: 3
  - query: DELETE FROM item*
    error: 1213 40001 Deadlock found

Without the file it knows what clients and monitors send by themselves: SELECT
of variables, numbers and a few functions, SET, USE, BEGIN, COMMIT, PREPARE and
EXECUTE, SHOW VARIABLES, STATUS, WARNINGS, PROCESSLIST, REPLICA STATUS (and SLAVE
STATUS) and so on; other writes report one changed row.

With --tls-cert clients may ask for TLS, as MySQL has it: behind the server's greeting.

Statements are counted in class NAME, with an exact record of every SEQ, if they
begin with the comment /* X-Bench-Id: NAME.SEQ */, otherwise in class "-". For
example, a replica three seconds behind:

  bench backend mysql --listen 127.0.0.1:3307 --role replica --lag 3s \
    --answers answers.yaml --control 127.0.0.1:9000
` + faultsHelp(`  error (status, rate)           answer with this error, 1105 if not given
  state (state: read-only,       answer error 1290 to writes, or say that
    replication-stopped)         replication does not run
  role (role: primary, replica)  be this
  lag (lag)                      say that replication is this far behind
  limit (connections)            turn clients away beyond this many connections
`)
}

// Run serves until a signal, or the end of the parent.
func (c *backendMySQLCmd) Run(std *streams) error {
	o := mysqlorigin.Options{
		Role: c.Role, Primary: c.Primary, Lag: c.Lag, User: c.User, Password: c.Password, Plugin: c.Plugin,
		MaxConnections: c.MaxConnections, Idle: c.IdleTimeout, Backlog: c.Backlog,
	}
	var err error
	if o.Latency, err = c.latency(); err != nil {
		return usage(err)
	}
	if o.TLS, err = c.secure(); err != nil {
		return usage(err)
	}
	if c.Answers != "" {
		text, err := os.ReadFile(c.Answers)
		if err != nil {
			return usage(fmt.Errorf("--answers: %w", err))
		}
		if o.Answers, err = mysqlorigin.ParseAnswers(text); err != nil {
			return usage(fmt.Errorf("--answers %s: %w", c.Answers, err))
		}
	}
	kind, err := mysqlorigin.NewConfig(o)
	if err != nil {
		return usage(err)
	}
	return c.serve(std, kind)
}
