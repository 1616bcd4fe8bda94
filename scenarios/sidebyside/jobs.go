package sidebyside

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// job is work for a proxy.
type job struct {
	name, mode string
	options    []string // of the defaults section
	// lines are those of the listen section; the files that they name are made in dir.
	lines   func(dir string) ([]string, error)
	servers int    // in the section, all at one origin; 1 if 0
	key     string // of the certificate: "ecdsa" or "rsa"; without one, clients speak in the clear
	alpn    string // of the bind
	sites   int    // certificates of the bind, each for a name, in place of one
	path    string // of the requests, "/" if empty
	// with makes the load: our generator if empty, h2load, or wrk with nginx for an origin.
	with      string
	load      []string // its arguments
	body      string   // size of the answers, 128B if empty
	logs      bool     // a line for each request, to a UDP socket nobody reads
	threads   int      // of the proxy, 1 if 0; more than one use both CPUs
	poller    string   // of the engine, its best if empty
	must, aim float64
}

// needs are the programs that take part in it, HAProxy and bench apart.
func (j *job) needs() []string {
	switch j.with {
	case wrk:
		return []string{wrk, nginx}
	case h2load:
		return []string{h2load}
	}
	return nil
}

// Programs that make a load or answer it.
const (
	wrk    = "wrk"
	nginx  = "nginx"
	h2load = "h2load"
)

// jobs are what engine and HAProxy are compared by.
func jobs() []job {
	splice := []string{"option splice-auto"}
	each := []string{"--requests-per-connection=1", "--tls-version=1.3"}
	full := append([]string{"--tls-full"}, each...)
	secure := func(name, key string, load []string, must, aim float64) job {
		return job{name: "https " + name, mode: "http", key: key, load: load, must: must, aim: aim}
	}
	http2 := func(name string, clients, streams int, must, aim float64, more ...string) job {
		return job{
			name: "http/2 " + name, mode: "http", key: "ecdsa", alpn: "h2", with: h2load, must: must, aim: aim,
			load: append([]string{"-c", fmt.Sprint(clients), "-m", fmt.Sprint(streams)}, more...),
		}
	}
	bulk2 := http2("bodies of 64 KiB, 64 connections, 10 streams", 64, 10, 1.3, 1.5)
	bulk2.body = "64KiB"
	crowded := secure("handshakes, 1 000 certificates", "ecdsa", append([]string{"--tls-name=" + siteName(777)}, full...), 1.3, 1.8)
	crowded.sites = 1000
	bulkTLS := secure("bodies of 1 MiB", "ecdsa", nil, 1.3, 1.8)
	bulkTLS.body = "1MiB"
	return []job{
		{name: "http keep-alive", mode: "http", must: 1.4, aim: 1.7},
		{name: "http keep-alive, io_uring", mode: "http", poller: "io_uring", must: 1.4, aim: 1.7},
		{name: "http keep-alive, wrk and nginx", mode: "http", with: wrk, must: 1.4, aim: 1.7},
		{name: "http keep-alive, logs", mode: "http", options: []string{"option httplog"}, logs: true, must: 1.2, aim: 1.6},
		// At a moderate rate waiting costs more than working.
		{name: "http keep-alive, 2 000/s", mode: "http", load: []string{"--rate=2000/s", "--spin=0us"}, must: 1, aim: 1.2},
		{name: "http close", mode: "http", options: []string{"option httpclose"}, load: []string{"--requests-per-connection=1"}, must: 1.1, aim: 1.2},
		{name: "tcp messages", mode: "tcp", must: 1, aim: 1.1},
		{name: "http bodies of 64 KiB", mode: "http", options: splice, body: "64KiB", must: 1, aim: 1.2},
		{name: "http bodies of 1 MiB", mode: "http", options: splice, body: "1MiB", must: 1, aim: 1.2},
		{name: "tcp bodies of 1 MiB", mode: "tcp", options: splice, body: "1MiB", must: 1, aim: 1.2},

		{
			name: "10 ACLs, 5 edits, cookie, logs", mode: "http", options: []string{"option httplog"}, logs: true, lines: policy,
			load: []string{"--header=Cookie: session=abc; srv=s1; theme=dark"}, must: 1.2, aim: 1.6,
		},
		{name: "100 000 paths in a list", mode: "http", lines: listOfPaths, path: "/page/{{random 0 99999}}", must: 1.2, aim: 1.6},
		{name: "20 regular expressions", mode: "http", lines: expressions, path: "/shop/item/{{random 1 99999}}/photo.jpeg", must: 1.2, aim: 1.6},
		{name: "map of 10 000 hosts", mode: "http", lines: mapOfHosts, load: []string{"--header=Host: h{{random 0 9999}}.example.com"}, must: 1.2, aim: 1.6},
		{name: "one counter tracked", mode: "http", lines: tracking, must: 1.2, aim: 1.6},
		{name: "stick on a cookie", mode: "http", lines: sticking, servers: 4, load: []string{"--header=Cookie: sid={{random 1 10000}}"}, must: 1.2, aim: 1.6},
		{name: "consistent hash, 1 000 servers", mode: "http", lines: hashing, servers: 1000, load: []string{"--header=X-Key: {{random 1 64}}"}, must: 1.2, aim: 1.6},

		secure("keep-alive", "ecdsa", nil, 1.3, 1.8),
		secure("handshakes, ECDSA", "ecdsa", full, 1.3, 1.8),
		crowded,
		secure("handshakes, RSA", "rsa", full, 0.6, 1),
		secure("handshakes, resumed", "ecdsa", each, 1.5, 2),
		bulkTLS,
		http2("64 connections, 1 stream", 64, 1, 1.2, 1.5),
		http2("1 connection, 100 streams", 1, 100, 1.2, 1.5),
		http2("64 connections, 10 streams", 64, 10, 1.5, 2),
		http2("fields of a browser", 64, 10, 1.5, 2, browser()...),
		bulk2,
	}
}

