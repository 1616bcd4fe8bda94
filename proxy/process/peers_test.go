package process_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"bench/internal/testpeer"
	"bench/internal/testserver"
)

// sharedTables are tables of all types of keys and data, which the peers of a section
// share. The periods of rates are so long that they stay what they are.
const sharedTables = `
backend ip
  stick-table type ip size 10k expire 1h peers all store server_id,gpt0,gpc0,gpc0_rate(1h),conn_cnt,conn_rate(1h),sess_cnt,sess_rate(1h),http_req_cnt,http_req_rate(1h)
backend ip6
  stick-table type ipv6 size 10k expire 1h peers all store http_err_cnt,http_err_rate(1h),bytes_in_cnt,bytes_in_rate(1h),bytes_out_cnt,bytes_out_rate(1h),gpc1,gpc1_rate(1h),http_fail_cnt,http_fail_rate(1h)
backend int
  stick-table type integer size 10k peers all store gpc(5),gpc_rate(3,1h),gpt(2)
backend str
  stick-table type string len 20 size 10k expire 1h peers all store gpc0
backend plain
  stick-table type string size 10k expire 1h peers all store gpc0
`

// member is one process of a section.
type member struct {
	name, web, stats string
	cmd              *exec.Cmd
}

// section starts processes that are peers of each other. programs say by name what they
// are: this engine or the reference. All have one configuration, but for their names.
func section(t *testing.T, programs map[string]string) map[string]*member {
	t.Helper()
	return linked(t, programs, "", nil)
}

