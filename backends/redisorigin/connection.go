package redisorigin

import (
	"crypto/subtle"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"bench/backends/control"
	"bench/internal/resp"
)

func ping(k *call) {
	switch len(k.args) {
	case 1:
		k.out = append(k.out, "+PONG\r\n"...)
	case 2:
		k.out = resp.AppendBulk(k.out, k.args[1])
	default:
		k.fail("ERR wrong number of arguments for 'ping' command")
	}
}

func echo(k *call) { k.out = resp.AppendBulk(k.out, k.args[1]) }

func auth(k *call) {
	user, password := []byte("default"), k.args[1]
	if len(k.args) > 3 {
		k.fail(errSyntax)
		return
	}
	if len(k.args) == 3 {
		user, password = k.args[1], k.args[2]
	}
	if k.s.r.cfg.Password == "" && len(k.args) == 2 {
		k.fail("ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?")
		return
	}
	if k.authenticate(user, password) {
		k.ok()
	}
}

// authenticate trusts the client, or fails.
func (k *call) authenticate(user, password []byte) bool {
	cfg := k.s.r.cfg
	right := subtle.ConstantTimeCompare(user, []byte(cfg.User)) == 1 &&
		(cfg.Password == "" || subtle.ConstantTimeCompare(password, []byte(cfg.Password)) == 1)
	if !right {
		k.conn.Server().Tally().Denied++
		k.fail("WRONGPASS invalid username-password pair or user is disabled.")
		return false
	}
	k.s.trusted = true
	return true
}

// hello changes the version of the protocol: HELLO [2|3 [AUTH user password]
// [SETNAME name]].
func hello(k *call) {
	s := k.s
	version := s.version
	if len(k.args) > 1 {
		switch string(k.args[1]) {
		case "2":
			version = resp.V2
		case "3":
			version = resp.V3
		default:
			if _, err := strconv.Atoi(string(k.args[1])); err != nil {
				k.fail("ERR Protocol version is not an integer or out of range")
				return
			}
			k.fail("NOPROTO unsupported protocol version")
			return
		}
	}
	for rest := k.args[min(2, len(k.args)):]; len(rest) > 0; {
		switch {
		case is(rest[0], "AUTH") && len(rest) >= 3:
			if !k.authenticate(rest[1], rest[2]) {
				return
			}
			rest = rest[3:]
		case is(rest[0], "SETNAME") && len(rest) >= 2:
			if !k.setName(rest[1]) {
				return
			}
			rest = rest[2:]
		default:
			k.fail("ERR Syntax error in HELLO option '" + printable(rest[0]) + "'")
			return
		}
	}
	if !s.trusted {
		k.fail("NOAUTH HELLO must be called with the client already authenticated, or with its AUTH option")
		return
	}
	s.version = version
	k.out = version.AppendMap(k.out, 7)
	k.pair("server", "redis")
	k.pair("version", Version)
	k.out = resp.AppendBulk(k.out, "proto")
	k.integer(int64(version))
	k.out = resp.AppendBulk(k.out, "id")
	k.integer(s.id)
	k.pair("mode", "standalone")
	k.pair("role", s.r.roleName())
	k.out = resp.AppendBulk(k.out, "modules")
	k.out = resp.AppendArray(k.out, 0)
}

func (k *call) pair(name, value string) {
	k.out = resp.AppendBulk(k.out, name)
	k.out = resp.AppendBulk(k.out, value)
}

// roleName is the role in Redis's words.
func (r *replica) roleName() string {
	if r.actingRole() == control.RoleReplica {
		return "slave"
	}
	return "master"
}

// setName names the client, and with it the class its requests are counted in.
func (k *call) setName(name []byte) bool {
	for _, c := range name {
		if c <= ' ' || c >= 0x7f {
			k.fail("ERR Client names cannot contain spaces, newlines or special characters.")
			return false
		}
	}
	k.s.name = append(k.s.name[:0], name...)
	k.conn.Name(name)
	return true
}

func selectDB(k *call) {
	n, err := strconv.Atoi(string(k.args[1]))
	switch {
	case err != nil:
		k.fail(errNumber)
	case n < 0 || n >= databases:
		k.fail("ERR DB index is out of range")
	default:
		k.s.db = n
		k.ok()
	}
}

func reset(k *call) {
	s := k.s
	s.leave()
	s.db, s.version, s.trusted, s.name = 0, resp.V2, s.r.cfg.Password == "", s.name[:0]
	k.conn.Name(nil)
	k.out = resp.AppendSimple(k.out, "RESET")
}

