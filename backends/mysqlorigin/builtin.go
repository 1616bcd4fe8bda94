package mysqlorigin

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"bench/backends/control"
	"bench/internal/mysqlwire"
)

// outcome is what a built-in statement comes to: a result, or an OK if it has
// no columns.
type outcome struct {
	columns  []mysqlwire.Column
	rows     [][]mysqlwire.Value
	affected uint64
	effect   func(*session) // on execution; nil if it has none
}

func text(s string) mysqlwire.Value { return mysqlwire.Value{Text: s} }

// table makes a result of text columns.
func table(columns []string, rows ...[]mysqlwire.Value) outcome {
	o := outcome{rows: rows}
	for _, name := range columns {
		o.columns = append(o.columns, mysqlwire.Column{Name: name, Type: mysqlwire.Text})
	}
	return o
}

// writes are the statements that a server refuses that is read-only.
func isWrite(text []byte) bool {
	word, _, _ := strings.Cut(string(text[:min(len(text), 16)]), " ")
	switch word {
	case "insert", "update", "delete", "replace", "create", "drop", "alter", "truncate", "rename", "grant", "revoke", "load":
		return true
	}
	return false
}

// builtin answers the statements that clients, pools and monitors send by
// themselves.
func (s *session) builtin(st *statement) (outcome, *Error) {
	q := st.text
	word, rest, _ := strings.Cut(string(q), " ")
	switch word {
	case "":
		return outcome{}, &Error{Code: 1065, State: "42000", Message: "Query was empty"}
	case "set":
		return s.sets(rest)
	case "do", "kill", "flush", "savepoint", "release", "lock", "unlock", "analyze", "optimize":
		return outcome{}, nil
	case "use":
		name := strings.Trim(rest, "`")
		return outcome{effect: func(s *session) { s.database = append(s.database[:0], name...) }}, nil
	case "begin", "start":
		return outcome{effect: func(s *session) { s.status |= mysqlwire.StatusInTransaction }}, nil
	case "commit", "rollback":
		return outcome{effect: func(s *session) { s.status &^= mysqlwire.StatusInTransaction }}, nil
	case "show":
		return s.show(rest)
	case "select":
		return s.selects(rest, st.written(rest))
	case "prepare":
		return s.prepares(rest, st.written(rest))
	case "deallocate":
		return s.deallocates(rest)
	}
	if isWrite(q) {
		return outcome{affected: 1}, nil
	}
	return outcome{}, unknown("statement", string(q))
}

// written is the end of a statement as it was written.
func (st *statement) written(end string) string {
	all := asWritten(st.said)
	return all[len(all)-len(end):]
}

func unknown(what, q string) *Error {
	return &Error{Code: 1235, State: "42000", Message: "This origin has no answer to the " + what + ": " + printable([]byte(q))}
}

// selects answers a list of variables, functions and numbers without FROM. Columns
// are named as in the statement as it was written.
func (s *session) selects(list, written string) (outcome, *Error) {
	list = strings.TrimSuffix(strings.TrimSuffix(list, " limit 1"), " from dual")
	var o outcome
	var row []mysqlwire.Value
	for more := true; more; {
		var item string
		item, list, more = cutItem(list)
		alias := written[:len(item)]
		written = written[min(len(item)+1, len(written)):]
		expr, _, named := strings.Cut(item, " as ")
		if named {
			alias = alias[len(expr)+len(" as "):]
		}
		v, t, e := s.evaluate(strings.TrimSpace(expr))
		if e != nil {
			return o, e
		}
		o.columns = append(o.columns, mysqlwire.Column{Name: strings.Trim(strings.TrimSpace(alias), "'`\""), Type: t})
		row = append(row, v)
	}
	o.rows = [][]mysqlwire.Value{row}
	return o, nil
}

// cutItem takes the first item off a list; commas within quotes are no ends.
func cutItem(list string) (item, rest string, more bool) {
	for i := 0; i < len(list); i++ {
		switch list[i] {
		case '\'', '"', '`':
			i += quoted([]byte(list[i:])) - 1
		case ',':
			return list[:i], list[i+1:], true
		}
	}
	return list, "", false
}

// unquote is the text of a literal: a quote within it is doubled or has a
// backslash before it.
func unquote(literal string) string {
	var out []byte
	for i := 1; i < len(literal)-1; i++ {
		if c := literal[i]; c == '\\' || c == literal[0] {
			i++
		}
		out = append(out, literal[i])
	}
	return string(out)
}

