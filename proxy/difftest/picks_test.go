package difftest

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bench/internal/testpeer"
	"bench/internal/testserver"
)

var picksOf = flag.Int("picks", 24, "keys for which the choices of servers are compared, for each algorithm")

var picksAlgorithm = flag.String("picks-with", "", "compare only algorithms whose lines begin so")

var picksShown = flag.Int("picks-shown", 10, "lists of choices that are shown in full")

// pickCase is one backend whose choices are compared.
type pickCase struct {
	name  string // of the backend
	lines string
	farm  int
}

// pickFarms are the servers that choices are made among; ADDR is where all of them are.
var pickFarms = []string{
	"server a ADDR\n server b ADDR\n server c ADDR",
	"server a ADDR weight 5\n server b ADDR weight 3\n server c ADDR weight 7 id 40\n server d ADDR weight 1 backup",
	"server a ADDR weight 20\n server b ADDR weight 10\n server c ADDR weight 30\n server d ADDR weight 15 disabled",
	"server a ADDR id 9 weight 100\n server b ADDR weight 100\n server c ADDR id 300 weight 50\n server d ADDR weight 0\n server e ADDR weight 256",
	"default-server weight 3\n server-list",
}

// pickHashes are all ways to make a position of a key.
func pickHashes() []string {
	list := []string{"", "hash-type map-based", "hash-type consistent"}
	for _, method := range []string{"map-based", "consistent"} {
		for _, f := range []string{"sdbm", "djb2", "wt6", "crc32"} {
			for _, avalanche := range []string{"", " avalanche"} {
				list = append(list, "hash-type "+method+" "+f+avalanche)
			}
		}
	}
	return list
}

// pickAlgorithms are those that hash something of the request.
var pickAlgorithms = []string{
	"uri", "uri whole", "uri len 7", "uri depth 2", "uri depth 1 len 30 whole", "uri path-only", "uri whole path-only",
	"url_param key", "url_param key check_post", "hdr(X-Key)", "hdr(host) use_domain_only", "hash req.hdr(x-key),lower", "hash url_param(key)", "hash src", "source",
	"hash req.hdr_ip(x-ip,-1),ipmask(24)",
}

func pickCases() (all []pickCase) {
	add := func(lines string) {
		all = append(all, pickCase{fmt.Sprintf("be%d", len(all)), lines, len(all) % len(pickFarms)})
	}
	for _, a := range pickAlgorithms {
		for _, h := range pickHashes() {
			add("balance " + a + "\n " + h)
		}
	}
	if *picksAlgorithm != "" {
		all = slices.DeleteFunc(all, func(c pickCase) bool { return !strings.HasPrefix(c.lines, *picksAlgorithm) })
		for i := range all {
			all[i].name = fmt.Sprintf("be%d", i)
		}
	}
	for range pickFarms {
		for _, a := range []string{"static-rr", "first", "roundrobin", "leastconn"} {
			add("balance " + a)
		}
	}
	add("balance uri\n hash-type consistent\n hash-balance-factor 150")
	add("balance url_param nothing\n hash-type consistent\n option allbackups")
	return all
}

// pickRequests are requests with different keys; some have none.
func pickRequests(n int) (requests []func(backend string) string) {
	hosts := []string{"www.example.com", "example.com", "a.b.example.co.uk:8080", "localhost", "x..com", ".dot", "10.0.0.1", "UPPER.Example.COM"}
	for i := range n {
		host := strings.Replace(hosts[i%len(hosts)], "example", fmt.Sprintf("example%d", i/len(hosts)), 1)
		path := fmt.Sprintf("/dir%d/sub%d/file%d", i%5, i%7, i)
		query := ""
		switch i % 6 {
		case 0:
		case 1:
			query = fmt.Sprintf("?key=%d", i*7919)
		case 2:
			query = fmt.Sprintf("?a=1&key=value-%d&b=2", i)
		case 3:
			query = fmt.Sprintf("?keys=%d&xkey=1&key=", i)
		case 4:
			query = fmt.Sprintf("?key=%d/slash?key=2", i)
		case 5:
			query = fmt.Sprintf("?KEY=%d&key", i)
		}
		key := ""
		if i%9 != 8 {
			key = fmt.Sprintf("X-Key: Key-%d, second\r\nX-Key: third\r\nX-IP: 10.%d.%d.7\r\n", i*31, i%200, i%251)
		} else if i%2 == 0 {
			key = "X-Key: \r\nX-IP: 2001:db8::" + fmt.Sprint(i) + "\r\n"
		}
		target, method, body := path+query, "GET", ""
		switch i % 8 {
		case 5:
			target = "http://" + host + target
		case 6:
			method = "POST"
			body = fmt.Sprintf("x=1&key=posted%d&y=2", i)
		case 7:
			method = "PUT"
			body = "key=1"
		}
		requests = append(requests, func(backend string) string {
			length := ""
			if method != "GET" {
				length = fmt.Sprintf("Content-Length: %d\r\n", len(body))
			}
			return fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\nX-Backend: %s\r\n%s%s\r\n%s", method, target, host, backend, key, length, body)
		})
	}
	return requests
}

