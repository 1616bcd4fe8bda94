package backends_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"bench/backends/control"
	"bench/backends/mysqlorigin"
	"bench/internal/mysqlwire"
	"bench/internal/testpeer"
	"bench/internal/testquiet"
)

const answersText = `
- query: SELECT c FROM sbtest* WHERE id=*
  columns: [c]
  rows: [[some text]]
- query: SELECT id, price, name, raw FROM item*
  columns: [id int, price real, name, raw blob]
  rows: [[1, 9.5, "one", "a\x00b"], [-2, null, "", null]]
- query: INSERT INTO item*
  affected: 1
  insertId: 3
- query: UPDATE item SET price=? WHERE id=?
  affected: 2
- query: DELETE FROM item*
  error: 1213 40001 Deadlock found
`

func answers(t *testing.T) []mysqlorigin.Answer {
	t.Helper()
	a, err := mysqlorigin.ParseAnswers([]byte(answersText))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// startMySQL runs a process of MySQL origins.
func startMySQL(t *testing.T, o mysqlorigin.Options) *rig {
	t.Helper()
	k, err := mysqlorigin.NewConfig(o)
	if err != nil {
		t.Fatal(err)
	}
	opts := defaults()
	opts.Kind = k
	return startProcess(t, &opts)
}

// open connects by go-sql-driver.
func (r *rig) open(dsn string) *sql.DB {
	r.t.Helper()
	db, err := sql.Open("mysql", strings.ReplaceAll(dsn, "ADDR", "tcp("+r.addr[0]+")"))
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { db.Close() })
	return db
}

func TestMySQLDriver(t *testing.T) {
	r := startMySQL(t, mysqlorigin.Options{Answers: answers(t)})
	db := r.open("someone:anything@ADDR/shop")
	ctx := t.Context()
	if err := db.PingContext(ctx); err != nil {
		t.Fatal(err)
	}
	var name string
	if err := db.QueryRowContext(ctx, "select database()").Scan(&name); err != nil || name != "shop" {
		t.Errorf("database %q, %v", name, err)
	}
	// The same rows as text, and as binary from a prepared statement.
	for _, args := range [][]any{nil, {7, "x", nil, 1.5, time.Now()}} {
		query := "SELECT id, price,\n name, raw /* all */ FROM item WHERE id > 0"
		if args != nil {
			query = "SELECT id, price, name, raw FROM item WHERE a=? AND b=? AND c=? AND d=? AND e=? AND f='?'"
		}
		rows, err := db.QueryContext(ctx, query, args...)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for rows.Next() {
			var id int64
			var price sql.NullFloat64
			var name string
			var raw []byte
			if err := rows.Scan(&id, &price, &name, &raw); err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprintf("%d %v %v %q %q", id, price.Float64, price.Valid, name, raw))
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		const want = `1 9.5 true "one" "a\x00b";-2 0 false "" ""`
		if s := strings.Join(got, ";"); s != want {
			t.Errorf("%d arguments: %s, want %s", len(args), s, want)
		}
	}
	res, err := db.ExecContext(ctx, "insert  into item values (1);")
	if err != nil {
		t.Fatal(err)
	}
	if id, _ := res.LastInsertId(); id != 3 {
		t.Errorf("insert id %d", id)
	}
	if res, err = db.ExecContext(ctx, "UPDATE item SET price=? WHERE id=?", 1.5, 2); err != nil {
		t.Fatal(err)
	}
	if n, _ := res.RowsAffected(); n != 2 {
		t.Errorf("affected %d", n)
	}
	_, err = db.ExecContext(ctx, "delete from item where id=?", 1)
	if e, ok := errors.AsType[*mysql.MySQLError](err); !ok || e.Number != 1213 || string(e.SQLState[:]) != "40001" || e.Message != "Deadlock found" {
		t.Errorf("delete: %v", err)
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Error(err)
	}
	// One statement prepared once and used often.
	st, err := db.PrepareContext(ctx, "SELECT c FROM sbtest1 WHERE id=?")
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	for i := range 20 {
		var c string
		if err := st.QueryRowContext(ctx, i).Scan(&c); err != nil || c != "some text" {
			t.Errorf("%q, %v", c, err)
		}
	}
}

