package redisorigin

import (
	"bytes"
	"strings"

	"bench/backends/control"
	"bench/backends/origin"
	"bench/backends/tally"
	"bench/internal/resp"
)

// session is one client.
type session struct {
	r       *replica
	id      int64
	db      int
	version resp.Version
	trusted bool // needs no AUTH any more
	name    []byte
	tx      transaction
}

// Errors in the words that clients look for.
const (
	errNoAuth   = "NOAUTH Authentication required."
	errReadOnly = "READONLY You can't write against a read only replica."
	errLoading  = "LOADING Redis is loading the dataset in memory"
	errMisconf  = "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. " +
		"Commands that may modify the data set are disabled, because this instance is configured to report errors during writes " +
		"if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB error."
	errDown   = "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."
	errMemory = "OOM command not allowed when used memory > 'maxmemory'."
	errSyntax = "ERR syntax error"
	errNumber = "ERR value is not an integer or out of range"
	errFault  = "ERR an error was ordered by the test"
)

// call is one command being carried out; out grows by the answer.
type call struct {
	s    *session
	conn *origin.Conn
	args [][]byte
	out  []byte
	// failed reports that the answer is an error.
	failed bool
}

func (k *call) fail(text string) {
	k.failed = true
	k.out = resp.AppendError(k.out, text)
}

func (k *call) ok() { k.out = append(k.out, "+OK\r\n"...) }

func (k *call) integer(n int64) { k.out = resp.AppendInt(k.out, n) }

func (k *call) null() { k.out = k.s.version.AppendNull(k.out) }

// Consume implements origin.Session.
func (s *session) Consume(c *origin.Conn, in []byte) (n int) {
	r := s.r
	for n < len(in) {
		args, size, err := resp.ParseCommand(in[n:], r.args[:0])
		r.args = args
		if err != nil {
			c.Server().Tally().Malformed++
			text, _ := strings.CutPrefix(err.Error(), "protocol error: ")
			c.SetOutput(resp.AppendError(c.Output(), "ERR Protocol error: "+text))
			c.Finish()
			return len(in)
		}
		if size == 0 {
			return n
		}
		if len(args) == 0 {
			n += size
			continue
		}
		if is(args[0], "QUIT") { // a farewell, no request
			c.SetOutput(append(c.Output(), "+OK\r\n"...))
			c.Finish()
			return len(in)
		}
		if !c.Take(nil) {
			return n
		}
		n += size
		k := &r.call
		*k = call{s: s, conn: c, args: args, out: c.Output()}
		r.calls++
		s.do(k)
		c.SetOutput(k.out)
		status := 0
		if k.failed {
			status = tally.Failed
		}
		c.Done(status)
	}
	return n
}

// Closed implements origin.Session.
func (s *session) Closed(*origin.Conn) { s.leave() }

// do checks a command against the state of the server and carries it out.
func (s *session) do(k *call) {
	r := s.r
	cmd := r.find(k.args[0])
	switch {
	case cmd == nil:
		k.reject(cmd, unknown(k.args))
		return
	case cmd.arity > 0 && len(k.args) != cmd.arity || len(k.args) < -cmd.arity:
		k.reject(cmd, "ERR wrong number of arguments for '"+cmd.name+"' command")
		return
	case !s.trusted && cmd.flags&noAuth == 0:
		k.reject(cmd, errNoAuth)
		return
	}
	if text := r.refuses(s.needs(cmd)); text != "" {
		k.reject(cmd, text)
		return
	}
	if _, hit := k.conn.Failing(); hit {
		k.reject(cmd, errFault)
		return
	}
	if s.queues(cmd) {
		k.enqueue(cmd)
		return
	}
	cmd.do(k)
}

// unknown is the error of a command that is not in the table, which shows 128
// bytes of its arguments.
func unknown(args [][]byte) string {
	text := "ERR unknown command '" + printable(args[0]) + "', with args beginning with: "
	for left := len(text) + 128; len(args) > 1 && len(text) < left; args = args[1:] {
		text += "'" + printable(args[1][:min(len(args[1]), left-len(text))]) + "' "
	}
	return text
}

// refuses says why the server as it is does not carry out a command of these flags,
// "" if it does. Of several reasons it gives the one that Redis gives.
func (r *replica) refuses(f flags) string {
	state, role := r.server.Force().State, r.actingRole()
	switch {
	case f&grows != 0 && role == control.RolePrimary && r.used() > r.cfg.MaxMemory:
		return errMemory
	case state == control.StateMisconf && f&(write|misconf) != 0:
		return errMisconf
	case f&write != 0 && role == control.RoleReplica:
		return errReadOnly
	case state == control.StateDown && role == control.RoleReplica && f&whileStale == 0:
		return errDown
	case state == control.StateLoading && f&whileLoading == 0:
		return errLoading
	}
	return ""
}

func (r *replica) used() (sum int64) {
	for i := range r.dbs {
		sum += r.dbs[i].bytes
	}
	return sum
}

// find looks a command up by its name in any case.
func (r *replica) find(name []byte) *command {
	if len(name) > len(r.name) {
		return nil
	}
	for i, c := range name {
		if c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		r.name[i] = c
	}
	return r.cfg.commands[string(r.name[:len(name)])]
}

// is compares an argument with a word in capitals.
func is(arg []byte, word string) bool {
	return len(arg) == len(word) && bytes.EqualFold(arg, []byte(word))
}

// printable makes text from a client fit for an error.
func printable(b []byte) string {
	b = b[:min(len(b), 128)]
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(string(b), "?"))
}