// pickConfig has a backend for each case.
func pickConfig(cases []pickCase, addr string) string {
	var b strings.Builder
	b.WriteString("global\n nbthread 1\n maxconn 2000\n stats socket DIR/stats level admin\n stats timeout 1m\n" +
		"defaults\n mode http\n timeout connect 3s\n timeout client 1m\n timeout server 1m\n timeout http-request 3s\n http-reuse always\n" +
		"frontend ready\n bind fd@4\n monitor-uri /ready\n" +
		"frontend fe\n bind fd@3\n use_backend %[req.hdr(x-backend)]\n")
	var list strings.Builder
	for i := range 40 {
		fmt.Fprintf(&list, "server s%d ADDR\n ", i)
	}
	for _, c := range cases {
		servers := strings.ReplaceAll(pickFarms[c.farm], "server-list", list.String())
		fmt.Fprintf(&b, "backend %s\n %s\n http-response set-header x-server %%s\n %s\n", c.name, c.lines, strings.ReplaceAll(servers, "ADDR", addr))
	}
	return b.String()
}

// picker asks one proxy which servers it chooses.
type picker struct {
	t      *testing.T
	r      *running
	socket string
}

// chosen is the server of each of some requests, sent one behind the other on one
// connection.
func (p *picker) chosen(from string, requests []string) []string {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	c, err := d.Dial("tcp4", p.r.addr)
	if err != nil {
		p.t.Error(err)
		return nil
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	var writing sync.WaitGroup
	writing.Go(func() { _, _ = io.WriteString(c, strings.Join(requests, "")) })
	defer writing.Wait()
	br := bufio.NewReader(c)
	var servers []string
	for range requests {
		res, err := http.ReadResponse(br, nil)
		if err != nil {
			p.t.Errorf("after %d responses: %v", len(servers), err)
			c.Close()
			return servers
		}
		_, _ = io.Copy(io.Discard, res.Body)
		servers = append(servers, fmt.Sprintf("%d %s", res.StatusCode, res.Header.Get("X-Server")))
	}
	return servers
}

// command sends commands to the runtime API.
func (p *picker) command(commands []string) {
	for part := range slices.Chunk(commands, 100) {
		c, err := net.Dial("unix", p.socket)
		if err != nil {
			p.t.Error(err)
			return
		}
		_, _ = io.WriteString(c, strings.Join(part, ";")+"\n")
		out, _ := io.ReadAll(c)
		c.Close()
		for line := range strings.Lines(string(out)) {
			// Farms need not have the server, nor algorithms take other weights.
			if line = strings.TrimSpace(line); line != "" && line != "No such server." && !strings.Contains(line, "static LB algorithm") {
				p.t.Error(line)
			}
		}
	}
}

// Servers are chosen as the reference chooses them, with every algorithm and every way
// to hash, for the same keys: with all servers, while one is away, when it is back, and
// with other weights.
func TestPicks(t *testing.T) {
	cases := pickCases()
	requests := pickRequests(*picksOf)
	origin := testserver.HTTP(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })

	phases := []struct {
		name     string
		commands []string
	}{
		{name: "all up"},
		{"one away", []string{"set server %s/b state maint"}},
		{"two away", []string{"set server %s/c state maint"}},
		{"back", []string{"set server %s/b state ready", "set server %s/c state ready"}},
		{"other weights", []string{"set weight %s/a 50%%", "set weight %s/c 0%%"}},
		{"weights as before", []string{"set weight %s/a 100%%", "set weight %s/c 100%%"}},
	}
	play := func(s *subject, got map[string][]string) {
		dir := t.TempDir()
		r, err := s.start(dir, strings.ReplaceAll(pickConfig(cases, origin), "DIR", dir), 0)
		if err != nil {
			t.Error(err)
			return
		}
		defer func() {
			if err := r.stop(); err != nil {
				t.Error(err)
			}
		}()
		began := time.Now()
		defer func() { t.Logf("%s: %v", s.name, time.Since(began)) }()
		p := &picker{t: t, r: r, socket: filepath.Join(dir, "stats")}
		for _, phase := range phases {
			var commands []string
			for _, c := range cases {
				for _, format := range phase.commands {
					commands = append(commands, fmt.Sprintf(format, c.name))
				}
			}
			p.command(commands)
			for _, c := range cases {
				list := make([]string, len(requests))
				for i := range requests {
					list[i] = requests[i](c.name)
				}
				got[c.name+" "+phase.name] = p.chosen("127.0.0.1", list)
			}
			// Of clients with other addresses.
			for i := range *picksOf {
				for _, c := range cases {
					if strings.Contains(c.lines, "balance source") || strings.Contains(c.lines, "hash src") {
						key := c.name + " " + phase.name
						got[key] = append(got[key], p.chosen(fmt.Sprintf("127.%d.%d.%d", i%3, i*7%256, i*13%254+1), []string{requests[0](c.name)})...)
					}
				}
			}
		}
	}
	want, got := map[string][]string{}, map[string][]string{}
	var both sync.WaitGroup
	both.Go(func() { play(&subject{"haproxy", []string{testpeer.Need(t, "haproxy")}}, want) })
	both.Go(func() { play(&subject{"builtin", []string{build(t), "proxy"}}, got) })
	both.Wait()
	wrong := 0
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if slices.Equal(want[key], got[key]) {
			continue
		}
		name, _, _ := strings.Cut(key, " ")
		c := cases[slices.IndexFunc(cases, func(c pickCase) bool { return c.name == name })]
		if wrong++; wrong > *picksShown {
			first := 0
			for first < min(len(want[key]), len(got[key])) && want[key][first] == got[key][first] {
				first++
			}
			t.Logf("%s, farm %d, %s: from choice %d on", strings.ReplaceAll(c.lines, "\n", ";"), c.farm, key, first)
			continue
		}
		t.Errorf("%s, farm %d, %s:\nhaproxy %q\nbuiltin %q", strings.ReplaceAll(c.lines, "\n", ";"), c.farm, key, want[key], got[key])
	}
	t.Logf("%d of %d lists of choices differ", wrong, len(want))
}
