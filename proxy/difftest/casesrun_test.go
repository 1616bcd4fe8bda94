package difftest

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"bench/internal/testpeer"
)

// onlyCases narrows down which families are compared.
var onlyCases = flag.String("cases", "", "compare only the families of cases whose names match this regular expression")

// TestCases compares every case of every family.
func TestCases(t *testing.T) {
	wanted, err := regexp.Compile(*onlyCases)
	if err != nil {
		t.Fatal(err)
	}
	subjects := casesSubjects(t)
	for _, f := range families(t) {
		if !wanted.MatchString(f.name) {
			continue
		}
		t.Run(f.name, func(t *testing.T) { f.compare(t, subjects) })
	}
}

// casesSubjects are the two programs that cases are played by.
func casesSubjects(t *testing.T) [2]*subject {
	return [2]*subject{{"haproxy", []string{testpeer.Need(t, "haproxy")}}, {"builtin", []string{build(t), "proxy"}}}
}

// compare plays a family by both programs.
func (f *caseFile) compare(t *testing.T, subjects [2]*subject) {
	var both sync.WaitGroup
	var errs [2]error
	for i, s := range subjects {
		dir := t.TempDir()
		both.Go(func() { errs[i] = f.play(s, i, dir) })
	}
	both.Wait()
	if err := errors.Join(errs[0], errs[1]); err != nil {
		t.Fatal(err)
	}
	for _, l := range f.lines {
		l.compare(t)
	}
	t.Logf("%d cases", len(f.all()))
}

// compare reports where the two disagree, or agree where they are said not to.
func (l *caseLine) compare(t *testing.T) {
	t.Helper()
	differing := 0
	for _, c := range l.cases {
		fault := ""
		switch {
		case c.refused[0] && c.refused[1]:
			continue
		case c.refused[0]:
			fault = "refused there: " + c.refusedBy[0] + "\nhere: " + c.got[1]
		case c.refused[1]:
			fault = "refused here: " + c.refusedBy[1] + "\nthere: " + c.got[0]
		case c.got[0] != c.got[1]:
			fault = fmt.Sprintf("\nthere: %s\nhere:  %s", c.got[0], c.got[1])
			there, here := strings.Split(c.got[0], " | "), strings.Split(c.got[1], " | ")
			if len(there) > 1 && len(there) == len(here) {
				fault = ""
				for i := range there {
					if there[i] != here[i] {
						fault += fmt.Sprintf("\nrequest %d: there %s here %s", i+1, there[i], here[i])
					}
				}
			}
		default:
			continue
		}
		if differing++; l.why == "" {
			t.Errorf("%s: %s %s: %s", l, c.kind, c.text, fault)
		}
	}
	if l.why != "" && differing == 0 {
		t.Errorf("%s: no longer differs (%s)", l, l.why)
	}
}

// play runs the cases through one program: first it says which it accepts, then it is
// asked.
func (f *caseFile) play(s *subject, who int, dir string) error {
	for name, text := range f.files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	o, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer o.Close()
	logs, err := newLogSink(func(line string) bool { return usualLine(line) || caseOwnLog.MatchString(line) })
	if err != nil {
		return err
	}
	defer logs.stop()
	all := f.all()
	answers := &caseOrigin{answers: map[string]string{}, seen: map[string][]byte{}}
	for i, c := range all {
		c.number = i
		answers.answers[sourceOf(i)] = c.response
	}
	go answers.serve(o)

	conf := caseConfig{dir: dir, files: f.files, origin: o.Addr().(*net.TCPAddr).Port, logs: logs.conn.LocalAddr().(*net.UDPAddr).Port, who: who}
	if err := conf.winnow(s, all); err != nil {
		return err
	}
	var live []*policyCase
	for _, c := range all {
		if !c.refused[who] {
			live = append(live, c)
		}
	}
	text, listeners := conf.text(live)
	r, addrs, err := conf.start(s, text, listeners)
	if err != nil {
		return err
	}
	defer func() { _ = r.stop() }()
	work := make(chan *policyCase)
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			var keep *bufio.ReadWriter
			for c := range work {
				if c.kind == "case" {
					c.got[who] = c.exchange(addrs[c.number], answers)
				} else {
					keep = c.ask(who, addrs[-1], keep)
				}
			}
		})
	}
	for _, c := range live {
		work <- c
	}
	close(work)
	workers.Wait()
	time.Sleep(100 * time.Millisecond) // for the last lines
	for _, line := range logs.wait(0, 0) {
		if m := caseTag.FindStringSubmatch(line); m != nil {
			if n, err := strconv.Atoi(m[1]); err == nil && n < len(all) {
				all[n].got[who] += "log " + caseLog(line) + "\n"
			}
		}
	}
	if err := r.stop(); err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	return nil
}

