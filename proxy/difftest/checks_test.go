package difftest

import (
	"encoding/csv"
	"fmt"
	"maps"
	"net"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bench/internal/testpeer"
)

// checkKind is a way to check servers, and how those behave that are checked by it.
type checkKind struct {
	name string
	// lines are those of the backend, server what follows the address of each server.
	lines, server string
	servers       map[string][]step
	without       []string // manners of which HAProxy makes one thing or another
	atOnce        bool     // what comes of it in pieces is chance
	// mask hides what differs from one check to the next in what servers get.
	mask func(string) string
}

// manners are those of servers that know nothing of what they are asked.
func manners() map[string][]step {
	return map[string][]step{
		"ends its side":     {shut()},
		"mute":              {},
		"resets":            {pause(ms(30)), reset()},
		"garbage, ends":     {send("garbage\r\n\r\n"), shut()},
		"garbage, stays":    {send("garbage\r\n\r\n")},
		"one byte, ends":    {send("+"), shut()},
		"one byte, stays":   {send("+")},
		"zeroes":            {send(strings.Repeat("\x00", 40))},
		"quotes, and lines": {send("-\"a\"\r\nb\tc\x7f\xe9\r\n"), shut()},
	}
}

const (
	mysqlGreeting = "\x51\x00\x00\x00\x0a5.5.5-10.11.6\x00\x01\x00\x00\x00abcdefgh\x00\xff\xf7\x08\x02\x00\xff\x81\x15\x00\x00\x00\x00\x00\x00\x07\x00\x00\x00abcdefghijkl\x00mysql_native_password\x00"
	mysqlOK       = "\x07\x00\x00\x02\x00\x00\x00\x02\x00\x00\x00"
	mysqlError    = "\x13\x00\x00\x02\xff\x15\x04#28000Access no"
	ldapSuccess   = "\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00"
)

