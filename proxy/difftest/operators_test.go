package difftest

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"bench/internal/testpeer"
)

// visit is what a client says to an example, or an operator to its runtime API, and what
// the answer has at least.
type visit struct {
	port string // "" is the runtime API
	tls  string // the name to ask for, over TLS
	send string // GET and so on, made whole by request; other text goes as it stands
	want string
	// settles: the answer takes its time to become that one, and is asked for again
	// until it does. What it is beyond that is not compared.
	settles bool
	end     string // the answer ends here; otherwise with the connection
}

// What the examples for operators are asked, each on a connection of its own.
var operatorVisits = map[string][]visit{
	"wordpress": {
		{send: "show stat", want: "wordpress,wp2", settles: true},
		{port: "8480", send: "GET /echo\nCookie: WPSRV=wp2\nX-Forwarded-For: 9.9.9.9", want: `"origin": "wp.2"`},
		{port: "8480", send: "GET /echo\nCookie: a=b; WPSRV=wp1; c=d", want: `"origin": "wp.1"`},
		{port: "8480", send: "GET /bytes/5000\nCookie: WPSRV=wp1\nAccept-Encoding: gzip", want: "\r\ncontent-encoding: gzip"},
		{port: "8480", send: "GET /bytes/500\nCookie: WPSRV=wp1", want: "\r\ncontent-length: 500"},
		{port: "8480", send: "GET /wp-content/themes/a.css\nCookie: WPSRV=wp1", want: "x-bench-origin: static."},
		{port: "8480", send: "GET /wp-includes/b.js", want: "max-age=86400"},
		{port: "8480", send: "GET /wp-admin/\nCookie: WPSRV=wp1", want: "not for you"},
		{port: "8480", send: "GET /wp-admin/\nCookie: WPSRV=wp1; wordpress_logged_in_1f=ann", want: "HTTP/1.1 200"},
		{port: "8480", send: "POST /xmlrpc.php\nContent-Length: 0", want: "HTTP/1.1 403"},
		{port: "8480", send: "GET /.git/config", want: "HTTP/1.1 403"},
		{port: "8481", send: "PROXY TCP4 198.51.100.7 198.51.100.1 4000 443\r\nGET /echo HTTP/1.1\r\nHost: blog.example\r\nCookie: WPSRV=wp2\r\nConnection: close\r\n\r\n", want: "198.51.100.7"},
		{port: "8481", send: "GET /echo", want: ""},
		{port: "8480", send: "POST /wp-login.php\nCookie: WPSRV=wp1\nContent-Length: 3\n\na=1", want: "HTTP/1.1 200"},
		{port: "8480", send: "POST /wp-login.php\nCookie: WPSRV=wp1\nContent-Length: 3\n\na=2", want: "HTTP/1.1 200"},
		{port: "8480", send: "POST /wp-login.php\nCookie: WPSRV=wp1\nContent-Length: 3\n\na=3", want: "HTTP/1.1 200"},
		{port: "8480", send: "POST /wp-login.php\nCookie: WPSRV=wp1\nContent-Length: 3\n\na=4", want: "HTTP/1.1 200"},
		{port: "8480", send: "POST /wp-login.php\nCookie: WPSRV=wp1\nContent-Length: 3\n\na=5", want: "HTTP/1.1 200"},
		{port: "8480", send: "POST /wp-login.php\nCookie: WPSRV=wp1\nContent-Length: 3\n\na=6", want: "HTTP/1.1 429"},
		{port: "8480", send: "GET /wp-login.php\nCookie: WPSRV=wp1", want: "HTTP/1.1 200"},
		{send: "set server wordpress/wp1 state maint", want: ""},
		{send: "set server wordpress/wp2 state maint", want: ""},
		{port: "8480", send: "GET /", want: "We are back in a moment"},
	},
	"gateway": {
		{port: "8480", send: "GET /health", want: "fine"},
		{port: "8480", send: "GET /v1/catalogue/echo\nX-Api-Key: k-big-1\nX-Request-Id: 7", want: `"target": "/echo"`},
		{port: "8480", send: "GET /v1/catalogue/bytes/10\nX-Api-Key: k-big-1\nOrigin: https://www.shop.example", want: "access-control-allow-origin: https://www.shop.example"},
		{port: "8480", send: "GET /v1/catalogue/bytes/10\nX-Api-Key: k-big-1\nOrigin: https://shop.example.evil", want: "HTTP/1.1 200"},
		{port: "8480", send: "OPTIONS /v1/orders\nOrigin: https://shop.example\nAccess-Control-Request-Method: PUT", want: "HTTP/1.1 204"},
		{port: "8480", send: "GET /v1/catalogue/echo", want: "HTTP/1.1 401"},
		{port: "8480", send: "GET /v1/catalogue/echo\nX-Api-Key: k-gone-1", want: "no valid key"},
		{port: "8480", send: "GET /v2/\nX-Api-Key: k-big-1", want: "no such service"},
		{port: "8480", send: "GET /v1/.git/config\nX-Api-Key: k-big-1", want: "HTTP/1.1 404"},
		{port: "8480", send: "GET /v1/catalogue\nX-Api-Key: k-big-1\nUser-Agent: SqlMap/1", want: "HTTP/1.1 404"},
		{port: "8480", send: "GET /v1/orders/echo\nX-Api-Key: k-big-1\nAuthorization: Bearer {token.jwt}", want: `"ann"`},
		{port: "8480", send: "GET /v1/orders/echo\nX-Api-Key: k-big-1\nAuthorization: Bearer {expired.jwt}", want: "HTTP/1.1 401"},
		{port: "8480", send: "GET /v1/orders/echo\nX-Api-Key: k-big-1\nAuthorization: Bearer {token.jwt}x", want: "HTTP/1.1 401"},
		{port: "8480", send: "GET /v1/orders/echo\nX-Api-Key: k-big-1\nAuthorization: Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4ifQ.", want: "HTTP/1.1 401"},
		{port: "8480", send: "GET /v1/orders/echo\nX-Api-Key: k-big-1", want: "HTTP/1.1 401"},
		{port: "8480", send: "GET /v1/products/1\nX-Api-Key: k-small-1", want: "x-ratelimit-remaining: 2"},
		{port: "8480", send: "GET /v1/products/2\nX-Api-Key: k-small-1", want: "x-ratelimit-remaining: 1"},
		{port: "8480", send: "GET /v1/products/3\nX-Api-Key: k-small-1", want: "x-ratelimit-remaining: 0"},
		{port: "8480", send: "GET /v1/products/4\nX-Api-Key: k-small-1", want: "HTTP/1.1 429"},
		{port: "8480", send: "GET /v1/products/4\nX-Api-Key: k-big-1", want: "HTTP/1.1 200"},
		{send: "add map keys.map k-new-1 big", want: ""},
		{port: "8480", send: "GET /v1/products/4\nX-Api-Key: k-new-1", want: "HTTP/1.1 200"},
	},
	"ingress": {
		{port: "8480", send: "GET /health", want: "fine"},
		{port: "8480", send: "GET /echo\nHost: site-005.example", want: "x-site: 005"},
		{port: "8480", send: "GET /echo\nHost: WWW.Site-300.Example:8480", want: "x-site: 300"},
		{port: "8480", send: "GET /\nHost: ann.customers.example", want: "x-site: 007"},
		{port: "8480", send: "GET /\nHost: customers.example", want: "no site of this name"},
		{port: "8480", send: "GET /a?b=c\nHost: site-002.example", want: "location: https://site-002.example/a?b=c"},
		{port: "8480", send: "GET /\nHost: site-301.example", want: "HTTP/1.1 404"},
		{port: "8443", tls: "site-001.example", send: "GET /echo\nHost: site-001.example", want: "x-site: 001"},
		{port: "8443", tls: "site-003.example", send: "GET /echo\nHost: site-003.example", want: "certificate of site-003.example"},
		{port: "8443", tls: "other.example", send: "GET /\nHost: b.preview.example", want: "x-site: 042"},
		{port: "8443", tls: "site-001.example", send: "GET /\nHost: nobody.example", want: "HTTP/1.1 404"},
		{send: "add map hosts.map new.example site-009", want: ""},
		{port: "8480", send: "GET /\nHost: new.example", want: "x-site: 009"},
		{send: "del map hosts.map site-005.example", want: ""},
		{port: "8480", send: "GET /\nHost: site-005.example", want: "HTTP/1.1 404"},
	},
	"databases": {
		{port: "3406", want: "mysql_native_password", settles: true, end: "password\x00"},
		{port: "7379", send: "*2\r\n$3\r\nGET\r\n$1\r\na\r\n*1\r\n$4\r\nROLE\r\n*1\r\n$4\r\nQUIT\r\n", want: "master", settles: true},
		{port: "7380", send: "*1\r\n$4\r\nROLE\r\n*1\r\n$4\r\nQUIT\r\n", want: "slave", settles: true},
		{send: "show stat", want: `(?m)^redis-write,redis2,.*,DOWN,`, settles: true},
		{send: "show stat", want: `(?m)^redis-read,redis1,.*,DOWN,`, settles: true},
		{port: "7379", send: "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$3\r\none\r\n*2\r\n$3\r\nGET\r\n$1\r\na\r\n*1\r\n$4\r\nQUIT\r\n", want: "one"},
		{port: "7380", send: "*2\r\n$3\r\nGET\r\n$1\r\na\r\n*1\r\n$4\r\nQUIT\r\n", want: "+OK"},
		// The other one becomes the primary, and writes follow it.
		{port: "9480", send: "*3\r\n$9\r\nREPLICAOF\r\n$2\r\nNO\r\n$3\r\nONE\r\n*1\r\n$4\r\nQUIT\r\n", want: "+OK"},
		{port: "9479", send: "*3\r\n$9\r\nREPLICAOF\r\n$9\r\n127.0.0.1\r\n$4\r\n9480\r\n*1\r\n$4\r\nQUIT\r\n", want: "+OK"},
		{send: "show stat", want: `(?m)^redis-write,redis1,.*,DOWN,`, settles: true},
		{send: "show stat", want: `(?m)^redis-write,redis2,.*,UP,`, settles: true},
		{port: "7379", send: "*2\r\n$3\r\nGET\r\n$1\r\na\r\n*1\r\n$4\r\nROLE\r\n*1\r\n$4\r\nQUIT\r\n", want: "master"},
		{send: "set server mysql/primary state maint", want: ""},
		{port: "3406", want: "mysql_native_password", settles: true, end: "password\x00"},
		{send: "show stat", want: `(?m)^mysql,standby,([^,]*,){5}[1-9]`, settles: true},
	},
	"bluegreen": {
		{port: "8480", send: "GET /echo", want: "x-release: blue"},
		{port: "8480", send: "GET /echo\nX-Release: green", want: "x-release: green"},
		{port: "8480", send: "GET /echo\nCookie: release=green", want: "x-release: green"},
		{port: "8480", send: "GET /echo\nX-Release: red", want: "x-release: blue"},
		{send: "set map release.map live green", want: ""},
		{port: "8480", send: "GET /echo", want: "x-release: green"},
		{send: "set map release.map canary on", want: ""},
		{port: "8480", send: "GET /echo", want: "x-release: blue"},
		{port: "8480", send: "GET /echo", want: "x-release: blue"},
		{port: "8480", send: "GET /echo\nX-Release: green", want: "x-release: green"},
		{send: "set server canary/green weight 100", want: ""},
		{send: "set server canary/blue weight 0", want: ""},
		{send: "get weight canary/green", want: "100 (initial 0)"},
		{port: "8480", send: "GET /echo", want: "x-release: green"},
		{port: "8480", send: "GET /echo", want: "x-release: green"},
		{send: "set map release.map canary off", want: ""},
		{send: "set map release.map live nowhere", want: ""},
		{port: "8480", send: "GET /echo", want: "HTTP/1.1 503"},
	},
}