func TestMySQLLiterals(t *testing.T) {
	db := startMySQL(t, mysqlorigin.Options{}).open("u@ADDR/")
	for query, want := range map[string]string{
		"SELECT 'a,B', 1":                    "a,B",
		`SELECT "a b", 1`:                    "a b",
		"SELECT 'it''s', 1":                  "it's",
		`SELECT 'it\'s, too', 1`:             "it's, too",
		"SELECT 'x', 1 FROM dual":            "x",
		"SELECT @@character_set_database, 1": "utf8mb4",
	} {
		var got string
		var one int
		if err := db.QueryRowContext(t.Context(), query).Scan(&got, &one); err != nil || got != want || one != 1 {
			t.Errorf("%s: %q, %d, %v", query, got, one, err)
		}
	}
}

// Columns are named as the statement is written, and not as it is compared.
func TestMySQLColumnNames(t *testing.T) {
	db := startMySQL(t, mysqlorigin.Options{}).open("u@ADDR/")
	for query, want := range map[string][]string{
		"SELECT 1 AS Foo,/* x, Y */ 'A,b'  as `Bar Baz`, @@Version": {"Foo", "Bar Baz", "@@Version"},
		"select Version(), 2 As B FROM Dual LIMIT 1;":               {"Version()", "B"},
	} {
		for _, prepared := range []bool{false, true} {
			rows, err := db.QueryContext(t.Context(), query)
			if prepared {
				st, e := db.PrepareContext(t.Context(), query)
				if e != nil {
					t.Fatal(e)
				}
				defer st.Close()
				rows, err = st.QueryContext(t.Context())
			}
			if err != nil {
				t.Fatal(err)
			}
			if got, err := rows.Columns(); err != nil || !slices.Equal(got, want) {
				t.Errorf("%s, prepared %v: %q, want %q, %v", query, prepared, got, want, err)
			}
			rows.Close()
		}
	}
}

func TestMySQLAutocommit(t *testing.T) {
	db := startMySQL(t, mysqlorigin.Options{}).open("u@ADDR/")
	db.SetMaxOpenConns(1)
	for _, c := range []struct{ set, want string }{
		{"DO 1", "1"},
		{"set autocommit=0", "0"},
		{"SET NAMES utf8mb4, @@Session.Autocommit := ON", "1"},
		{"set session autocommit = 'off'", "0"},
		{"set global autocommit=1", "0"},
		{"set sql_mode='autocommit=1'", "0"},
		{"set autocommit=default", "1"},
	} {
		var session, global, name, listed string
		_, err := db.ExecContext(t.Context(), c.set)
		if err == nil {
			err = db.QueryRowContext(t.Context(), "select @@autocommit, @@GLOBAL.autocommit").Scan(&session, &global)
		}
		if err == nil {
			err = db.QueryRowContext(t.Context(), "show variables like 'autocommit'").Scan(&name, &listed)
		}
		if err != nil || session != c.want || global != "1" || listed != map[string]string{"0": "OFF", "1": "ON"}[c.want] {
			t.Errorf("after %s: %s, of all %s, listed %s, %v", c.set, session, global, listed, err)
		}
	}
	_, err := db.ExecContext(t.Context(), "set autocommit=2")
	if e, ok := errors.AsType[*mysql.MySQLError](err); !ok || e.Number != 1231 || e.Message != "Variable 'autocommit' can't be set to the value of '2'" {
		t.Errorf("got %v", err)
	}
}