func checkKinds() []checkKind {
	wire := func(size int, body string) string {
		return string([]byte{byte(size >> 24), byte(size >> 16), byte(size >> 8), byte(size)}) + body
	}
	agentHello := func(items string) string {
		body := "\x65\x00\x00\x00\x01\x00\x00" + items
		return wire(len(body), body)
	}
	const version, size, caps = "\x07version\x08\x032.0", "\x0emax-frame-size\x03\xfc\xf0\x06", "\x0ccapabilities\x08\x00"
	asked := func(then ...step) []step { return append([]step{await("HAProxy\x00")}, then...) }
	return []checkKind{
		{name: "socks", lines: "option redis-check", server: "socks4 127.0.0.1:PORT check check-via-socks4", without: endsShort, mask: maskSocks, servers: map[string][]step{
			"well":             asked(send(socksGranted), await("PING\r\n"), send("+PONG\r\n"), await("never")),
			"well, and more":   asked(send(socksGranted+"+PONG\r\n"), await("PING\r\n"), send("+PONG\r\n"), await("never")),
			"denies":           asked(send(socksDenied), await("never")),
			"denies, closes":   asked(send(socksDenied), closeNow()),
			"closes":           asked(closeNow()),
			"resets it":        asked(pause(ms(30)), reset()),
			"grants, closes":   asked(send(socksGranted), closeNow()),
			"cut, stays":       asked(send(socksGranted[:7]), await("never")),
			"something closes": asked(send("HTTP/1.0 400\r\n"), closeNow()),
		}},
		{name: "socks-not", lines: "option redis-check", server: "socks4 127.0.0.1:1 check", servers: map[string][]step{
			"well": {await("PING\r\n"), send("+PONG\r\n"), await("never")},
		}},
		{name: "socks-rule", lines: "option tcp-check\ntcp-check connect via-socks4 send-proxy\ntcp-check send ping\ntcp-check expect string pong", server: "socks4 127.0.0.1:PORT check", without: endsShort, mask: maskSocks, servers: map[string][]step{
			"well":   asked(send(socksGranted), await("ping"), send("pong"), await("never")),
			"denies": asked(send(socksDenied), await("never")),
			"mute":   asked(await("never")),
		}},
		{name: "redis", lines: "option redis-check", servers: map[string][]step{
			"well":           {await("PING\r\n"), send("+PONG\r\n"), await("never")},
			"well, and more": {await("PING\r\n"), send("+PONG\r\nmore"), await("never")},
			"wants a word":   {await("PING\r\n"), send("-NOAUTH Authentication required.\r\n"), await("never")},
			"wants, closes":  {await("PING\r\n"), send("-NOAUTH Authentication required.\r\n"), closeNow()},
			"no line":        {await("PING\r\n"), send("-ERR"), closeNow()},
		}},
		{name: "hello", lines: "option ssl-hello-chk", mask: func(s string) string {
			if len(s) > 15 {
				return s[:11] + "time" + s[15:]
			}
			return s
		}, servers: map[string][]step{
			"greets":    {await("HAPROXYSSLCHK\n"), send("\x16\x03\x00\x00\x04\x0e\x00\x00\x00"), await("never")},
			"complains": {await("HAPROXYSSLCHK\n"), send("\x15\x03\x00\x00\x02\x02\x28"), closeNow()},
			"short":     {await("HAPROXYSSLCHK\n"), send("\x15\x03\x00"), closeNow()},
			"short, on": {await("HAPROXYSSLCHK\n"), send("\x16\x03\x00"), await("never")},
		}},
		{name: "smtp", lines: "option smtpchk", servers: smtpServers()},
		{name: "smtp-ehlo", lines: "option smtpchk EHLO a.test", servers: smtpServers()},
		{name: "pgsql", lines: "option pgsql-check user bench", servers: map[string][]step{
			"lets in":      {await("bench"), send("R\x00\x00\x00\x08\x00\x00\x00\x00"), await("never")},
			"md5":          {await("bench"), send("R\x00\x00\x00\x0c\x00\x00\x00\x05salt"), await("never")},
			"sasl":         {await("bench"), send("R\x00\x00\x00\x17\x00\x00\x00\x0aSCRAM-SHA-256\x00\x00"), await("never")},
			"unknown way":  {await("bench"), send("R\x00\x00\x00\x08\x00\x00\x00\x08"), await("never")},
			"refuses":      {await("bench"), send("E\x00\x00\x00\x2dSFATAL\x00C28000\x00Mno such role bench\x00\x00"), closeNow()},
			"short":        {await("bench"), send("R\x00\x00\x00\x08"), closeNow()},
			"short, stays": {await("bench"), send("R\x00\x00\x00\x08"), await("never")},
		}},
		{name: "mysql", lines: "option mysql-check", without: []string{"zeroes"}, servers: mysqlServers()},
		{name: "mysql-user", lines: "option mysql-check user bench", servers: mysqlServers()},
		{name: "mysql-old", lines: "option mysql-check user bench pre-41", servers: mysqlServers()},
		{name: "ldap", lines: "option ldap-check", servers: map[string][]step{
			"lets in":       {await("\x80\x00"), send(ldapSuccess), await("never")},
			"long":          {await("\x80\x00"), send("\x30\x84\x00\x00\x00\x10\x02\x01\x01\x61\x84\x00\x00\x00\x07\x0a\x01\x00\x04\x00\x04\x00"), await("never")},
			"two bytes":     {await("\x80\x00"), send("\x30\x82\x00\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00"), await("never")},
			"three bytes":   {await("\x80\x00"), send("\x30\x83\x00\x00\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00"), await("never")},
			"refuses":       {await("\x80\x00"), send("\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x31\x04\x00\x04\x00"), await("never")},
			"other message": {await("\x80\x00"), send("\x30\x0c\x02\x01\x02\x61\x07\x0a\x01\x00\x04\x00\x04\x00"), await("never")},
			"other answer":  {await("\x80\x00"), send("\x30\x0c\x02\x01\x01\x65\x07\x0a\x01\x00\x04\x00\x04\x00"), await("never")},
			"cut":           {await("\x80\x00"), send(ldapSuccess[:12]), closeNow()},
			"cut, stays":    {await("\x80\x00"), send(ldapSuccess[:12]), await("never")},
			"longer":        {await("\x80\x00"), send("\x30\x20\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00"), closeNow()},
		}},
		{name: "spop", lines: "option spop-check", servers: map[string][]step{
			"well":            {await("healthcheck"), send(agentHello(version + size + caps)), await("never")},
			"other order":     {await("healthcheck"), send(agentHello(caps + version + size)), await("never")},
			"no version":      {await("healthcheck"), send(agentHello(size + caps)), await("never")},
			"no size":         {await("healthcheck"), send(agentHello(version + caps)), await("never")},
			"no capabilities": {await("healthcheck"), send(agentHello(version + size)), await("never")},
			"version 1":       {await("healthcheck"), send(agentHello("\x07version\x08\x031.0" + size + caps)), await("never")},
			"huge frames":     {await("healthcheck"), send(agentHello(version + "\x0emax-frame-size\x03\xff\xff\xff\x06" + caps)), await("never")},
			"leaves":          {await("healthcheck"), send("\x00\x00\x00\x27\x66\x00\x00\x00\x01\x00\x00\x0bstatus-code\x03\x04\x07message\x08\x07invalid"), closeNow()},
		}},
	}
}