// evaluate knows literals, variables and a few functions.
func (s *session) evaluate(expr string) (mysqlwire.Value, mysqlwire.Type, *Error) {
	if name, ok := strings.CutPrefix(expr, "@@"); ok {
		if name == "global.autocommit" {
			return typed("1")
		}
		name = strings.TrimPrefix(strings.TrimPrefix(name, "global."), "session.")
		for _, v := range s.variables() {
			if v[0] == name {
				return typed(v[1])
			}
		}
		return mysqlwire.Value{}, 0, &Error{Code: 1193, Message: "Unknown system variable '" + printable([]byte(name)) + "'"}
	}
	if _, err := strconv.ParseInt(expr, 10, 64); err == nil {
		return typed(expr)
	}
	if len(expr) >= 2 && (expr[0] == '\'' || expr[0] == '"') && quoted([]byte(expr)) == len(expr) {
		return text(unquote(expr)), mysqlwire.Text, nil
	}
	switch strings.TrimSuffix(strings.ReplaceAll(expr, " ", ""), "()") {
	case "version":
		return text(Version), mysqlwire.Text, nil
	case "database", "schema":
		return mysqlwire.Value{Null: len(s.database) == 0, Text: string(s.database)}, mysqlwire.Text, nil
	case "connection_id":
		return typed(strconv.FormatUint(uint64(s.id), 10))
	case "user", "current_user", "session_user":
		return text(string(s.user) + "@%"), mysqlwire.Text, nil
	case "now", "current_timestamp":
		return text(time.Now().UTC().Format(time.DateTime)), mysqlwire.Text, nil
	case "unix_timestamp":
		return typed(strconv.FormatInt(time.Now().Unix(), 10))
	case "last_insert_id":
		return typed(strconv.FormatUint(s.insertID, 10))
	case "null":
		return mysqlwire.Value{Null: true}, mysqlwire.Text, nil
	}
	return mysqlwire.Value{}, 0, unknown("expression", expr)
}

// typed makes whole numbers numbers.
func typed(s string) (mysqlwire.Value, mysqlwire.Type, *Error) {
	if _, err := strconv.ParseInt(s, 10, 64); err == nil {
		return text(s), mysqlwire.Int, nil
	}
	return text(s), mysqlwire.Text, nil
}

func onOff(on bool) string {
	if on {
		return "1"
	}
	return "0"
}

// variables are the system variables that clients and monitors look at.
func (s *session) variables() [][2]string {
	r := s.r
	return [][2]string{
		{"auto_increment_increment", "1"},
		{"autocommit", onOff(s.status&mysqlwire.StatusAutocommit != 0)},
		{"character_set_client", "utf8mb4"},
		{"character_set_connection", "utf8mb4"},
		{"character_set_database", "utf8mb4"},
		{"character_set_results", "utf8mb4"},
		{"character_set_server", "utf8mb4"},
		{"collation_connection", "utf8mb4_general_ci"},
		{"collation_server", "utf8mb4_general_ci"},
		{"gtid_mode", "OFF"},
		{"have_ssl", "DISABLED"},
		{"hostname", "origin"},
		{"init_connect", ""},
		{"interactive_timeout", "28800"},
		{"license", "GPL"},
		{"lower_case_table_names", "0"},
		{"max_allowed_packet", strconv.Itoa(mysqlwire.MaxPayload)},
		{"max_connections", strconv.Itoa(r.limit(r.server.Force()))},
		{"net_write_timeout", "60"},
		{"performance_schema", "0"},
		{"port", strconv.Itoa(r.tcpPort())},
		{"read_only", onOff(r.readOnly())},
		{"server_id", "1"},
		{"sql_mode", "ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES"},
		{"super_read_only", onOff(r.role() == control.RoleReplica)},
		{"system_time_zone", "UTC"},
		{"time_zone", "SYSTEM"},
		{"transaction_isolation", "REPEATABLE-READ"},
		{"transaction_read_only", "0"},
		{"tx_isolation", "REPEATABLE-READ"},
		{"version", Version},
		{"version_comment", "mock origin"},
		{"version_compile_os", "Linux"},
		{"wait_timeout", "28800"},
	}
}

func (r *replica) tcpPort() int {
	if a := r.server.Addr(); !a.IsUnix() {
		return int(a.AddrPort().Port())
	}
	return 0
}

// counters are the status variables.
func (s *session) counters() [][2]string {
	r, t := s.r, s.r.server.Tally()
	return [][2]string{
		{"Connections", strconv.FormatUint(uint64(r.nextID), 10)},
		{"Connection_errors_max_connections", strconv.FormatUint(t.Limited, 10)},
		{"Questions", strconv.FormatUint(r.questions, 10)},
		{"Threads_connected", strconv.Itoa(r.server.Active())},
		{"Threads_running", "1"},
		{"Uptime", strconv.Itoa(int(time.Since(r.began).Seconds()))},
	}
}

func (r *replica) statistics() string {
	return fmt.Sprintf("Uptime: %d  Threads: %d  Questions: %d", int(time.Since(r.began).Seconds()), r.server.Active(), r.questions)
}