var (
	caseTag = regexp.MustCompile(` k([0-9]+)\[`)
	caseNum = regexp.MustCompile(`\b[kb][0-9]+\b`)
	// caseOwnLog is a line in a format of the case's own.
	caseOwnLog = regexp.MustCompile(`^<([0-9]+)>.* k[0-9]+\[[0-9]+\]: (own .*)$`)
	// caseVaries is what is different each time, between signs that say so: how much its
	// numbers come to is not compared, and neither are the names of months.
	caseVaries = regexp.MustCompile(`@[^@]*@`)
	caseNumber = regexp.MustCompile(`\b[0-9A-F]+\b|[0-9]+|\b[A-Z][a-z][a-z]\b`)
)

// caseLog is a log line without what is each run's own.
func caseLog(line string) string {
	if m := caseOwnLog.FindStringSubmatch(line); m != nil {
		text := caseVaries.ReplaceAllStringFunc(m[2], func(s string) string { return caseNumber.ReplaceAllString(s, "#") })
		return caseNum.ReplaceAllString(m[1]+" "+text, "k")
	}
	return caseNum.ReplaceAllString(normalLog(line, 0), "k")
}

// sourceOf is where the proxy's connections for a case come from.
func sourceOf(n int) string { return fmt.Sprintf("127.77.%d.%d", n/250, n%250+1) }

// caseConfig makes configurations of cases.
type caseConfig struct {
	dir          string
	files        map[string]string
	origin, logs int
	who          int
	lines        []*policyCase // by line of the text, from 1; nil: none of a case
}

// text is a configuration with all of the cases, and those that have a listener of
// their own.
func (c *caseConfig) text(all []*policyCase) (string, []*policyCase) {
	c.lines = nil
	var b strings.Builder
	put := func(of *policyCase, format string, a ...any) {
		c.lines = append(c.lines, of)
		fmt.Fprintf(&b, format+"\n", a...)
	}
	var names []string
	for name := range c.files {
		names = append(names, name, filepath.Join(c.dir, name))
	}
	names = append(names, "DIR", c.dir)
	paths := strings.NewReplacer(names...)
	experimental := ""
	if c.who == 0 {
		experimental = "    expose-experimental-directives\n"
	}
	for l := range strings.SplitSeq(fmt.Sprintf(caseBase, c.logs, experimental), "\n") {
		put(nil, "%s", l)
	}
	for _, k := range all {
		if k.kind == "case" {
			for l := range strings.SplitSeq(k.text, " ;; ") {
				if l, ok := strings.CutPrefix(l, "top:"); ok {
					put(k, "%s", paths.Replace(l))
				}
			}
		}
	}
	put(nil, "frontend samples\n    bind fd@3\n    use_backend b%%[req.fhdr(x-case)]")
	c.lines = append(c.lines, nil, nil)
	var listeners []*policyCase
	for _, k := range all {
		own := paths
		if strings.Contains(k.text, "-acl(") || strings.Contains(k.text, "-map(") {
			own = c.filesOf(k, names) // what it changes is nobody else's
		}
		text := own.Replace(k.text)
		switch k.kind {
		case "sample", "acl":
			put(k, "backend b%d", k.number)
			if k.kind == "sample" {
				put(k, "    http-request set-var(txn.v) %s", text)
			} else {
				put(k, "    http-request set-var(txn.v) bool(1) if { %s }", text)
			}
			put(k, "    http-request return status 200 hdr x-value \"<%%[var(txn.v),hex]>\" if { var(txn.v) -m found }")
			put(k, "    http-request return status 200 hdr x-value none")
		case "response-sample":
			put(k, "backend b%d", k.number)
			put(k, "    http-response set-var(txn.v) %s", text)
			put(k, "    http-response set-header x-value \"<%%[var(txn.v),hex]> %%[var(txn.v),hex]\" if { var(txn.v) -m found }")
			put(k, "    http-response set-header x-value none unless { var(txn.v) -m found }")
			put(k, "    server s 127.0.0.1:%d source %s", c.origin, sourceOf(k.number))
		case "case":
			listeners = append(listeners, k)
			put(k, "frontend k%d", k.number)
			put(k, "    bind fd@%d", 3+len(listeners))
			put(k, "    log global\n    log-tag k%d\n    option httplog", k.number)
			c.lines = append(c.lines, k, k)
			var back []string
			for l := range strings.SplitSeq(text, " ;; ") {
				if b, ok := strings.CutPrefix(l, "be:"); ok {
					back = append(back, b)
				} else if !strings.HasPrefix(l, "top:") {
					put(k, "    %s", l)
				}
			}
			put(k, "    default_backend b%d", k.number)
			put(k, "backend b%d", k.number)
			for _, l := range back {
				put(k, "    %s", l)
			}
			put(k, "    server s 127.0.0.1:%d source %s", c.origin, sourceOf(k.number))
		}
	}
	return b.String(), listeners
}