func smtpServers() map[string][]step {
	greets := send("220 mail.test ESMTP\r\n")
	return map[string][]step{
		"well":              {greets, await("\r\n"), send("250 mail.test\r\n"), await("QUIT\r\n"), send("221 Bye\r\n"), closeNow()},
		"in lines":          {greets, await("\r\n"), send("250-mail.test\r\n250-SIZE\r\n250 HELP\r\n"), await("QUIT\r\n"), send("221 2.0.0 Bye\r\n"), closeNow()},
		"lines, one by one": {greets, await("\r\n"), send("250-mail.test\r\n"), pause(ms(30)), send("250 HELP\r\n"), await("QUIT\r\n"), send("221 2.0.0 Bye\r\n"), closeNow()},
		"no goodbye":        {greets, await("\r\n"), send("250 mail.test\r\n"), await("QUIT\r\n"), closeNow()},
		"no goodbye, on":    {greets, await("\r\n"), send("250 mail.test\r\n"), await("never")},
		"bad goodbye":       {greets, await("\r\n"), send("250 mail.test\r\n"), await("QUIT\r\n"), send("500 What?\r\n"), closeNow()},
		"too busy":          {send("421 Too busy\r\n"), closeNow()},
		"greets in lines":   {send("220-mail.test\r\n220 ready\r\n"), await("\r\n"), send("250 mail.test\r\n"), await("QUIT\r\n"), send("221 Bye\r\n"), closeNow()},
		"refuses":           {greets, await("\r\n"), send("550 Go away\r\n"), await("never")},
		"refuses, closes":   {greets, await("\r\n"), send("550 Go away\r\n"), closeNow()},
		"closes after":      {greets, await("\r\n"), closeNow()},
	}
}

func mysqlServers() map[string][]step {
	return map[string][]step{
		"lets in":        {send(mysqlGreeting), await("bench"), send(mysqlOK), await("never")},
		"closes":         {send(mysqlGreeting), await("bench"), send(mysqlOK), closeNow()},
		"refuses":        {send(mysqlGreeting), await("bench"), send(mysqlError), closeNow()},
		"refuses, stays": {send(mysqlGreeting), await("bench"), send(mysqlError), await("never")},
		"too many":       {send("\x17\x00\x00\x00\xff\x10\x04Too many connections"), closeNow()},
		"cut":            {send(mysqlGreeting[:30]), closeNow()},
		"cut, stays":     {send(mysqlGreeting[:30]), await("never")},
		"says nothing":   {send(mysqlGreeting), await("bench"), closeNow()},
	}
}

// slowBytes are sent one by one; what comes after them follows at once.
const slowBytes = 40

// byteByByte is a script that says the same in pieces of one byte.
func byteByByte(script []step) []step {
	var slow []step
	for _, s := range script {
		if s.op != opSend {
			slow = append(slow, s)
			continue
		}
		n := min(len(s.text), slowBytes)
		for i := range n {
			slow = append(slow, send(s.text[i:i+1]), pause(time.Millisecond))
		}
		if n < len(s.text) {
			slow = append(slow, send(s.text[n:]))
		}
	}
	return slow
}

const checksConf = `global
    log 127.0.0.1:%d local0
    nbthread 1
    maxconn 200
    stats socket DIR/stats level admin
defaults
    log global
    mode http
    timeout connect 2s
    timeout client 2s
    timeout server 2s
    timeout check 2s
    option log-health-checks
    default-server inter 2s rise 1 fall 1
frontend ready
    bind fd@4
    bind fd@3
    monitor-uri /ready
`

// checkedBy is one of the proxies, with its servers.
type checkedBy struct {
	origins map[string]*origin // by backend/server
	logs    *net.UDPConn
	socket  string

	counts bool              // how often checks have failed is compared as well
	known  map[string]string // what was found of each when it was not being checked

	mu    sync.Mutex
	lines map[string]string // the last message about each check of each, by both names
	said  []string          // messages about states
}

// endsShort is a manner that HAProxy, having no answer of a SOCKS4 proxy yet, does not see
// the end of.
var endsShort = []string{"one byte, ends"}

