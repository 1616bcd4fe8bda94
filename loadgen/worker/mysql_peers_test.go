package worker

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"bench/internal/result"
	"bench/internal/testpeer"
	"bench/loadgen/mysql"
	"bench/loadgen/workload"
)

// mariadbPeer runs a MariaDB server with a table item of 100 rows in database
// shop. User app has the password secret, as has safe, who must come in TLS.
func mariadbPeer(t *testing.T, id *identity) (addr string) {
	t.Helper()
	server, install := testpeer.Need(t, "mariadbd"), testpeer.Need(t, "mariadb-install-db")
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	out, err := exec.Command(install, "--no-defaults", "--datadir="+data, "--auth-root-authentication-method=normal",
		"--skip-test-db", "--innodb-log-file-size=4M", "--innodb-buffer-pool-size=16M", "--user=root").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var rows strings.Builder
	for i := range 100 {
		fmt.Fprintf(&rows, ",(%d,%d,'name %d')", i, 0, i)
	}
	init := write(t, filepath.Join(dir, "init.sql"), `CREATE DATABASE shop;
CREATE TABLE shop.item (id INT PRIMARY KEY, n BIGINT, name VARCHAR(40)) ENGINE=InnoDB;
INSERT INTO shop.item VALUES `+rows.String()[1:]+`;
CREATE USER app@'127.0.0.1' IDENTIFIED BY 'secret';
CREATE USER app@localhost IDENTIFIED BY 'secret';
CREATE USER safe@'127.0.0.1' IDENTIFIED BY 'secret' REQUIRE SSL;
CREATE USER safe@localhost IDENTIFIED BY 'secret' REQUIRE SSL;
GRANT SELECT ON shop.* TO safe@'127.0.0.1';
GRANT SELECT ON shop.* TO safe@localhost;
GRANT SELECT, INSERT, UPDATE ON shop.* TO app@'127.0.0.1';
GRANT SELECT, INSERT, UPDATE ON shop.* TO app@localhost;
`)
	addr = testpeer.FreeAddr(t)
	_, port, _ := strings.Cut(addr, ":")
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	startPeer(t, log, addr, server, "--no-defaults", "--datadir="+data, "--user=root", "--bind-address=127.0.0.1", "--port="+port,
		"--socket="+filepath.Join(dir, "s"), "--init-file="+init, "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=16M",
		"--innodb-log-file-size=4M", "--skip-log-bin", "--performance-schema=OFF", "--ssl-cert="+id.pair, "--ssl-key="+id.pair)
	return addr
}

func mysqlLoad(addr string, m mysql.Spec) *workload.Spec {
	spec := steady(addr, 1000, 300_000)
	spec.Protocol, spec.MySQL = "mysql", m
	spec.MySQL.User, spec.MySQL.Password, spec.MySQL.Database = "app", "secret", "shop"
	return spec
}

// class finds the figures of a kind of request.
func class(t *testing.T, l *result.Load, name string) *result.LoadClass {
	t.Helper()
	for i := range l.Classes {
		if l.Classes[i].Name == name {
			return &l.Classes[i]
		}
	}
	t.Fatalf("there is no class %s", name)
	return nil
}