// Every answer says whether a transaction is open, also those that are kept ready.
func TestMySQLTransactionStatus(t *testing.T) {
	r := startMySQL(t, mysqlorigin.Options{Answers: answers(t)})
	c := r.dial()
	loginMySQL(t, c)
	for _, q := range []struct {
		text string
		want uint16
	}{
		{"SELECT c FROM sbtest1 WHERE id=1", mysqlwire.StatusAutocommit},
		{"BEGIN", mysqlwire.StatusAutocommit | mysqlwire.StatusInTransaction},
		{"SELECT c FROM sbtest1 WHERE id=1", mysqlwire.StatusAutocommit | mysqlwire.StatusInTransaction},
		{"SELECT 1", mysqlwire.StatusAutocommit | mysqlwire.StatusInTransaction},
		{"SET autocommit=1", mysqlwire.StatusAutocommit},
		{"SET autocommit=0", 0},
		{"SELECT c FROM sbtest1 WHERE id=1", 0},
	} {
		b, at := mysqlwire.Begin(nil, 0)
		if _, err := c.Write(mysqlwire.End(append(append(b, mysqlwire.ComQuery), q.text...), at)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
		got := make([]byte, 4096)
		n, err := c.Read(got)
		if err != nil || n < 5 {
			t.Fatalf("%s: %q, %v", q.text, got[:n], err)
		}
		// The last packet is EOF, which ends with the status, or OK with no warnings
		// behind it.
		status := uint16(got[n-2]) | uint16(got[n-1])<<8
		if got[4] == 0 {
			status = uint16(got[n-4]) | uint16(got[n-3])<<8
		}
		if status != q.want {
			t.Errorf("%s: status %#x, want %#x: %q", q.text, status, q.want, got[:n])
		}
	}
}

// Statements can be prepared in SQL, too.
func TestMySQLNamedStatements(t *testing.T) {
	r := startMySQL(t, mysqlorigin.Options{Answers: answers(t)})
	db := r.open("u@ADDR/")
	db.SetMaxOpenConns(1)
	ctx := t.Context()
	exec := func(query string) (message string) {
		_, err := db.ExecContext(ctx, query)
		if e, ok := errors.AsType[*mysql.MySQLError](err); ok {
			message = fmt.Sprint(e.Number, " ", e.Message)
		} else if err != nil {
			message = err.Error()
		}
		return message
	}
	for _, c := range []struct{ query, want string }{
		{`PREPARE S FROM 'SELECT \'it\'\'s\' AS Text, 2'`, ""},
		{"EXECUTE other", "1243 Unknown prepared statement handler (other) given to EXECUTE"},
		{"PREPARE s2 FROM \"DELETE FROM item\"", ""},
		{"EXECUTE s2 USING @a, @b", "1213 Deadlock found"},
		{"DEALLOCATE PREPARE S2", ""},
		{"DEALLOCATE PREPARE s2", "1243 Unknown prepared statement handler (s2) given to DEALLOCATE PREPARE"},
		{"EXECUTE s2", "1243 Unknown prepared statement handler (s2) given to EXECUTE"},
		{"PREPARE s3 FROM 'call x'", "1235 This origin has no answer to the statement: call x"},
		{"PREPARE s3 FROM @a", "1235 This origin has no answer to the statement: prepare s3 from @a"},
	} {
		if got := exec(c.query); got != c.want {
			t.Errorf("%s: %q, want %q", c.query, got, c.want)
		}
	}
	var text string
	var two int
	if err := db.QueryRowContext(ctx, "/* again */ execute s").Scan(&text, &two); err != nil || text != "it's" || two != 2 {
		t.Errorf("%q, %d, %v", text, two, err)
	}
	r.apply(control.Fault{Kind: control.KindState, State: control.StateReadOnly, For: "1m"})
	if got := exec("PREPARE w FROM 'INSERT INTO item VALUES (1)'"); got != "" {
		t.Errorf("a write prepared: %s", got)
	}
	if got := exec("EXECUTE w"); !strings.HasPrefix(got, "1290 ") {
		t.Errorf("a write carried out on a read-only server: %q", got)
	}
}

func TestMySQLAuthentication(t *testing.T) {
	for _, plugin := range []string{mysqlorigin.Native, mysqlorigin.CachingSHA2} {
		for _, password := range []string{"", "secret"} {
			r := startMySQL(t, mysqlorigin.Options{User: "app", Password: password, Plugin: plugin})
			if err := r.open("app:" + password + "@ADDR/").PingContext(t.Context()); err != nil {
				t.Errorf("%s, password %q: %v", plugin, password, err)
			}
			for _, who := range []string{"app:wrong", "root:" + password, "app:" + password + "x"} {
				err := r.open(who + "@ADDR/").PingContext(t.Context())
				if e, ok := errors.AsType[*mysql.MySQLError](err); !ok || e.Number != 1045 {
					t.Errorf("%s, password %q, as %s: %v", plugin, password, who, err)
				}
			}
			c, err := r.control.Counters(t.Context())
			if err != nil || c.Replicas[0].Connections.Denied != 3 || len(c.Replicas[0].Classes) > 1 {
				t.Errorf("counted %+v, %v", c.Replicas[0], err)
			}
		}
	}
}

// sha2Login logs in by caching_sha2_password and returns what the server said, by
// the first bytes of its packets: 1 and the plugin's word, or 0 for OK, or 0xff.
func (r *rig) sha2Login(user, password string) (said []byte) {
	r.t.Helper()
	c := r.dial()
	in := bufio.NewReader(c)
	packet := func() (payload []byte, seq byte) {
		head := make([]byte, 4)
		if _, err := io.ReadFull(in, head); err != nil {
			r.t.Fatal(err)
		}
		payload = make([]byte, int(head[0])|int(head[1])<<8)
		if _, err := io.ReadFull(in, payload); err != nil {
			r.t.Fatal(err)
		}
		return payload, head[3]
	}
	say := func(b []byte) {
		if _, err := c.Write(b); err != nil {
			r.t.Fatal(err)
		}
	}
	first, seq := packet()
	g, err := mysqlwire.ParseGreeting(first)
	if err != nil {
		r.t.Fatal(err)
	}
	say(mysqlwire.AppendLogin(nil, seq+1, &mysqlwire.Login{
		Capabilities: mysqlwire.Protocol41 | mysqlwire.SecureConnection | mysqlwire.PluginAuth,
		User:         []byte(user), Auth: mysqlwire.Scramble(mysqlwire.CachingSHA2Password, password, &g.Salt), Plugin: []byte(mysqlwire.CachingSHA2Password),
	}))
	for {
		p, seq := packet()
		switch said = append(said, p[0]); {
		case p[0] != 1:
			return said
		case p[1] == mysqlwire.SHA2Full:
			said = append(said, p[1])
			b, at := mysqlwire.Begin(nil, seq+1)
			say(mysqlwire.End(append(b, mysqlwire.SHA2AskKey), at))
		case p[1] == mysqlwire.SHA2Right:
			said = append(said, p[1])
		default:
			secret, err := mysqlwire.EncryptPassword(password, &g.Salt, p[1:])
			if err != nil {
				r.t.Fatal(err)
			}
			b, at := mysqlwire.Begin(nil, seq+1)
			say(mysqlwire.End(append(b, secret...), at))
		}
	}
}

// Until a password is in the cache of caching_sha2_password it is asked for itself,
// and also when the answer to the salt is not what the cache says.
func TestMySQLFullAuthentication(t *testing.T) {
	r := startMySQL(t, mysqlorigin.Options{User: "app", Password: "secret", Plugin: mysqlorigin.CachingSHA2})
	for _, c := range []struct{ user, password, want string }{
		{"app", "wrong", "\x01\x04\x01\xff"},
		{"app", "secret", "\x01\x04\x01\x00"},
		{"app", "secret", "\x01\x03\x00"},
		{"app", "wrong", "\x01\x04\x01\xff"},
		{"other", "secret", "\x01\x04\x01\xff"},
		{"app", "secret", "\x01\x03\x00"},
		{"app", "", "\xff"},
	} {
		if got := string(r.sha2Login(c.user, c.password)); got != c.want {
			t.Errorf("%s with %q: %q, want %q", c.user, c.password, got, c.want)
		}
	}
}

func TestMySQLRolesAndLag(t *testing.T) {
	r := startMySQL(t, mysqlorigin.Options{Role: control.RoleReplica, Lag: 3 * time.Second, Primary: "10.0.0.1:3307"})
	db := r.open("x@ADDR/")
	// status reads SHOW REPLICA STATUS.
	status := func(command string) map[string]string {
		t.Helper()
		rows, err := db.QueryContext(t.Context(), command)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		names, _ := rows.Columns()
		got := map[string]string{}
		for rows.Next() {
			values := make([]sql.NullString, len(names))
			into := make([]any, len(names))
			for i := range values {
				into[i] = &values[i]
			}
			if err := rows.Scan(into...); err != nil {
				t.Fatal(err)
			}
			for i, v := range values {
				got[names[i]] = v.String
				if !v.Valid {
					got[names[i]] = "NULL"
				}
			}
		}
		return got
	}
	readOnly := func() (n int) {
		if err := db.QueryRowContext(t.Context(), "SELECT @@global.read_only").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	write := func() int {
		_, err := db.ExecContext(t.Context(), "INSERT INTO t VALUES (1)")
		if e, ok := errors.AsType[*mysql.MySQLError](err); ok {
			return int(e.Number)
		}
		return 0
	}
	if s := status("SHOW REPLICA STATUS"); s["Seconds_Behind_Source"] != "3" || s["Replica_SQL_Running"] != "Yes" || s["Source_Host"] != "10.0.0.1" {
		t.Errorf("status %v", s)
	}
	if readOnly() != 1 || write() != 1290 {
		t.Errorf("read_only %d, a write gives %d", readOnly(), write())
	}
	r.apply(control.Fault{Kind: control.Lag, Lag: "1m30s", For: "1m"})
	if s := status("show slave status"); s["Seconds_Behind_Master"] != "90" || s["Slave_IO_Running"] != "Yes" {
		t.Errorf("status %v", s)
	}
	r.apply(control.Fault{Kind: control.KindState, State: control.StateStopped, For: "1m"})
	if s := status("SHOW REPLICA STATUS"); s["Seconds_Behind_Source"] != "NULL" || s["Replica_SQL_Running"] != "No" {
		t.Errorf("status %v", s)
	}
	r.apply(control.Fault{Kind: control.Role, Role: control.RolePrimary, For: "1m"})
	if s := status("SHOW REPLICA STATUS"); len(s) != 0 {
		t.Errorf("status of a primary %v", s)
	}
	if readOnly() != 0 || write() != 0 {
		t.Errorf("promoted: read_only %d, a write gives %d", readOnly(), write())
	}
	r.apply(control.Fault{Kind: control.KindState, State: control.StateReadOnly, For: "1m"})
	if readOnly() != 1 || write() != 1290 {
		t.Errorf("state read-only: read_only %d, a write gives %d", readOnly(), write())
	}
}

func TestMySQLFaults(t *testing.T) {
	if testquiet.Tried(t) {
		return
	}
	r := startMySQL(t, mysqlorigin.Options{})
	db := r.open("x@ADDR/")
	db.SetMaxOpenConns(1)
	var n int
	query := func() error { return db.QueryRowContext(t.Context(), "SELECT 1").Scan(&n) }
	if err := query(); err != nil {
		t.Fatal(err)
	}
	a := r.apply(control.Fault{Kind: control.Error, Status: 1205, For: "1m"})
	if e, ok := errors.AsType[*mysql.MySQLError](query()); !ok || e.Number != 1205 {
		t.Errorf("got %v", e)
	}
	if _, err := r.control.Clear(t.Context(), control.ClearOrder{ID: a.ID}); err != nil {
		t.Fatal(err)
	}
	a = r.apply(control.Fault{Kind: control.Limit, Connections: new(1), For: "1m"})
	if err := query(); err != nil {
		t.Errorf("the connection that is there: %v", err)
	}
	other := r.open("x@ADDR/")
	if e, ok := errors.AsType[*mysql.MySQLError](other.PingContext(t.Context())); !ok || e.Number != 1040 {
		t.Errorf("got %v", e)
	}
	if _, err := r.control.Clear(t.Context(), control.ClearOrder{ID: a.ID}); err != nil {
		t.Fatal(err)
	}
	r.apply(control.Fault{Kind: control.Stall, For: "100ms"})
	begin := time.Now()
	if err := query(); err != nil || time.Since(begin) < 99*time.Millisecond {
		t.Errorf("%v after %v", err, time.Since(begin))
	}
	if _, err := r.control.Apply(t.Context(), control.Fault{Kind: control.KindState, State: control.StateLoading, For: "1s"}); err == nil || !strings.Contains(err.Error(), "read-only, replication-stopped") {
		t.Errorf("got %v", err)
	}
	if _, err := r.control.Apply(t.Context(), control.Fault{Kind: control.Error, Status: 503, For: "1s"}); err == nil || !strings.Contains(err.Error(), "1000 to 9999") {
		t.Errorf("got %v", err)
	}
}

func TestMySQLCountsIDs(t *testing.T) {
	r := startMySQL(t, mysqlorigin.Options{Answers: answers(t)})
	db := r.open("x@ADDR/")
	for i := range 5 {
		if _, err := db.ExecContext(t.Context(), fmt.Sprintf("/* X-Bench-Id: shop.%d */ INSERT INTO item VALUES (1)", i)); err != nil {
			t.Fatal(err)
		}
	}
	if k := r.class("shop"); k.Received != 5 || k.Answered != 5 || k.AnsweredIDs != 5 || k.Errors != 0 {
		t.Errorf("counted %+v", k)
	}
}

func TestMariaDBClient(t *testing.T) {
	// Without --skip-ssl the client wishes for TLS, and as that is not to be had sends
	// the password in clear where it should be encrypted.
	for _, c := range []struct {
		plugin string
		flags  []string
	}{{mysqlorigin.Native, nil}, {mysqlorigin.CachingSHA2, nil}, {mysqlorigin.CachingSHA2, []string{"--skip-ssl"}}} {
		t.Run(strings.Join(append([]string{c.plugin}, c.flags...), " "), func(t *testing.T) { mariaDBClient(t, c.plugin, c.flags) })
	}
}

func mariaDBClient(t *testing.T, plugin string, flags []string) {
	client := testpeer.Need(t, "mariadb")
	r := startMySQL(t, mysqlorigin.Options{Answers: answers(t), User: "app", Password: "secret", Plugin: plugin})
	host, port, _ := net.SplitHostPort(r.addr[0])
	run := func(want string, args ...string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		args = slices.Concat([]string{"--no-defaults", "-h", host, "-P", port, "-u", "app", "-psecret"}, flags, args)
		out, err := exec.CommandContext(ctx, client, args...).CombinedOutput()
		if err != nil || string(out) != want {
			t.Errorf("%v: %v: %q, want %q", args, err, out, want)
		}
	}
	run("id\tprice\tname\traw\n1\t9.5\tone\ta\\0b\n-2\tNULL\t\tNULL\n", "-e", "select id, price, name, raw from item;")
	run("mydb\n", "-N", "mydb", "-e", "select database()")
	run("max_connections\t151\n", "-N", "-e", "show variables like 'max_conn%'")
	run("other\n", "-N", "-e", "use other; select database()")
	run("7\n8\n", "-N", "-e", "select 7; select 8")
	run("c\nsome text\n", "-e", "PREPARE `S` FROM 'SELECT c FROM sbtest1 WHERE id=?'; set @a=1; EXECUTE S USING @a; DEALLOCATE PREPARE s")
}

func TestSysbench(t *testing.T) {
	program := testpeer.Need(t, "sysbench")
	for _, mode := range []string{"auto", "disable"} { // of prepared statements
		r := startMySQL(t, mysqlorigin.Options{Answers: answers(t), User: "app", Password: "secret"})
		host, port, _ := net.SplitHostPort(r.addr[0])
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		out, err := exec.CommandContext(ctx, program, "oltp_point_select", "--mysql-host="+host, "--mysql-port="+port,
			"--mysql-user=app", "--mysql-password=secret", "--db-ps-mode="+mode, "--threads=4", "--events=2000", "--time=10", "run").CombinedOutput()
		if err != nil || !strings.Contains(string(out), "total number of events:") {
			t.Errorf("prepared statements %s: %v: %s", mode, err, out)
		}
		if k := r.class("-"); k.Received < 2000 || k.Errors > 0 {
			t.Errorf("prepared statements %s: counted %+v", mode, k)
		}
	}
}

// What option mysql-check of HAProxy sends: a login without password by the
// protocol of 4.1 or of before, and a farewell, at once.
func TestMySQLHealthCheck(t *testing.T) {
	for name, login := range map[string]string{
		"post-41": "\x00\x82\x00\x00\x00\x00\x00\x01\x21" + strings.Repeat("\x00", 23) + "check\x00\x00",
		"pre-41":  "\x80\x00\x01\x00\x00check\x00",
	} {
		r := startMySQL(t, mysqlorigin.Options{User: "check"})
		c := r.dial()
		in := bufio.NewReader(c)
		first := make([]byte, 4)
		if _, err := io.ReadFull(in, first); err != nil {
			t.Fatal(err)
		}
		greeting := make([]byte, int(first[0]))
		if _, err := io.ReadFull(in, greeting); err != nil || greeting[0] != 10 {
			t.Fatalf("%s: greeting %q, %v", name, greeting, err)
		}
		fmt.Fprintf(c, "%c\x00\x00\x01%s\x01\x00\x00\x00\x01", len(login), login)
		got, err := io.ReadAll(in)
		if err != nil || len(got) != 11 || got[3] != 2 || got[4] != 0 {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestMySQLMalformed(t *testing.T) {
	for _, text := range []string{"\xff\xff\xff\x01", "\x03\x00\x00\x01abc", "\x00\x00\x00\x01"} {
		r := startMySQL(t, mysqlorigin.Options{})
		c := r.dial()
		fmt.Fprint(c, text)
		got, err := io.ReadAll(c)
		if err != nil || !strings.Contains(string(got), "Malformed communication packet") {
			t.Errorf("%q: %q, %v", text, got, err)
		}
		n, err := r.control.Counters(t.Context())
		if err != nil || n.Replicas[0].Malformed != 1 {
			t.Errorf("counted %+v, %v", n, err)
		}
	}
}

func TestBadMySQLOptions(t *testing.T) {
	for _, o := range []mysqlorigin.Options{
		{Role: "boss"},
		{Lag: -1},
		{MaxConnections: -1},
		{Primary: "nowhere"},
		{Plugin: "md5"},
		{Password: "x"},
		{Answers: []mysqlorigin.Answer{{}}},
		{Answers: []mysqlorigin.Answer{{Query: "x", Error: mysqlorigin.Error{Code: 5}}}},
		{Answers: []mysqlorigin.Answer{{Query: "x", Rows: [][]mysqlwire.Value{{}}}}},
	} {
		if _, err := mysqlorigin.NewConfig(o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
	for text, want := range map[string]string{
		"- query: a\n  colums: [b]":                    "[2:3]",
		"- columns: [a]":                               "no query",
		"- {query: a, columns: [b date]}":              "unknown type",
		"- {query: a, columns: [b int], rows: [[x]]}":  "not a whole number",
		"- {query: a, columns: [b, c], rows: [[x]]}":   "1 values for 2 columns",
		"- {query: a, rows: [[x]]}":                    "rows but no columns",
		"- {query: a, error: deadlock}":                "want a number and a message",
		"- {query: a, error: 99 x}":                    "want 1000 to 9999",
		"- {query: a, error: 1213 x, columns: [name]}": "both columns and an error",
	} {
		if _, err := mysqlorigin.ParseAnswers([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

// TestMain is here for the driver's complaints, which belong to its tests.
func TestMain(m *testing.M) {
	_ = mysql.SetLogger(quiet{})
	os.Exit(m.Run())
}

type quiet struct{}

func (quiet) Print(...any) {}