func client(k *call) {
	s, sub := k.s, k.args[1]
	switch {
	case is(sub, "SETNAME") && len(k.args) == 3:
		if k.setName(k.args[2]) {
			k.ok()
		}
	case is(sub, "GETNAME") && len(k.args) == 2:
		if len(s.name) == 0 {
			k.null()
			return
		}
		k.out = resp.AppendBulk(k.out, s.name)
	case is(sub, "ID") && len(k.args) == 2:
		k.integer(s.id)
	case is(sub, "SETINFO") && len(k.args) == 4, is(sub, "NO-EVICT") && len(k.args) == 3, is(sub, "NO-TOUCH") && len(k.args) == 3:
		k.ok()
	case is(sub, "INFO") && len(k.args) == 2:
		k.out = s.version.AppendText(k.out, s.line(k))
	case is(sub, "LIST"):
		var list strings.Builder
		for c := range k.conn.Server().Conns() {
			if other, ok := c.Session().(*session); ok {
				k := call{s: other, conn: c}
				list.WriteString(other.line(&k))
			}
		}
		k.out = s.version.AppendText(k.out, list.String())
	default:
		k.fail("ERR unknown subcommand or wrong number of arguments for '" + printable(sub) + "'")
	}
}

// line describes a client.
func (s *session) line(k *call) string {
	addr := "?:0"
	if a, errno := k.conn.Peer(); errno == 0 {
		addr = a.String()
	}
	return fmt.Sprintf("id=%d addr=%s name=%s db=%d resp=%d\n", s.id, addr, s.name, s.db, s.version)
}

// commandInfo answers COMMAND with what clients need: nothing about any command
// but their number, which makes clients do without hints.
func commandInfo(k *call) {
	switch {
	case len(k.args) == 2 && is(k.args[1], "COUNT"):
		k.integer(int64(len(k.s.r.cfg.commands)))
	case len(k.args) > 1 && is(k.args[1], "DOCS"):
		k.out = k.s.version.AppendMap(k.out, 0)
	case len(k.args) > 1 && is(k.args[1], "INFO"):
		k.out = resp.AppendArray(k.out, max(0, len(k.args)-2))
		for range len(k.args) - 2 {
			k.nullArray()
		}
	case len(k.args) == 1:
		k.out = resp.AppendArray(k.out, 0)
	default:
		k.fail("ERR unknown subcommand '" + printable(k.args[1]) + "'")
	}
}

func (k *call) nullArray() {
	if k.s.version == resp.V3 {
		k.null()
		return
	}
	k.out = append(k.out, "*-1\r\n"...)
}

// config answers CONFIG GET for the settings that clients look at.
func config(k *call) {
	cfg := k.s.r.cfg
	limit := cfg.MaxConnections
	if limit == 0 {
		limit = 10000
	}
	known := [][2]string{
		{"appendonly", "no"},
		{"databases", strconv.Itoa(databases)},
		{"maxclients", strconv.Itoa(limit)},
		{"maxmemory", strconv.FormatInt(cfg.MaxMemory, 10)},
		{"maxmemory-policy", "noeviction"},
		{"save", ""},
		{"timeout", strconv.Itoa(int(cfg.Idle / time.Second))},
	}
	switch {
	case is(k.args[1], "GET") && len(k.args) > 2:
		known = slices.DeleteFunc(known, func(row [2]string) bool {
			return !slices.ContainsFunc(k.args[2:], func(p []byte) bool { return matches(strings.ToLower(string(p)), row[0]) })
		})
		k.out = k.s.version.AppendMap(k.out, len(known))
		for _, row := range known {
			k.pair(row[0], row[1])
		}
	case is(k.args[1], "RESETSTAT") && len(k.args) == 2:
		r := k.s.r
		r.calls, r.hits, r.misses = 0, 0, 0
		for i := range r.dbs {
			r.dbs[i].expired = 0
		}
		k.ok()
	default:
		k.fail("ERR the settings of this origin can be read only: CONFIG GET")
	}
}

func clock(k *call) {
	now := time.Now()
	k.out = resp.AppendArray(k.out, 2)
	k.out = resp.AppendBulk(k.out, strconv.FormatInt(now.Unix(), 10))
	k.out = resp.AppendBulk(k.out, strconv.Itoa(now.Nanosecond()/1000))
}

// wait reports no replicas at once.
func wait(k *call) { k.integer(0) }

// replicaOf changes the role: NO ONE makes a primary, an address a replica.
func replicaOf(k *call) {
	r := k.s.r
	if is(k.args[1], "NO") && is(k.args[2], "ONE") {
		r.role = control.RolePrimary
		k.ok()
		return
	}
	port, ok := parsePort(string(k.args[2]))
	if !ok {
		k.fail("ERR Invalid master port")
		return
	}
	r.role, r.host, r.port = control.RoleReplica, string(k.args[1]), port
	k.ok()
}

// offset is where replication stands: a second's lag is a thousand bytes.
const (
	offset       = 1_000_000_000
	offsetPerSec = 1000
)

func (r *replica) behind() int64 {
	return offset - int64(r.lag().Seconds()*offsetPerSec)
}