func TestMariaDB(t *testing.T) {
	id := newIdentity(t)
	addr := mariadbPeer(t, id)
	one, none, hundred := int64(1), int64(0), int64(100)
	t.Run("mix", func(t *testing.T) {
		spec := mysqlLoad(addr, mysql.Spec{
			Connect: []string{"SET SESSION sql_mode=''"},
			Statements: []mysql.Statement{
				{Name: "ping"},
				{Name: "point", Weight: 3, Query: "SELECT name FROM item WHERE id={{random 0 99}}", Expect: mysql.ExpectResult{Rows: &one}},
				{Name: "prepared", Weight: 3, Query: "SELECT * FROM item WHERE id=? AND name LIKE ?", Prepared: true, Params: []string{"{{random 0 99}}", "name%"}, Expect: mysql.ExpectResult{Rows: &one}},
				{Name: "all", Query: "SELECT * FROM item", Expect: mysql.ExpectResult{Rows: &hundred}},
				{Name: "limit", Query: "SELECT id FROM item LIMIT ?", Prepared: true, Params: []string{"1"}, Expect: mysql.ExpectResult{Rows: &one}},
				{Name: "none", Query: "UPDATE item SET n=0 WHERE id=-1", Expect: mysql.ExpectResult{Affected: &none}},
				{Name: "wrong", Query: "SELECT x FROM item"},
				{Name: "denied", Query: "DELETE FROM item"},
				{Name: "expected", Query: "SELECT y FROM item", Expect: mysql.ExpectResult{Error: 1054}},
			},
		})
		got, _ := load(t, spec)
		wrong, denied := class(t, got, "wrong"), class(t, got, "denied")
		if wrong.FailuresByCause[result.CauseError] != wrong.Requests || denied.FailuresByCause[result.CauseDenied] != denied.Requests ||
			got.Failed != wrong.Requests+denied.Requests || wrong.Requests == 0 || got.ConnsOpened > 8 {
			t.Errorf("%d connections, failures %v", got.ConnsOpened, got.FailuresByCause)
		}
	})
	t.Run("transactions", func(t *testing.T) {
		spec := mysqlLoad(addr, mysql.Spec{Statements: []mysql.Statement{
			{Name: "good", Weight: 4, Transaction: []string{"UPDATE item SET n=n+1 WHERE id=1", "SELECT n FROM item WHERE id=1"}, Expect: mysql.ExpectResult{Rows: &one, Affected: &one}},
			{Name: "bad", Transaction: []string{"UPDATE item SET n=n+1000000 WHERE id=1", "SELECT nothing FROM item"}},
		}})
		got, _ := load(t, spec)
		bad, good := class(t, got, "bad"), class(t, got, "good")
		if good.Failed > 0 || bad.FailuresByCause[result.CauseError] != bad.Requests || bad.Requests == 0 {
			t.Errorf("failures %v", got.FailuresByCause)
		}
		// What good ones have changed stays, what bad ones have is undone.
		check := mysqlLoad(addr, mysql.Spec{Statements: []mysql.Statement{{Query: fmt.Sprintf("SELECT * FROM item WHERE id=1 AND n=%d", good.Completed), Expect: mysql.ExpectResult{Rows: &one}}}})
		if got, _ := load(t, check); got.Failed > 0 {
			t.Errorf("the server has not counted %d: %v", good.Completed, got.FailuresByCause)
		}
	})
	t.Run("churn", func(t *testing.T) {
		spec := mysqlLoad(addr, mysql.Spec{})
		spec.Connections.RequestsPerConnection = 1
		if got, _ := load(t, spec); got.Failed > 0 || got.ConnsOpened != got.Requests {
			t.Errorf("%d connections for %d pings, failures %v", got.ConnsOpened, got.Requests, got.FailuresByCause)
		}
	})
	t.Run("farewell", func(t *testing.T) {
		const quiet = "SELECT 1 FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME='ABORTED_CLIENTS' AND VARIABLE_VALUE='0'"
		spec := mysqlLoad(addr, mysql.Spec{Statements: []mysql.Statement{{Query: quiet, Expect: mysql.ExpectResult{Rows: &one}}}})
		spec.Phases[0].LengthUs = 50_000
		if got, _ := load(t, spec); got.Failed > 0 {
			t.Errorf("the server has seen clients go without a word: %v", got.FailuresByCause)
		}
	})
	t.Run("set-up", func(t *testing.T) {
		for want, change := range map[string]func(*mysql.Spec){
			"handshake: error 1045 (28000) Access denied": func(m *mysql.Spec) { m.Password = "wrong" },
			"handshake: error 1044 (42000) Access denied": func(m *mysql.Spec) { m.Database = "other" },
			"handshake: error 1064 (42000) You have an":   func(m *mysql.Spec) { m.Connect = []string{"SETT"} },
			"handshake: error 1054 (42S22) Unknown col":   func(m *mysql.Spec) { m.Statements = []mysql.Statement{{Query: "SELECT x FROM item", Prepared: true}} },
			"handshake: a prepared statement was given":   func(m *mysql.Spec) { m.Statements = []mysql.Statement{{Query: "SELECT ?", Prepared: true}} },
		} {
			spec := mysqlLoad(addr, mysql.Spec{})
			spec.Phases[0].LengthUs = 20_000
			change(&spec.MySQL)
			got, l := load(t, spec)
			if got.FailuresByCause[result.CauseConnect] != got.Requests || !strings.HasPrefix(l.failures[0].Detail, want) {
				t.Errorf("failures %v, %q; want %q", got.FailuresByCause, l.failures[0].Detail, want)
			}
		}
	})
	t.Run("TLS", func(t *testing.T) {
		for _, version := range []string{"1.2", "1.3"} {
			query := "SELECT 1 FROM information_schema.SESSION_STATUS WHERE VARIABLE_NAME='SSL_VERSION' AND VARIABLE_VALUE='TLSv" + version + "'"
			spec := mysqlLoad(addr, mysql.Spec{Statements: []mysql.Statement{{Query: query, Expect: mysql.ExpectResult{Rows: &one}}}})
			spec.MySQL.User, spec.Connections.RequestsPerConnection = "safe", 3
			spec.TLS = &workload.TLS{Name: identityName, CA: id.ca, MinVersion: version, MaxVersion: version}
			got, _ := load(t, spec)
			if got.Failed > 0 || got.Requests == 0 || got.Phases[0].Handshakes != got.Phases[0].ConnsOpened {
				t.Errorf("%s: %d handshakes on %d connections, failures %v", version, got.Phases[0].Handshakes, got.Phases[0].ConnsOpened, got.FailuresByCause)
			}
		}
		spec := mysqlLoad(addr, mysql.Spec{})
		spec.MySQL.User = "safe"
		if got, _ := load(t, spec); got.Completed > 0 {
			t.Errorf("%d requests in clear of one who must come in TLS", got.Completed)
		}
	})
	t.Run("no allocation", func(t *testing.T) {
		if raceDetector {
			t.Skip("the race detector allocates")
		}
		spec := mysqlLoad(addr, mysql.Spec{Statements: []mysql.Statement{
			{Name: "text", Query: "SELECT name FROM item WHERE id={{random 0 99}}"},
			{Name: "prepared", Query: "SELECT name FROM item WHERE id=?", Prepared: true, Params: []string{"{{random 0 99}}"}},
			{Name: "wrong", Query: "SELECT x FROM item", Expect: mysql.ExpectResult{Error: 1054}},
		}})
		spec.Phases[0].LengthUs, spec.Arrival = 60_000_000, workload.Closed
		var wrong error
		for range 3 {
			if wrong = allocating(t, spec); wrong == nil {
				return
			}
		}
		t.Error(wrong)
	})
}