// request makes a whole request of its first line and its fields; "" stands before a body.
func request(text string) string {
	head, body, _ := strings.Cut(text, "\n\n")
	first, fields, _ := strings.Cut(head, "\n")
	if fields != "" {
		fields = strings.ReplaceAll(fields, "\n", "\r\n") + "\r\n"
	}
	if !strings.Contains("\n"+fields, "\nHost:") {
		fields = "Host: shop.example\r\n" + fields
	}
	return first + " HTTP/1.1\r\n" + fields + "Connection: close\r\n\r\n" + body
}

var requestLine = regexp.MustCompile(`^(GET|POST|OPTIONS) \S+(\n|$)`)

// stage is an example that a proxy serves, with its origins.
type stage struct {
	dir, local string
}

func (s *stage) socket() string { return filepath.Join(s.dir, "operators.sock") }

// endOfName stands between the name in a certificate and the answer.
const endOfName = "\r\n---\r\n"

// ask makes a visit.
func (s *stage) ask(v *visit) (string, error) {
	network, addr, text := "tcp", s.local+":"+v.port, v.send
	if v.port == "" {
		network, addr, text = "unix", s.socket(), text+"\n"
	} else if requestLine.MatchString(text) {
		for _, file := range []string{"token.jwt", "expired.jwt"} {
			if name := "{" + file + "}"; strings.Contains(text, name) {
				raw, err := os.ReadFile(filepath.Join(s.dir, file))
				if err != nil {
					return "", err
				}
				text = strings.ReplaceAll(text, name, strings.TrimSpace(string(raw)))
			}
		}
		text = request(text)
	}
	c, err := net.DialTimeout(network, addr, awaitLimit)
	if err != nil {
		return "", err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(2 * awaitLimit))
	var got bytes.Buffer
	if v.tls != "" {
		over := tls.Client(c, &tls.Config{ServerName: v.tls, InsecureSkipVerify: true}) // its name is looked at below
		if err := over.Handshake(); err != nil {
			return "", err
		}
		fmt.Fprintf(&got, "certificate of %s%s", over.ConnectionState().PeerCertificates[0].DNSNames[0], endOfName)
		c = over
	}
	if _, err := io.WriteString(c, text); err != nil {
		return "", err
	}
	var piece [4096]byte
	for v.end == "" || !bytes.Contains(got.Bytes(), []byte(v.end)) {
		n, err := c.Read(piece[:])
		got.Write(piece[:n])
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return got.String(), err
		}
		if err != nil {
			break // the end, in whichever way
		}
	}
	return got.String(), nil
}