// linked is section with more lines in it. via is by which address members reach another one;
// nil: by its own.
func linked(t *testing.T, programs map[string]string, lines string, via func(to, addr string) string) map[string]*member {
	t.Helper()
	server := testserver.HTTP(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	names := make([]string, 0, len(programs))
	for name := range programs {
		names = append(names, name)
	}
	slices.Sort(names)
	addresses := map[string]string{}
	for _, name := range names {
		addresses[name] = testpeer.FreeAddr(t)
	}
	all := map[string]*member{}
	dir := t.TempDir()
	for _, name := range names {
		m := &member{name: name, web: testpeer.FreeAddr(t), stats: filepath.Join(dir, name)}
		conf := filepath.Join(dir, name+".cfg")
		peers := lines
		for _, other := range names {
			at := addresses[other]
			if other != name && via != nil {
				at = via(other, at)
			}
			peers += "  peer " + other + " " + at + "\n"
		}
		text := fmt.Sprintf(`global
  stats socket %s level admin
  localpeer %s
defaults
  timeout client 10s
  timeout server 10s
  timeout connect 5s
  mode http
peers all
%s  table own type string len 30 size 10k store gpc0
%s
frontend f
  bind %s
  http-request track-sc0 path table all/own
  http-request sc-inc-gpc0(0)
  http-request track-sc1 url_param(n) table int
  http-request sc-inc-gpc(0,1)
  http-request sc-inc-gpc(4,1)
  http-request sc-inc-gpc(2,1)
  http-request sc-set-gpt(1,1) 77
  default_backend bin
backend bin
  stick-table type binary len 12 size 10k expire 1h peers all
  stick on path
  server s1 %s
  server s2 %s
`, m.stats, name, peers, sharedTables, m.web, server, server)
		if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		m.cmd = exec.Command(programs[name], "-db", "-f", conf)
		m.cmd.Args[0] = "haproxy"
		testpeer.Start(t, m.cmd)
		all[name] = m
	}
	for _, m := range all {
		waitLong(t, m.name+" to know all", func() bool {
			out := ask(m.stats, "show peers")
			return strings.Contains(out, "last_status=ESTA") && learned.MatchString(out)
		})
	}
	return all
}

// learned are the flags of a group that is not to learn anything more from anybody.
var learned = regexp.MustCompile(`(?m)^0x.* flags=0x[0-9a-f]*[37bf] `)

func ask(socket, command string) string {
	c, err := net.DialTimeout("unix", socket, time.Second)
	if err != nil {
		return ""
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := c.Write([]byte(command + "\n")); err != nil {
		return ""
	}
	var b strings.Builder
	buf := make([]byte, 64<<10)
	for {
		n, err := c.Read(buf)
		b.Write(buf[:n])
		if err != nil {
			return b.String()
		}
	}
}

func waitLong(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !cond(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("timed out waiting for " + what)
		}
	}
}

var volatile = regexp.MustCompile(`0x[0-9a-f]+: |use=\d+ |exp=\d+ `)

// tablesOf are the tables of a process, without what need not be the same.
func tablesOf(m *member) string {
	out := ""
	for _, name := range []string{"ip", "ip6", "int", "str", "plain", "bin", "all/own"} {
		lines := strings.Split(strings.TrimSpace(volatile.ReplaceAllString(ask(m.stats, "show table "+name), "")), "\n")
		slices.Sort(lines[1:])
		out += strings.Join(lines, "\n") + "\n"
	}
	return out
}

// fill changes entries of all tables of a process.
func fill(t *testing.T, m *member, round int) {
	t.Helper()
	data := map[string]string{
		"ip":    "server_id gpt0 gpc0 gpc0_rate conn_cnt conn_rate sess_cnt sess_rate http_req_cnt http_req_rate",
		"ip6":   "http_err_cnt http_err_rate bytes_in_cnt bytes_in_rate bytes_out_cnt bytes_out_rate gpc1 gpc1_rate http_fail_cnt http_fail_rate",
		"str":   "gpc0",
		"plain": "gpc0",
	}
	long := strings.Repeat("long", 12)
	from := int(m.name[0])
	keys := map[string][]string{
		"ip":    {fmt.Sprintf("10.%d.0.%d", from, round), "10.0.0.1"},
		"ip6":   {fmt.Sprintf("2001:db8::%x:%x", from, round), "::1"},
		"str":   {fmt.Sprintf("%s-%d", m.name, round), long},
		"plain": {fmt.Sprintf("%s-%d", m.name, round), long},
	}
	for name, list := range keys {
		if round%2 != 0 {
			list = list[:1] // what all change at a time is decided by chance
		}
		for _, key := range list {
			command := "set table " + name + " key " + key
			for i, d := range strings.Fields(data[name]) {
				command += fmt.Sprintf(" data.%s %d", d, (round+1)*(i+3)*from*50)
			}
			if out := strings.TrimSpace(ask(m.stats, command)); out != "" {
				t.Fatalf("%s: %s: %s", m.name, command, out)
			}
		}
	}
	c, err := net.DialTimeout("tcp", m.web, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	fmt.Fprintf(c, "GET /%s/%d?n=%d HTTP/1.0\r\n\r\n", m.name, round, from*1000+round)
	for buf := make([]byte, 4096); err == nil; {
		_, err = c.Read(buf)
	}
}

func agree(t *testing.T, all map[string]*member) {
	t.Helper()
	texts := map[string]string{}
	defer func() {
		for name, text := range texts {
			for line := range strings.Lines(text) {
				for other := range texts {
					if t.Failed() && !strings.Contains(texts[other], line) {
						t.Logf("%s has, and %s has not: %s", name, other, line)
					}
				}
			}
		}
	}()
	waitLong(t, "all to know the same", func() bool {
		first := ""
		for name, m := range all {
			texts[name] = tablesOf(m)
			if first == "" {
				first = texts[name]
			} else if texts[name] != first {
				return false
			}
		}
		return true
	})
}

// Two engines and the reference, each connected to each, agree about all types of keys
// and data; one that begins is taught by the others, whichever it is.
func TestPeersOfHAProxy(t *testing.T) {
	haproxy := reference(t)
	all := section(t, map[string]string{"a": os.Args[0], "b": haproxy, "c": os.Args[0]})
	checkPeersWords(t, ask(all["a"].stats, "show peers"), ask(all["b"].stats, "show peers"))
	for round := range 5 {
		for _, name := range []string{"a", "b", "c"} {
			fill(t, all[name], round)
			if round%2 == 0 {
				agree(t, all)
			}
		}
	}
	agree(t, all)
	want := tablesOf(all["a"])
	for _, name := range []string{"a", "b"} {
		m := all[name]
		if err := m.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = m.cmd.Wait()
		again := exec.Command(m.cmd.Path, m.cmd.Args[1:]...)
		again.Args[0] = "haproxy"
		testpeer.Start(t, again)
		m.cmd = again
		waitLong(t, name+" to be taught", func() bool { return tablesOf(m) == want })
	}
}

// Peers speak TLS, with certificates on both sides, to the reference and among themselves,
// whichever side connects.
func TestSecurePeersOfHAProxy(t *testing.T) {
	haproxy := reference(t)
	cert := filepath.Join(t.TempDir(), "peers.pem")
	writeCert(t, cert)
	lines := "  default-bind ssl crt " + cert + " ca-file " + cert + " verify required\n" +
		"  default-server ssl crt " + cert + " ca-file " + cert + " verify required verifyhost peers.test\n"
	for who, unreached := range map[string]string{"engine": "a", "reference": "b"} {
		t.Run("the "+who+" connects", func(t *testing.T) {
			t.Parallel()
			refusing := testpeer.Refusing(t)
			all := linked(t, map[string]string{"a": os.Args[0], "b": haproxy}, lines, func(to, addr string) string {
				if to == unreached {
					return refusing // who has to connect to the others
				}
				return addr
			})
			for round := range 4 {
				fill(t, all["a"], round)
				if round%2 == 0 {
					agree(t, all)
				}
				fill(t, all["b"], round)
				agree(t, all)
			}
		})
	}
	t.Run("among themselves", func(t *testing.T) {
		t.Parallel()
		all := linked(t, map[string]string{"a": os.Args[0], "b": os.Args[0], "c": haproxy}, lines, nil)
		for _, name := range []string{"a", "b", "c"} {
			fill(t, all[name], 1)
		}
		agree(t, all)
	})
}

// writeCert writes a certificate that signs itself, with its key.
func writeCert(t *testing.T, path string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	own := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "peers.test"}, DNSNames: []string{"peers.test"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour), BasicConstraintsValid: true, IsCA: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, own, own, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})...)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A reload keeps what stick tables hold, in every way there is to make one.
func TestReloadKeepsTables(t *testing.T) {
	for _, way := range []string{"sf", "sf-x", "master"} {
		t.Run(way, func(t *testing.T) {
			s := newSite(t)
			text, err := os.ReadFile(s.config)
			if err != nil {
				t.Fatal(err)
			}
			s.write(t, string(text)+"peers all\n  peer me "+testpeer.FreeAddr(t)+"\n"+sharedTables)
			args := []string{"-L", "me"}
			if way == "master" {
				args = append(args, "-W", "-S", s.masterAddr)
			}
			pid := s.daemon(t, args...)
			for k := range 300 {
				if out := strings.TrimSpace(ask(s.stats, fmt.Sprintf("set table str key k%d data.gpc0 %d", k, k))); out != "" {
					t.Fatal(out)
				}
			}
			lines := func() []string {
				list := strings.Split(strings.TrimSpace(volatile.ReplaceAllString(ask(s.stats, "show table str"), "")), "\n")
				slices.Sort(list)
				return list
			}
			want := lines()
			if len(want) != 301 {
				t.Fatalf("%d lines", len(want))
			}
			workers := s.workers("# workers")
			switch way {
			case "sf":
				s.daemon(t, append(args, "-sf", strconv.Itoa(pid))...)
			case "sf-x":
				s.daemon(t, append(args, "-sf", strconv.Itoa(pid), "-x", s.stats)...)
			default:
				if err := syscall.Kill(pid, syscall.SIGUSR2); err != nil {
					t.Fatal(err)
				}
				waitFor(t, "a new worker", func() bool {
					now := s.workers("# workers")
					return len(now) == 1 && !slices.Equal(now, workers)
				})
			}
			waitFor(t, "the entries", func() bool { return slices.Equal(lines(), want) })
			if way != "master" {
				waitFor(t, "the former process to leave", func() bool { return !slices.Contains(s.processes(), pid) })
			}
		})
	}
}