// show answers SHOW.
func (s *session) show(what string) (outcome, *Error) {
	what = strings.TrimPrefix(strings.TrimPrefix(what, "global "), "session ")
	word, rest, _ := strings.Cut(what, " ")
	switch word {
	case "variables":
		return s.listing(rest, s.variables())
	case "status":
		return s.listing(rest, s.counters())
	case "warnings", "errors":
		return table([]string{"Level", "Code", "Message"}), nil
	case "databases", "schemas":
		return table([]string{"Database"}, []mysqlwire.Value{text("information_schema")}), nil
	case "tables":
		return table([]string{"Tables_in_" + string(s.database)}), nil
	case "processlist":
		return s.processes(), nil
	}
	switch what {
	case "replica status", "all replicas status":
		return s.replication(false), nil
	case "slave status", "all slaves status":
		return s.replication(true), nil
	case "master status", "binary log status":
		if s.r.role() == control.RoleReplica {
			return table([]string{"File", "Position"}), nil
		}
		return table([]string{"File", "Position"}, []mysqlwire.Value{text("binlog.000001"), text("4")}), nil
	}
	return outcome{}, unknown("statement", "show "+what)
}

// listing answers with rows of names and values, limited by LIKE, or by WHERE
// Variable_name = or IN.
func (s *session) listing(filter string, rows [][2]string) (outcome, *Error) {
	o := table([]string{"Variable_name", "Value"})
	var wanted func(string) bool
	switch {
	case filter == "":
		wanted = func(string) bool { return true }
	case strings.HasPrefix(filter, "like "):
		pattern := strings.Trim(strings.TrimPrefix(filter, "like "), "'\"")
		wanted = func(name string) bool { return like(strings.ToLower(pattern), strings.ToLower(name)) }
	case strings.HasPrefix(filter, "where variable_name"):
		lower := strings.ToLower(filter)
		wanted = func(name string) bool { return strings.Contains(lower, "'"+strings.ToLower(name)+"'") }
	default:
		return o, unknown("filter", filter)
	}
	for _, r := range rows {
		if wanted(r[0]) {
			value := r[1]
			switch r[0] {
			case "read_only", "super_read_only", "autocommit", "performance_schema", "transaction_read_only":
				value = map[string]string{"0": "OFF", "1": "ON"}[value]
			}
			o.rows = append(o.rows, []mysqlwire.Value{text(r[0]), text(value)})
		}
	}
	return o, nil
}

// like compares with a pattern of LIKE: % is any text, _ any character, \ takes
// the next one literally.
func like(pattern, s string) bool {
	star, from := -1, 0
	p, i := 0, 0
	for i < len(s) {
		if p < len(pattern) && pattern[p] == '%' {
			star, from = p, i
			p++
			continue
		}
		literal := p
		if p+1 < len(pattern) && pattern[p] == '\\' {
			literal++
		}
		switch {
		case p < len(pattern) && (pattern[literal] == s[i] || literal == p && pattern[p] == '_'):
			p, i = literal+1, i+1
		case star >= 0:
			from++
			p, i = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "%") == ""
}

func (s *session) processes() outcome {
	o := table([]string{"Id", "User", "Host", "db", "Command", "Time", "State", "Info"})
	for c := range s.r.server.Conns() {
		other, ok := c.Session().(*session)
		if !ok || other.phase != serving {
			continue
		}
		o.rows = append(o.rows, []mysqlwire.Value{
			text(strconv.FormatUint(uint64(other.id), 10)), text(string(other.user)), text(peer(c)),
			{Null: len(other.database) == 0, Text: string(other.database)},
			text("Sleep"), text("0"), text(""),
			{Null: true},
		})
	}
	return o
}

// replication answers SHOW REPLICA STATUS, in the words of before 8.0.22 if
// old. A primary has no row.
func (s *session) replication(old bool) outcome {
	r := s.r
	running, lag := "Yes", text(strconv.Itoa(int(r.lag().Seconds())))
	if r.stopped() {
		running, lag = "No", mysqlwire.Value{Null: true}
	}
	source, replica := "Source", "Replica"
	if old {
		source, replica = "Master", "Slave"
	}
	rows := []struct {
		name  string
		value mysqlwire.Value
	}{
		{replica + "_IO_State", text("Waiting for source to send event")},
		{source + "_Host", text(r.cfg.host)},
		{source + "_User", text("replication")},
		{source + "_Port", text(r.cfg.port)},
		{"Connect_Retry", text("60")},
		{source + "_Log_File", text("binlog.000001")},
		{"Read_" + source + "_Log_Pos", text("4")},
		{replica + "_IO_Running", text(running)},
		{replica + "_SQL_Running", text(running)},
		{"Last_Errno", text("0")},
		{"Last_Error", text("")},
		{"Exec_" + source + "_Log_Pos", text("4")},
		{"Seconds_Behind_" + source, lag},
		{"Last_IO_Error", text("")},
		{"Last_SQL_Error", text("")},
	}
	var names []string
	var row []mysqlwire.Value
	for _, c := range rows {
		names = append(names, c.name)
		row = append(row, c.value)
	}
	if r.role() != control.RoleReplica {
		return table(names)
	}
	return table(names, row)
}
