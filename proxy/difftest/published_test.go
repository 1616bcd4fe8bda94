package difftest

import (
	"bufio"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"bench/internal/testpeer"
)

// publishedVar names the folder of configurations that operators have published: data
// of others, and not part of this project.
const publishedVar = "BENCH_PUBLISHED_CONFIGS"

var onlyPublished = flag.String("published", "", "ask only the published configurations whose names match this regular expression")

// explained are the differences on purpose, by what was asked and answered: the requests,
// what came of them there, and, behind "--- here", what came of them here.
var explained = []struct {
	what *regexp.Regexp
	why  string
}{
	{regexp.MustCompile(`(?s)\n  ([a-z-]+: : |content-security-policy: script-src: ).*--- here`), "a field whose name has a colon cannot be: a warning says that the line does nothing"},
	{regexp.MustCompile(`(?s)HTTP/1\.0\r\n.*connection: keep-alive\n  \(statistics\).*--- here.*connection: close\n  \(statistics\)`), "what has no length ends with its connection for a client of HTTP/1.0, which knows no chunks"},
	{regexp.MustCompile(`(?s)Host: [^\r]*/.*--- here.*HTTP/1.1 400 `), "a Host with a slash is none (RFC 9112, section 3.2)"},
	{regexp.MustCompile(`(?s)HTTP/1.1 (401 .*www-authenticate|403 ).*closed\n.*--- here`), "there a client that the page refuses finds its connection closed, and was not told; here it may ask again"},
	{regexp.MustCompile(`(?s)(Origin|Sec-Fetch-Site): .*--- here.*st=DENY`), "a form that comes from another page is not carried out"},
	{regexp.MustCompile(`(?s)Content-Length: [0-9]{4}.*--- here.*connection: close`), "a connection on which the rest of a content is to come is closed, and that is announced"},
}

// TestPublishedRequests asks both programs the same under every published configuration
// that serves HTTP: requests made of the words of its conditions. An answer that
// differs counts when a second attempt of the reference agrees with its first.
func TestPublishedRequests(t *testing.T) {
	dir := os.Getenv(publishedVar)
	if dir == "" {
		t.Skip("no published configurations: " + publishedVar + " says where they are")
	}
	work := t.TempDir()
	if err := os.CopyFS(work, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("bash", filepath.Join(work, "make-certs.sh"), work).CombinedOutput(); err != nil {
		t.Fatalf("make-certs.sh: %v\n%s", err, out)
	}
	list, err := os.ReadFile(filepath.Join(work, "certs.list"))
	if err != nil {
		t.Fatal(err)
	}
	cert := filepath.Join(work, strings.Fields(string(list))[0])
	pair, err := tls.LoadX509KeyPair(cert, cert)
	if err != nil {
		t.Fatal(err)
	}
	p := &publishedRun{
		dir: work, pair: pair,
		haproxy: &subject{"haproxy", []string{testpeer.Need(t, "haproxy")}},
		builtin: &subject{"builtin", []string{build(t), "proxy"}},
	}
	wanted, err := regexp.Compile(*onlyPublished)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(work, "*.cfg"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no configurations: %v", err)
	}
	for _, file := range files {
		if wanted.MatchString(filepath.Base(file)) {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".cfg"), func(t *testing.T) { p.file(t, file) })
		}
	}
	t.Logf("%d configurations asked, %d not loaded here, %d without HTTP; %d requests, %d answered alike, %d explained, %d vary", p.asked, p.refused, p.silent, p.requests, p.alike, p.explained, p.varying)
}

// publishedRun is what the configurations share.
type publishedRun struct {
	dir              string
	pair             tls.Certificate
	haproxy, builtin *subject

	asked, refused, silent              int
	requests, alike, explained, varying int
}