func role(k *call) {
	r := k.s.r
	if r.actingRole() == control.RolePrimary {
		k.out = resp.AppendArray(k.out, 3)
		k.out = resp.AppendBulk(k.out, "master")
		k.integer(offset)
		k.out = resp.AppendArray(k.out, 0)
		return
	}
	k.out = resp.AppendArray(k.out, 5)
	k.out = resp.AppendBulk(k.out, "slave")
	k.out = resp.AppendBulk(k.out, r.host)
	k.integer(int64(r.port))
	state := "connected"
	if r.server.Force().State == control.StateDown {
		state = "connect"
	}
	k.out = resp.AppendBulk(k.out, state)
	k.integer(r.behind())
}

// info answers INFO [section ...].
func info(k *call) {
	var b strings.Builder
	for _, section := range []struct {
		name  string
		write func(*replica, *strings.Builder)
	}{
		{"Server", (*replica).infoServer},
		{"Clients", (*replica).infoClients},
		{"Memory", (*replica).infoMemory},
		{"Persistence", (*replica).infoPersistence},
		{"Stats", (*replica).infoStats},
		{"Replication", (*replica).infoReplication},
		{"Keyspace", (*replica).infoKeyspace},
	} {
		wanted := len(k.args) == 1 || slices.ContainsFunc(k.args[1:], func(a []byte) bool {
			return is(a, strings.ToUpper(section.name)) || is(a, "ALL") || is(a, "DEFAULT") || is(a, "EVERYTHING")
		})
		if !wanted {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("\r\n")
		}
		fmt.Fprintf(&b, "# %s\r\n", section.name)
		section.write(k.s.r, &b)
	}
	k.out = k.s.version.AppendText(k.out, b.String())
}

func (r *replica) infoServer(b *strings.Builder) {
	up := time.Since(r.began)
	fmt.Fprintf(b, "redis_version:%s\r\nredis_mode:standalone\r\nprocess_id:%d\r\nuptime_in_seconds:%d\r\nuptime_in_days:%d\r\n",
		Version, os.Getpid(), int(up.Seconds()), int(up.Hours()/24))
	if a := r.server.Addr(); !a.IsUnix() {
		fmt.Fprintf(b, "tcp_port:%d\r\n", a.AddrPort().Port())
	}
}

func (r *replica) infoClients(b *strings.Builder) {
	fmt.Fprintf(b, "connected_clients:%d\r\nblocked_clients:0\r\n", r.server.Active())
}

func (r *replica) infoMemory(b *strings.Builder) {
	fmt.Fprintf(b, "used_memory:%d\r\nmaxmemory:%d\r\nmaxmemory_policy:noeviction\r\n", r.used(), r.cfg.MaxMemory)
}

func (r *replica) infoPersistence(b *strings.Builder) {
	loading, status := 0, "ok"
	switch r.server.Force().State {
	case control.StateLoading:
		loading = 1
	case control.StateMisconf:
		status = "err"
	}
	fmt.Fprintf(b, "loading:%d\r\nrdb_last_bgsave_status:%s\r\naof_enabled:0\r\n", loading, status)
}

func (r *replica) infoStats(b *strings.Builder) {
	t := r.server.Tally()
	fmt.Fprintf(b, "total_connections_received:%d\r\ntotal_commands_processed:%d\r\nrejected_connections:%d\r\n",
		t.Accepted, r.calls, t.Limited)
	expired := uint64(0)
	for i := range r.dbs {
		expired += r.dbs[i].expired
	}
	fmt.Fprintf(b, "expired_keys:%d\r\nkeyspace_hits:%d\r\nkeyspace_misses:%d\r\n", expired, r.hits, r.misses)
}

func (r *replica) infoReplication(b *strings.Builder) {
	if r.actingRole() == control.RolePrimary {
		fmt.Fprintf(b, "role:master\r\nconnected_slaves:0\r\nmaster_repl_offset:%d\r\n", offset)
		return
	}
	link, seconds, since := "up", int(r.lag().Seconds()), ""
	if r.server.Force().State == control.StateDown {
		since = fmt.Sprintf("master_link_down_since_seconds:%d\r\n", seconds)
		link, seconds = "down", -1
	}
	fmt.Fprintf(b, "role:slave\r\nmaster_host:%s\r\nmaster_port:%d\r\nmaster_link_status:%s\r\n", r.host, r.port, link)
	fmt.Fprintf(b, "master_last_io_seconds_ago:%d\r\nmaster_sync_in_progress:0\r\nslave_repl_offset:%d\r\n", seconds, r.behind())
	fmt.Fprintf(b, "%sslave_read_only:1\r\nmaster_repl_offset:%d\r\n", since, offset)
}

func (r *replica) infoKeyspace(b *strings.Builder) {
	for i := range r.dbs {
		if d := &r.dbs[i]; len(d.keys) > 0 {
			fmt.Fprintf(b, "db%d:keys=%d,expires=%d,avg_ttl=0\r\n", i, len(d.keys), d.volatile)
		}
	}
}