// maskSocks hides ports in what is said to a SOCKS4 proxy and behind it.
func maskSocks(s string) string {
	if len(s) > 4 {
		s = s[:2] + "NN" + s[4:]
	}
	return portPair.ReplaceAllString(s, " N N\r\n")
}

var (
	portPair = regexp.MustCompile(` \d+ \d+\r\n`)
	// staleErrno is what HAProxy adds to the failures of such a proxy, and of handshakes: the
	// error of whatever call of its has failed last.
	staleErrno = regexp.MustCompile(`(SOCKS4 Proxy [a-z ]*[a-z]|SSL handshake failure) \([A-Z][a-z ]*\)`)
)

var (
	checkLine = regexp.MustCompile(`(Health|Agent) check for server (\S+) .*`)
	stateLine = regexp.MustCompile(`(Backup )?Server \S+/\S+ .*`)
	checkTook = regexp.MustCompile(`check duration: \d+ms`)
)

// startChecks starts a proxy that checks servers of all kinds.
func startChecks(t *testing.T, s *subject, kinds []checkKind) *checkedBy {
	t.Helper()
	c := newCheckedBy(t)
	var conf strings.Builder
	fmt.Fprintf(&conf, checksConf, c.port())
	for _, k := range kinds {
		fmt.Fprintf(&conf, "backend %s\n", k.name)
		for line := range strings.Lines(k.lines) {
			fmt.Fprintf(&conf, "    %s\n", strings.TrimRight(line, "\n"))
		}
		server := k.server
		if server == "" {
			server = "check"
		}
		servers := manners()
		maps.Copy(servers, k.servers)
		for _, name := range k.without {
			delete(servers, name)
		}
		for _, name := range slices.Sorted(maps.Keys(servers)) {
			for _, slow := range []bool{false, true} {
				if slow && k.atOnce {
					continue
				}
				script, word := servers[name], strings.NewReplacer(" ", "_", ",", "").Replace(name)
				if slow {
					script, word = byteByByte(script), word+"-slow"
				}
				o, err := newOrigin([][]step{script}, awaitLimit, func() *cutter { return nil })
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { o.stop() })
				c.origins[k.name+"/"+word] = o
				fmt.Fprintf(&conf, "    server %s 127.0.0.1:%d %s\n", word, o.port(), strings.ReplaceAll(server, "PORT", fmt.Sprint(o.port())))
			}
		}
		fmt.Fprintf(&conf, "    server nobody 127.0.0.1:1 %s\n", strings.ReplaceAll(server, "PORT", "1"))
		c.origins[k.name+"/nobody"] = nil
	}
	c.start(t, s, conf.String())
	return c
}

// newCheckedBy is a proxy that is yet to be started, with a sink for its messages.
func newCheckedBy(t *testing.T) *checkedBy {
	t.Helper()
	c := &checkedBy{origins: map[string]*origin{}, known: map[string]string{}, lines: map[string]string{}}
	var err error
	if c.logs, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}); err != nil {
		t.Fatal(err)
	}
	_ = c.logs.SetReadBuffer(4 << 20) // messages come once, and by the hundred
	var listening sync.WaitGroup
	listening.Go(c.listen)
	t.Cleanup(func() { c.logs.Close(); listening.Wait() })
	return c
}

// port is where its messages go.
func (c *checkedBy) port() int { return c.logs.LocalAddr().(*net.UDPAddr).Port }