// masked leaves out what differs from run to run and between the programs.
func (s *stage) masked(v *visit, answer string) string {
	if requestLine.MatchString(v.send) || strings.HasPrefix(v.send, "PROXY") {
		certificate, message, found := strings.Cut(answer, endOfName)
		if !found {
			certificate, message = "", answer
		}
		answer = certificate + "\n" + normal(decoded([]byte(message)), false)
	}
	for _, m := range [][2]string{
		{regexp.QuoteMeta(s.dir), "DIR"},
		{regexp.QuoteMeta(s.local), "LOCAL"},
		{`(\\"peer\\": \\"[0-9.]+):\d+`, "$1:PORT"},
		{`\\"request\\": \d+`, `request: N`},
		{`content-length: \d+((\n  .*)*\n  "\{)`, "content-length: N$1"}, // of an echo
		{`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`, "UUID"},
	} {
		answer = regexp.MustCompile(m[0]).ReplaceAllString(answer, m[1])
	}
	return answer
}

// visits makes all visits, and tells what was answered.
func (s *stage) visits(t *testing.T, program string, all []visit) (answers []string) {
	for i := range all {
		v := &all[i]
		has := func(answer string) bool { return strings.Contains(answer, v.want) }
		if strings.HasPrefix(v.want, "(?m)") {
			has = regexp.MustCompile(v.want).MatchString
		}
		answer, err := s.ask(v)
		for begin := time.Now(); v.settles && !has(answer) && time.Since(begin) < 30*time.Second; {
			time.Sleep(50 * time.Millisecond)
			answer, err = s.ask(v)
		}
		if !has(answer) || err != nil {
			t.Errorf("%s: %s %.80q: %v, without %q:\n%s", program, v.port, v.send, err, v.want, answer)
		}
		if v.settles {
			answer = ""
		}
		answers = append(answers, s.masked(v, answer))
	}
	return answers
}