// file asks one configuration.
func (p *publishedRun) file(t *testing.T, file string) {
	o, err := newPublishedOrigin(p.pair)
	if err != nil {
		t.Fatal(err)
	}
	defer o.l.Close()
	logs, err := newLogSink(usualLine)
	if err != nil {
		t.Fatal(err)
	}
	defer logs.stop()
	vars := map[string]string{}
	text, _ := os.ReadFile(strings.TrimSuffix(file, ".cfg") + ".env")
	env := strings.Fields(string(text))
	for _, v := range env {
		name, value, _ := strings.Cut(v, "=")
		vars[name] = value
	}
	r, err := rewrite(file, vars, o.port(), logs.conn.LocalAddr().(*net.UDPAddr).Port)
	if err != nil {
		t.Fatal(err)
	}
	var binds []int
	for i, b := range r.binds {
		if b.section.http {
			binds = append(binds, i)
		}
	}
	if len(binds) == 0 {
		p.silent++
		t.Skip("serves no HTTP")
	}
	path := strings.TrimSuffix(file, ".cfg") + ".here"
	if err := os.WriteFile(path, []byte(r.text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &publishedServing{run: p, path: path, env: env, r: r, origin: o}
	for range r.binds {
		l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		f, err := l.File()
		s.addrs = append(s.addrs, l.Addr().String())
		l.Close()
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		s.files = append(s.files, f)
	}
	if out, err := s.check(p.haproxy); err != nil {
		t.Fatalf("haproxy refuses it: %v\n%s", err, out)
	}
	if out, err := s.check(p.builtin); err != nil {
		p.refused++
		t.Skipf("refused here:\n%s", out)
	}
	p.asked++
	seed := fnv.New64a()
	_, _ = io.WriteString(seed, filepath.Base(file))
	asks := r.words.asks(rand.New(rand.NewPCG(seed.Sum64(), 1)), binds)
	want, got := s.play(t, p.haproxy, asks), s.play(t, p.builtin, asks)
	p.requests += len(asks)
	var again, ours []string
	for i, a := range asks {
		if want[i] == got[i] {
			p.alike++
			continue
		}
		if again == nil {
			again, ours = s.play(t, p.haproxy, asks), s.play(t, p.builtin, asks)
		}
		why := ""
		for _, e := range explained {
			if e.what.MatchString(strings.Join(a.texts, "") + want[i] + "\n--- here" + got[i]) {
				why = e.why
			}
		}
		switch {
		case again[i] != want[i], ours[i] == want[i]:
			p.varying++
			t.Logf("request %d varies:\n%.2000s\nand\n%.2000s\nhere\n%.2000s\nand\n%.2000s", i, want[i], again[i], got[i], ours[i])
		case why != "":
			p.explained++
		default:
			t.Errorf("request %d to %s:\n%q\n--- there\n%.3000s\n--- here\n%.3000s", i, r.binds[a.bind].section.name, a.texts, want[i], got[i])
		}
	}
}

// publishedServing is a configuration to serve.
type publishedServing struct {
	run    *publishedRun
	path   string
	env    []string
	r      *rewritten
	origin *publishedOrigin
	files  []*os.File
	addrs  []string
}

// command starts nothing yet.
func (s *publishedServing) command(by *subject, args ...string) *exec.Cmd {
	cmd := exec.Command(by.argv[0], append(by.argv[1:len(by.argv):len(by.argv)], append(args, "-f", s.path)...)...)
	cmd.Dir = s.run.dir
	cmd.Env = append(os.Environ(), s.env...)
	cmd.ExtraFiles = s.files
	return cmd
}

func (s *publishedServing) check(by *subject) (string, error) {
	out, err := s.command(by, "-c").CombinedOutput()
	return string(out), err
}

// play asks one program.
func (s *publishedServing) play(t *testing.T, by *subject, asks []*publishedAsk) []string {
	t.Helper()
	r := &running{exited: make(chan struct{})}
	r.cmd = s.command(by, "-db")
	r.cmd.Stdout, r.cmd.Stderr = &r.output, &r.output
	if err := testpeer.Launch(r.cmd); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = r.cmd.Wait()
		close(r.exited)
	}()
	all := make([]string, len(asks))
	silent := 0
	for i, a := range asks {
		limit := 3 * time.Second
		if i == 0 {
			limit = 30 * time.Second // it is still about to start
		}
		if silent == 3 {
			all[i] = "silent as before"
			continue
		}
		all[i] = s.one(a, limit, r.cmd.Process.Pid, r.exited)
		if strings.Contains(all[i], "silence\n") || strings.HasPrefix(all[i], "no connection") {
			silent++
		}
	}
	if err := r.stop(); err != nil {
		t.Errorf("%s: %v", by.name, err)
	}
	s.origin.part()
	return all
}

// one makes a client's connection, and returns what client and origin saw.
func (s *publishedServing) one(a *publishedAsk, limit time.Duration, pid int, exited chan struct{}) string {
	select {
	case <-exited:
		return "not running"
	default:
	}
	b := s.r.binds[a.bind]
	conn, err := net.DialTimeout("tcp4", s.addrs[a.bind], awaitLimit)
	if err != nil {
		return "no connection"
	}
	defer conn.Close()
	port := conn.LocalAddr().(*net.TCPAddr).Port
	_ = conn.SetDeadline(time.Now().Add(limit))
	if b.proxied {
		fmt.Fprintf(conn, "PROXY TCP4 %s 198.51.100.1 4711 80\r\n", a.source)
	}
	if b.tls {
		host, _, _ := strings.Cut(a.host, ":")
		t := tls.Client(conn, &tls.Config{InsecureSkipVerify: true, ServerName: host, Certificates: []tls.Certificate{s.run.pair}})
		if err := t.Handshake(); err != nil {
			return "no handshake"
		}
		conn = t
	}
	var out strings.Builder
	reader := bufio.NewReader(conn)
	for i, text := range a.texts {
		_, _ = io.WriteString(conn, text)
		got, err := readMessage(reader, false, a.heads[i])
		end := ""
		var timeout net.Error
		switch {
		case errors.As(err, &timeout) && timeout.Timeout():
			end = "silence\n"
		case err != nil:
			end = "closed\n"
		}
		fmt.Fprintf(&out, "\nclient\n%s%s\norigin\n%s", publishedMasked(normal(decoded(got), a.heads[i]), text), end, s.origin.take())
		if end != "" || strings.Contains(strings.ToLower(string(got)), "\r\nconnection: close\r\n") {
			break
		}
	}
	masked := regexp.MustCompile(fmt.Sprintf(`(?i)\b(%d|%04d|%04x|%04x)\b`, port, pid, port, pid))
	return masked.ReplaceAllString(out.String(), "(mine)")
}

var (
	dateField     = regexp.MustCompile(`(?m)^  date: .*$`)
	ownPage       = regexp.MustCompile(`Statistics Report for|<title>Statistics|# pxname,svname|# HELP haproxy_`)
	pageParts     = regexp.MustCompile(`(?m)^  (content-(length|type|security-policy): .*|refresh: .*|transfer-encoding: .*|"?chunks ".*|".*)\n`)
	pagePolicy    = regexp.MustCompile(`(?m)^  content-security-policy: default-src 'none'; script-src 'sha256-.*\n`)
	pageFields    = regexp.MustCompile(`(?m)^  (refresh: .*|content-type: text/html(; charset=utf-8)?|transfer-encoding: .*)\n`)
	ownConnection = regexp.MustCompile(`(?m)^  connection: .*\n`)
	toTheEnd      = regexp.MustCompile(`(?m)^  (?:chunks (".*")|(".*") to the end)$`)
)

// publishedMasked leaves out what hangs on the time, the contents of the pages that
// show the proxy itself, which are each program's own, and how a content of unknown
// length comes to a client of HTTP/1.0, which gets no chunks here.
func publishedMasked(text, request string) string {
	text = dateField.ReplaceAllString(text, "  date: (now)")
	switch {
	case ownPage.MatchString(text):
		text = pageParts.ReplaceAllString(text, "") + "  (statistics)\n"
	case strings.HasPrefix(request, "HEAD "):
		text = pageFields.ReplaceAllString(pagePolicy.ReplaceAllString(text, ""), "")
	}
	if line, _, _ := strings.Cut(request, "\r\n"); strings.HasSuffix(line, " HTTP/1.0") {
		text = strings.ReplaceAll(text, "  transfer-encoding: chunked\n", "")
		if toTheEnd.MatchString(text) {
			text = ownConnection.ReplaceAllString(toTheEnd.ReplaceAllString(text, "  ${1}${2}"), "")
		}
	}
	return text
}