// filesOf are the files of a case that changes them: the others' with its number.
func (c *caseConfig) filesOf(k *policyCase, names []string) *strings.Replacer {
	own := slices.Clone(names)
	for i := 0; i < len(own); i += 2 {
		text, ok := c.files[own[i]]
		if !ok {
			continue
		}
		own[i+1] += "." + strconv.Itoa(k.number)
		_ = os.WriteFile(own[i+1], []byte(text), 0o600) // what is not there is refused
	}
	return strings.NewReplacer(own...)
}

const caseBase = `global
    log 127.0.0.1:%d local0
    nbthread 1
    maxconn 500
    set-var proc.g1 str(one),upper
    set-var proc.g2 int(5),add(2)
    set-var-fmt proc.g3 "%%[var(proc.g1)] %%[str(two)]"
%suserlist people
    group staff users alice,bob
    group guests
    user alice insecure-password secret
    user bob insecure-password hunter2
    user carol insecure-password c groups guests
http-errors pages
    errorfile 404 DIR/404
    errorfile 200 DIR/404
defaults
    mode http
    timeout connect 500ms
    timeout client 1s
    timeout server 1s
    timeout tarpit 20ms
    retries 0`

var configLine = regexp.MustCompile(`(?m)^\[ALERT\].*[Pp]arsing \[[^]]*:([0-9]+)\] ?: (.*)`)

// configProxy is what is said of the proxy of a case as a whole.
var configProxy = regexp.MustCompile(`(?m)^\[ALERT\].*config : [Pp]roxy '?[kb]([0-9]+)'?: (.*)`)

// winnow finds out which cases a program refuses, by the lines it complains about.
func (c *caseConfig) winnow(s *subject, all []*policyCase) error {
	if err := os.WriteFile(filepath.Join(c.dir, "404"), []byte("HTTP/1.1 404 Nowhere\r\nContent-Length: 5\r\nX-Page: 1\r\n\r\nlost\n"), 0o600); err != nil {
		return err
	}
	last := ""
	for range 300 {
		live := slices.DeleteFunc(slices.Clone(all), func(k *policyCase) bool { return k.refused[c.who] })
		text, listeners := c.text(live)
		path := filepath.Join(c.dir, "check.cfg")
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "DIR/", c.dir+"/")), 0o600); err != nil {
			return err
		}
		cmd := exec.Command(s.argv[0], append(s.argv[1:len(s.argv):len(s.argv)], "-c", "-f", path)...)
		files, _, err := caseListeners(1 + len(listeners))
		if err != nil {
			return err
		}
		cmd.ExtraFiles = files
		out, err := cmd.CombinedOutput()
		for _, f := range files {
			f.Close()
		}
		if err == nil {
			return nil
		}
		some := false
		last = string(out)
		refuse := func(k *policyCase, why string) {
			some = some || !k.refused[c.who]
			k.refused[c.who] = true
			if k.refusedBy[c.who] == "" {
				k.refusedBy[c.who] = why
			}
		}
		for _, m := range configLine.FindAllStringSubmatch(string(out), -1) {
			if n, _ := strconv.Atoi(m[1]); n >= 1 && n <= len(c.lines) && c.lines[n-1] != nil {
				refuse(c.lines[n-1], m[2])
			}
		}
		for _, m := range configProxy.FindAllStringSubmatch(string(out), -1) {
			if n, _ := strconv.Atoi(m[1]); n < len(all) {
				refuse(all[n], m[2])
			}
		}
		if !some {
			return fmt.Errorf("%s: refuses the configuration, and no case:\n%s", s.name, out)
		}
	}
	return fmt.Errorf("%s: refuses more and more:\n%s", s.name, last)
}