// namesOf are the words of each kind of line of "show peers", in order, without their values.
func namesOf(answer string) map[string][]string {
	kinds := map[string][]string{}
	words := regexp.MustCompile(`([a-z_]+)[=:]`)
	for line := range strings.Lines(answer) {
		var names []string
		for _, m := range words.FindAllStringSubmatch(line, -1) {
			names = append(names, m[1])
		}
		if len(names) == 0 {
			continue
		}
		// The first word tells lines apart, but for flags that stand alone where there is no
		// connection.
		if old := kinds[names[0]]; len(names) > len(old) {
			kinds[names[0]] = names
		}
	}
	return kinds
}

// checkPeersWords holds the lines of ours to those of theirs: the same kinds, and in each a
// selection of the words, in their order.
func checkPeersWords(t *testing.T, ours, theirs string) {
	t.Helper()
	known := namesOf(theirs)
	for kind, names := range namesOf(ours) {
		left := known[kind]
		if kind == "xprt" && left == nil {
			continue // there it is a line of connections that it has accepted
		}
		for _, n := range names {
			i := slices.Index(left, n)
			if i < 0 {
				t.Errorf("a line that begins with %q has the words %v, there %v", kind, names, known[kind])
				break
			}
			left = left[i+1:]
		}
	}
}