// setUp copies an example and starts its origins and then the proxy.
func setUp(t *testing.T, name, local string, bench string, proxy []string) *stage {
	s := &stage{dir: t.TempDir(), local: local}
	if err := os.CopyFS(s.dir, os.DirFS(filepath.Join("../../examples/operators", name))); err != nil {
		t.Fatal(err)
	}
	certs := t.TempDir()
	for _, host := range []string{"site-001.example", "site-003.example"} {
		makeCert(t, certs, host+".pem", []string{host}, nil, nil)
	}
	env := append(os.Environ(), "LOCAL="+local, "SOCKET="+s.socket(), "CERTS="+certs)
	origins, err := os.ReadFile(filepath.Join(s.dir, "origins"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(strings.ReplaceAll(string(origins), "LOCAL", local)) {
		testpeer.Start(t, exec.Command(bench, append([]string{"backend"}, strings.Fields(line)...)...))
		for _, addr := range regexp.MustCompile(`[0-9.]+:\d+`).FindAllString(line, -1) {
			listening(t, "tcp", addr)
		}
	}
	cmd := exec.Command(proxy[0], append(proxy[1:len(proxy):len(proxy)], "-db", "-f", s.dir)...)
	cmd.Env = env
	testpeer.Start(t, cmd)
	listening(t, "unix", s.socket())
	return s
}

// listening waits until somebody listens at an address.
func listening(t *testing.T, network, addr string) {
	t.Helper()
	for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		c, err := net.Dial(network, addr)
		if err == nil {
			c.Close()
			return
		}
		if time.Since(begin) > 30*time.Second {
			t.Fatal(err)
		}
	}
}

// The examples for operators are served by both programs, which answer alike, and do what
// they are there to show.
func TestExamplesForOperators(t *testing.T) {
	haproxy, bench := testpeer.Need(t, "haproxy"), build(t)
	// Loopback has addresses enough: ones that are this process's own leave the ports of
	// the examples as they are.
	loopback := fmt.Sprintf("127.%d.%d", 64+os.Getpid()%128, os.Getpid()/128%254+1)
	number := 0
	for name, all := range operatorVisits {
		t.Run(name, func(t *testing.T) {
			var want, got []string
			number += 2
			reference := setUp(t, name, fmt.Sprintf("%s.%d", loopback, number), bench, []string{haproxy})
			engine := setUp(t, name, fmt.Sprintf("%s.%d", loopback, number+1), bench, []string{bench, "proxy"})
			var both sync.WaitGroup
			both.Go(func() { want = reference.visits(t, "haproxy", all) })
			both.Go(func() { got = engine.visits(t, "builtin", all) })
			both.Wait()
			for i := range all {
				if want[i] != got[i] {
					t.Errorf("%s %q\n--- haproxy\n%s\n--- builtin\n%s", all[i].port, all[i].send, want[i], got[i])
				}
			}
		})
	}
	entries, err := os.ReadDir("../../examples/operators")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/EXAMPLES.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() && !bytes.Contains(page, []byte("\nexamples/operators/try.sh "+e.Name()+"\n")) {
			t.Errorf("docs/EXAMPLES.md does not say how to serve %s", e.Name())
		}
		if e.IsDir() && operatorVisits[e.Name()] == nil {
			t.Errorf("nobody visits example %s", e.Name())
		}
	}
}

// The backends of the ingress are those that its script writes.
func TestIngressIsGenerated(t *testing.T) {
	dir := t.TempDir()
	from := "../../examples/operators/ingress"
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("sh", filepath.Join(dir, "generate.sh")).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range []string{"sites.cfg", "hosts.map"} {
		want, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(from, name)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what generate.sh writes (%v)", name, err)
		}
	}
}