// caseListeners are sockets to hand down, and their addresses.
func caseListeners(n int) (files []*os.File, addrs []string, err error) {
	for range n {
		l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			return files, addrs, err
		}
		f, err := l.File()
		addrs = append(addrs, l.Addr().String())
		l.Close()
		if err != nil {
			return files, addrs, err
		}
		files = append(files, f)
	}
	return files, addrs, nil
}

// start starts a program; the addresses are by the number of a case, -1 for samples.
func (c *caseConfig) start(s *subject, text string, listeners []*policyCase) (*running, map[int]string, error) {
	files, addrs, err := caseListeners(1 + len(listeners))
	defer func() {
		for _, f := range files {
			f.Close()
		}
	}()
	if err != nil {
		return nil, nil, err
	}
	path := filepath.Join(c.dir, "proxy.cfg")
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "DIR/", c.dir+"/")), 0o600); err != nil {
		return nil, nil, err
	}
	r := &running{exited: make(chan struct{})}
	r.cmd = exec.Command(s.argv[0], append(s.argv[1:len(s.argv):len(s.argv)], "-db", "-f", path)...)
	r.cmd.ExtraFiles = files
	r.cmd.Stdout, r.cmd.Stderr = &r.output, &r.output
	if err := testpeer.Launch(r.cmd); err != nil {
		return nil, nil, err
	}
	go func() {
		_ = r.cmd.Wait()
		close(r.exited)
	}()
	of := map[int]string{-1: addrs[0]}
	for i, k := range listeners {
		of[k.number] = addrs[i+1]
	}
	return r, of, nil
}

// caseOrigin answers for all cases, told apart by where connections come from.
type caseOrigin struct {
	mu      sync.Mutex
	answers map[string]string
	seen    map[string][]byte
}

func (o *caseOrigin) serve(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			from := c.RemoteAddr().(*net.TCPAddr).IP.String()
			r := bufio.NewReader(c)
			for {
				_ = c.SetDeadline(time.Now().Add(5 * time.Second))
				got, err := readMessage(r, true, false)
				o.mu.Lock()
				o.seen[from] = append(o.seen[from], got...)
				answer := o.answers[from]
				o.mu.Unlock()
				if err != nil {
					return
				}
				if bytes.HasPrefix(got, []byte("HEAD ")) {
					answer = answer[:strings.Index(answer, "\r\n\r\n")+4]
				}
				if _, err := io.WriteString(c, answer); err != nil {
					return
				}
			}
		}()
	}
}

func (o *caseOrigin) take(n int) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	got := o.seen[sourceOf(n)]
	delete(o.seen, sourceOf(n))
	return string(got)
}

// readMessage reads one message as it came.
func readMessage(r *bufio.Reader, request, bodiless bool) ([]byte, error) {
	var got []byte
	length, chunked, status := -1, false, ""
	for first := true; ; first = false {
		line, err := r.ReadBytes('\n')
		got = append(got, line...)
		if err != nil {
			return got, err
		}
		text := strings.TrimRight(string(line), "\r\n")
		if text == "" {
			break
		}
		if first && !request && len(text) > 12 {
			status = text[9:12]
		}
		name, value, _ := strings.Cut(text, ":")
		switch value = strings.TrimSpace(value); strings.ToLower(name) {
		case "content-length":
			length, _ = strconv.Atoi(value)
		case "transfer-encoding":
			chunked = true
		}
	}
	switch {
	case strings.HasPrefix(status, "1"):
		more, err := readMessage(r, request, bodiless)
		return append(got, more...), err
	case bodiless, status == "204", status == "304", request && length <= 0 && !chunked:
	case chunked:
		for {
			line, err := r.ReadBytes('\n')
			got = append(got, line...)
			if err != nil {
				return got, err
			}
			n, _ := strconv.ParseInt(strings.TrimRight(string(line), "\r\n"), 16, 32)
			piece := make([]byte, n+2)
			if _, err := io.ReadFull(r, piece); err != nil {
				return got, err
			}
			if got = append(got, piece...); n == 0 {
				break
			}
		}
	case length >= 0:
		body := make([]byte, length)
		n, err := io.ReadFull(r, body)
		return append(got, body[:n]...), err
	default:
		rest, err := io.ReadAll(r)
		return append(got, rest...), err
	}
	return got, nil
}