// browser are arguments of h2load for fields as browsers send them.
func browser() []string {
	var args []string
	for _, f := range []string{
		"accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
		"accept-language: en-US,en;q=0.7,de;q=0.3", "accept-encoding: gzip, deflate, br",
		"cookie: session=0123456789abcdef; consent=yes", "sec-fetch-dest: document", "sec-fetch-mode: navigate",
		"sec-fetch-site: none", "upgrade-insecure-requests: 1", "cache-control: max-age=0",
		"user-agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
	} {
		args = append(args, "-H", f)
	}
	return args
}

// policy is what a front of a web service has in its configuration.
func policy(string) ([]string, error) {
	return []string{
		"acl static path_beg /static/ /images/ /css/ /js/",
		"acl api path_beg /api/",
		"acl admin path_beg /admin",
		"acl inside src 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 127.0.0.0/8",
		"acl robot hdr_sub(user-agent) -i bot crawler spider",
		"acl reads method GET HEAD",
		"acl upload hdr(content-type) -m beg multipart/form-data",
		"acl www hdr_beg(host) -i www.",
		"acl dotfile path_sub /.",
		"acl picture path_end .png .jpg .gif .svg",
		"http-request deny if dotfile or admin !inside",
		"http-request set-header X-Forwarded-Proto http",
		"http-request set-header X-Request-Path %[path]",
		"http-request set-header X-Kind robot if robot",
		"http-request add-header Via proxy if api or !reads or upload",
		"http-request del-header X-Internal unless www",
		"http-response set-header Strict-Transport-Security max-age=31536000",
		"http-response del-header Server",
		"http-response set-header Cache-Control public,max-age=3600 if { capture.req.uri -m end .png }",
		"cookie srv insert indirect nocache",
	}, nil
}

func listOfPaths(dir string) ([]string, error) {
	file, err := numbered(dir, "paths.lst", 100_000, "/page/%d")
	return []string{"http-request set-header X-Known yes if { path -f " + file + " }"}, err
}

func mapOfHosts(dir string) ([]string, error) {
	file, err := numbered(dir, "hosts.map", 10_000, "h%d.example.com tenant-%[1]d")
	return []string{"http-request set-header X-Tenant %[req.hdr(host),lower,map(" + file + ",nobody)]"}, err
}

// numbered makes a file of n lines, each with its number.
func numbered(dir, name string, n int, format string) (file string, err error) {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format+"\n", i)
	}
	file = filepath.Join(dir, name)
	return file, os.WriteFile(file, []byte(b.String()), 0o600)
}

// expressions sorts requests by twenty of them; the last one matches.
func expressions(string) ([]string, error) {
	var lines []string
	for i := range 19 {
		lines = append(lines, fmt.Sprintf(`http-request set-header X-Class c%d if { path_reg -i ^/(api|v[0-9]+)/c%[1]d/[a-z]+/([0-9]+)(/|$) }`, i))
	}
	return append(lines, `http-request set-header X-Class photo if { path_reg ^/[a-z]+/item/[0-9]+/[a-z]+\.(jpe?g|png)$ }`), nil
}

func tracking(string) ([]string, error) {
	return []string{
		"stick-table type ip size 100k expire 1m store http_req_rate(10s)",
		"http-request track-sc0 src",
		"http-request deny if { sc_http_req_rate(0) gt 2000000000 }",
	}, nil
}

func sticking(string) ([]string, error) {
	return []string{"stick-table type string len 32 size 100k expire 10m", "stick on req.cook(sid)"}, nil
}

func hashing(string) ([]string, error) {
	return []string{"balance hdr(x-key)", "hash-type consistent"}, nil
}
