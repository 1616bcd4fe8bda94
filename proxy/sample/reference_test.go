package sample_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bench/internal/testpeer"
)

// notThere are expressions whose values in HAProxy depend on what differs between the
// two, or that it writes or means differently on purpose.
var notThere = map[string]bool{
	"fe_conn": true, "fe_conn(x)": true, "be_conn": true, "nbsrv": true, "nbsrv(x)": true, "queue": true, "srv_is_up(x/y)": true, "srv_conn(x/y)": true, // proxies that are not there
	"src": true, "src_port": true, "dst": true, "dst_port": true, "src,ipmask(8)": true, "src,ipmask(255.255.0.0)": true, "src,ipmask(0)": true, "src,set-var(req.ip),length": true, "fc_src": true,
	"proc": true, "nbproc": true, "thread": true, "fe_name": true, "fe_id": true, "be_name": true, "be_id": true, "srv_name": true, "srv_id": true, "capture.req.hdr(0)": true, "str(abcdefgh),capture-req(0),length": true,
	"http_first_req": true, "meth(PURGE)": true, // there, the variable keeps no name
}

// TestLikeHAProxy compares the values with those of the real one.
func TestLikeHAProxy(t *testing.T) {
	bin := testpeer.Need(t, "haproxy")
	dir := t.TempDir()
	var conf strings.Builder
	socket := filepath.Join(dir, "s")
	fmt.Fprintf(&conf, "global\nnbthread 1\ndefaults\nmode http\ntimeout client 5s\ntimeout server 5s\ntimeout connect 1s\nfrontend f\nbind unix@%s\n", socket)
	var asked []int
	for i, r := range results {
		skip := notThere[r.expr]
		if skip || strings.HasPrefix(r.expr, "res.") || strings.HasPrefix(r.expr, "scook") || r.expr == "status" || r.expr == "hdr(server,1)" {
			continue
		}
		asked = append(asked, i)
		expr := strings.NewReplacer(`\`, `\\`, `"`, `\"`, " ", `\ `, "$", `\$`).Replace(r.expr)
		fmt.Fprintf(&conf, "http-request set-var(txn.r%d) %s\nhttp-request return status 200 hdr X-Value \"<%%[var(txn.r%d)]>\" if { req.hdr(x-which) %d } { var(txn.r%d) -m found }\n", i, expr, i, i, i)
	}
	conf.WriteString("http-request return status 200 hdr X-Value none\n")
	file := filepath.Join(dir, "cfg")
	if err := os.WriteFile(file, []byte(conf.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(bin, "-c", "-f", file).CombinedOutput(); err != nil {
		t.Fatalf("%s", out)
	}
	testpeer.Start(t, exec.Command(bin, "-db", "-f", file))
	for _, i := range asked {
		r := results[i]
		got := ask(t, socket, strings.Replace(request, "\r\n\r\n", fmt.Sprintf("\r\nX-Which: %d\r\n\r\n", i), 1))
		want := r.want
		if strings.Contains(r.expr, "hdr_names") {
			got = strings.TrimSuffix(got, ";x-which")
		}
		if got != want {
			t.Errorf("%s: %q there, %q here", r.expr, got, want)
		}
	}
}

// ask sends a request and returns the value in the answer.
func ask(t *testing.T, socket, request string) string {
	t.Helper()
	var c net.Conn
	var err error
	for range 200 {
		if c, err = net.Dial("unix", socket); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := c.Write([]byte(request)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 8192)
	n, _ := c.Read(b)
	head := string(b[:n])
	for line := range strings.SplitSeq(head, "\r\n") {
		if v, ok := strings.CutPrefix(line, "x-value: "); ok {
			if v == "none" {
				return "<none>"
			}
			return strings.TrimSuffix(strings.TrimPrefix(v, "<"), ">")
		}
	}
	t.Fatalf("answer %q", head)
	return ""
}