// ask makes the requests of a sample, on a connection that may serve for more, and
// returns it.
func (c *policyCase) ask(who int, addr string, keep *bufio.ReadWriter) *bufio.ReadWriter {
	var values []string
	for _, q := range c.requests {
		head, body, _ := strings.Cut(q, "\r\n\r\n")
		text := fmt.Sprintf("%s\r\nX-Case: %d\r\n\r\n%s", head, c.number, body)
		var got []byte
		var err error
		for range 2 { // a connection that has served may be gone
			if keep == nil {
				conn, err := net.DialTimeout("tcp4", addr, awaitLimit)
				if err != nil {
					values = append(values, err.Error())
					break
				}
				_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
				keep = bufio.NewReadWriter(bufio.NewReader(conn), bufio.NewWriter(conn))
			}
			_, _ = keep.WriteString(text)
			_ = keep.Flush()
			got, err = readMessage(keep.Reader, false, strings.HasPrefix(q, "HEAD "))
			if len(got) > 0 {
				break
			}
			keep = nil
		}
		value := fmt.Sprintf("%.20q, %v", got, err)
		for line := range strings.SplitSeq(string(got), "\r\n") {
			if v, ok := strings.CutPrefix(line, "x-value: "); ok {
				value = readable(v)
			}
		}
		values = append(values, value)
		if err != nil || bytes.Contains(got, []byte("\r\nconnection: close\r\n")) {
			keep = nil
		}
	}
	c.got[who] = strings.Join(values, " | ")
	return keep
}

// readable is a value that came in hexadecimal digits, as text where it is one.
func readable(v string) string {
	b, err := hex.DecodeString(strings.Trim(v, "<>"))
	if err != nil {
		return v
	}
	if len(b) == 8 && (b[0] == 0 || b[0] == 0xff) {
		return fmt.Sprint(int64(binary.BigEndian.Uint64(b)))
	}
	return fmt.Sprintf("%q", b)
}

// exchange makes the requests of a case, each on a connection of its own.
func (c *policyCase) exchange(addr string, o *caseOrigin) string {
	var out strings.Builder
	for _, q := range c.requests {
		conn, err := net.DialTimeout("tcp4", addr, awaitLimit)
		if errors.Is(err, syscall.ECONNRESET) {
			out.WriteString("\nclient\ngone\norigin\n") // as soon as it was accepted
			continue
		}
		if err != nil {
			fmt.Fprintf(&out, "%v\n", err)
			continue
		}
		_ = conn.SetDeadline(time.Now().Add(2 * time.Second))
		_, _ = io.WriteString(conn, q)
		heads := strings.HasPrefix(q, "HEAD ")
		got, err := readMessage(bufio.NewReader(conn), false, heads)
		conn.Close()
		end := ""
		switch {
		case errors.Is(err, io.EOF):
			end = "closed"
		case err != nil:
			end = "reset"
			if ne := net.Error(nil); errors.As(err, &ne) && ne.Timeout() {
				end = "silence"
			}
		}
		if len(got) == 0 && (end == "closed" || end == "reset" || strings.Contains(c.text, "silent-drop")) {
			end = "gone" // whether there is a reset depends on what came before the end
		}
		fmt.Fprintf(&out, "\nclient\n%s%s\norigin\n%s", normal(decoded(got), heads), end, normal([]byte(o.take(c.number)), false))
	}
	return caseNum.ReplaceAllString(out.String(), "k")
}