// start starts the proxy with a configuration.
func (c *checkedBy) start(t *testing.T, s *subject, conf string) {
	t.Helper()
	dir := t.TempDir()
	c.socket = filepath.Join(dir, "stats")
	r, err := s.start(dir, strings.ReplaceAll(conf, "DIR", dir), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}

// listen takes messages until the sink is closed.
func (c *checkedBy) listen() {
	var buf [65536]byte
	for {
		n, err := c.logs.Read(buf[:])
		if err != nil {
			return
		}
		if m := stateLine.Find(buf[:n]); m != nil {
			c.mu.Lock()
			c.said = append(c.said, checkTook.ReplaceAllString(strings.TrimRight(string(m), "\n"), "check duration: Nms"))
			c.mu.Unlock()
		}
		if m := checkLine.FindSubmatch(buf[:n]); m != nil {
			c.mu.Lock()
			line := checkTook.ReplaceAllString(strings.TrimRight(string(m[0]), "\n"), "check duration: Nms")
			c.lines[string(m[1])+" "+string(m[2])] = strings.Replace(line, "<0A>", "", 1)
			c.mu.Unlock()
		}
	}
}

// found is what is known of the servers: by statistics, by messages, and what they got.
func (c *checkedBy) found(kinds []checkKind) map[string]string {
	text := strings.TrimPrefix(askTables(c.socket, "show stat"), "> show stat\n# ")
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(rows) == 0 {
		return nil
	}
	found := c.known
	for _, row := range rows[1:] {
		name := row[0] + "/" + row[1]
		o, ok := c.origins[name]
		if !ok {
			continue
		}
		value := func(column string) string { return row[slices.Index(rows[0], column)] }
		if strings.Contains(value("check_status")+value("agent_status"), "*") {
			continue // and what the last check has said is forgotten
		}
		var out strings.Builder
		columns := []string{"status", "check_status", "check_desc", "agent_status", "agent_desc", "weight", "slim", "check_health", "check_code", "last_chk", "agent_code", "last_agt"}
		slow := strings.HasSuffix(row[1], "-slow")
		if slow {
			columns = columns[:7] // how much has come when it is looked at is chance
		}
		if c.counts {
			columns = append(columns, "chkfail")
		}
		for _, column := range columns {
			fmt.Fprintf(&out, " %s=%q", column, strings.ReplaceAll(value(column), "\n", ""))
		}
		if slow {
			found[name] = out.String()
			continue
		}
		c.mu.Lock()
		fmt.Fprintf(&out, "\n  said %s%s", c.lines["Health "+name], c.lines["Agent "+name])
		c.mu.Unlock()
		i := slices.IndexFunc(kinds, func(k checkKind) bool { return k.name == row[0] })
		fmt.Fprintf(&out, "\n  got %q", o.most(kinds[i].mask))
		found[name] = staleErrno.ReplaceAllString(out.String(), "$1")
	}
	return found
}

// most is what came on the connection on which most came: a check that a busy machine has
// held up for too long ends before all has been said.
func (o *origin) most(mask func(string) string) string {
	if o == nil {
		return ""
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	most := ""
	for _, p := range o.peers {
		p.mu.Lock()
		if len(p.got) > len(most) {
			most = string(p.got)
		}
		p.mu.Unlock()
	}
	if mask != nil {
		return mask(most)
	}
	return most
}

// TestChecks compares what both proxies find of servers, whole and byte by byte, what they
// say of them, and what they send.
func TestChecks(t *testing.T) {
	if tried(t) {
		return
	}
	compareChecks(t, checkKinds())
}

func compareChecks(t *testing.T, kinds []checkKind) {
	t.Helper()
	reference := startChecks(t, &subject{"haproxy", []string{testpeer.Need(t, "haproxy")}}, kinds)
	engine := startChecks(t, &subject{"builtin", []string{build(t), "proxy"}}, kinds)
	sameFound(t, kinds, reference, engine)
}

// sameFound waits until both have found the same of all servers.
func sameFound(t *testing.T, kinds []checkKind, reference, engine *checkedBy) {
	t.Helper()
	sameFoundOnce(t, kinds, reference, engine, settled)
}

// sameFoundOnce waits for the same, and for what the reference is to have found.
func sameFoundOnce(t *testing.T, kinds []checkKind, reference, engine *checkedBy, as func(map[string]string) bool) {
	t.Helper()
	var want, got map[string]string
	// A check that a busy machine has held up for too long is made again.
	for deadline := time.Now().Add(40 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		want, got = reference.found(kinds), engine.found(kinds)
		if len(want) == len(reference.origins) && maps.EqualFunc(want, got, agree) && as(want) {
			return
		}
		if time.Now().After(deadline) {
			break
		}
	}
	if !as(want) {
		t.Errorf("what is found is not what it was waited for:\n%s", strings.Join(slices.Sorted(maps.Values(want)), "\n"))
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if !agree(want[name], got[name]) {
			t.Errorf("%s:\n--- haproxy\n%s\n--- builtin\n%s", name, want[name], got[name])
		}
	}
}

// agree compares what was found of a server; of a message that one of the two has lost on
// its way nothing is known.
func agree(want, got string) bool {
	const nothing = "\n  said \n"
	if strings.Contains(want, nothing) != strings.Contains(got, nothing) {
		want, got = withoutMessage.ReplaceAllString(want, nothing), withoutMessage.ReplaceAllString(got, nothing)
	}
	return want == got
}

var withoutMessage = regexp.MustCompile(`\n  said .*\n`)

// settled tells whether every server has been checked.
func settled(found map[string]string) bool {
	for _, text := range found {
		if strings.Contains(text, `"INI"`) {
			return false
		}
	}
	return len(found) > 0
}
