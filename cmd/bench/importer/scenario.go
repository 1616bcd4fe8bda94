package importer

import (
	"fmt"
	"slices"
	"strings"
)

// load is the traffic on one listener.
type load struct {
	name, target, protocol, host string
	rate                         int
	// paths that the conditions of the frontend ask for.
	paths []string
}

// What a load and a scenario have at most.
const (
	totalRate = 400 // requests a second of all loads
	mostRate  = 150 // of one
	mostPaths = 8   // of a load
	mostHosts = 4   // of a listener, each of which gets a load
	mostLoads = 20  // of a scenario
)

// loads puts one on every listener that leads to a server.
func (im *importer) loads() []load {
	var all []load
	for i, d := range im.doors {
		t := im.target(d.sect)
		if t == nil {
			im.note(&d.sect.begin, "note", "'%s' leads to no server: it gets no load", d.sect.name)
			continue
		}
		if len(all) >= mostLoads {
			im.note(&d.sect.begin, "note", "'%s' gets no load: there are %d already", d.sect.name, mostLoads)
			continue
		}
		l := load{name: d.name, target: d.name, protocol: map[string]string{"http": "http1"}[im.servers[t].kind]}
		switch {
		case d.sect.mode() == "http" || t.mode() == "http":
			l.protocol = "http1"
			hosts, paths := wanted(d.sect)
			l.paths = paths
			if i > 0 && im.doors[i-1].sect == d.sect {
				hosts = nil // once is enough
			}
			for _, h := range hosts {
				other := l
				other.name, other.host = name(d.name+"-"+h, im.names), h
				all = append(all, other)
			}
		case l.protocol == "":
			l.protocol = im.servers[t].kind
		}
		all = append(all, l)
	}
	for i := range all {
		all[i].rate = max(1, min(mostRate, totalRate/len(all)))
	}
	return all
}

// wanted are the hosts and paths that a frontend has conditions about.
func wanted(s *section) (hosts, paths []string) {
	paths = []string{"/"}
	for _, l := range s.lines {
		host, path := condition(l.words)
		if host != "" && len(hosts) < mostHosts && !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
		if path != "" && len(paths) < mostPaths && !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	return hosts, paths
}

// condition finds a host or a path that an acl compares with.
func condition(words []string) (host, path string) {
	if len(words) < 4 || words[0] != "acl" || slices.Contains(words, "-f") {
		return "", ""
	}
	value := ""
	for _, w := range words[3:] {
		if !strings.HasPrefix(w, "-") {
			value = w
			break
		}
	}
	fetch, _, _ := strings.Cut(words[2], ",")
	switch strings.ToLower(fetch) {
	case "hdr(host)", "req.hdr(host)", "hdr_dom(host)", "hdr_end(host)", "hdr_beg(host)":
		if isPlain(value) {
			return strings.Trim(value, "."), ""
		}
	case "path", "path_beg", "path_dir":
		if strings.HasPrefix(value, "/") && isPlain(value) {
			return "", value
		}
	}
	return "", ""
}

// isPlain reports whether a text can stand in a request as it is.
func isPlain(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_./~:", r)
	}) < 0
}

// scenario writes the whole.
func (im *importer) scenario(config []written, loads []load) []byte {
	var b strings.Builder
	p := func(format string, a ...any) { fmt.Fprintf(&b, format+"\n", a...) }
	p("# Made by `bench import` from a configuration of HAProxy. Addresses, the stats socket")
	p("# and whatever else ties it to its machine are replaced; the rest is as it was.")
	p("version: 1")
	p("name: %s", im.Name)
	p("description: What does this configuration do under load, and while it is reloaded?")
	p("seed: 1")
	p("")
	p("proxy:")
	p("  driver: %s", im.Driver)
	p("  config: |")
	for _, l := range config {
		p("    %s", l.text)
	}
	p("")
	p("backends:")
	for _, o := range im.origins {
		detail := ""
		if o.kind == "http" {
			detail = ", body: 1KiB"
		}
		p("  - {name: %s, kind: %s, replicas: %d, latency: 2ms%s}", o.name, o.kind, o.replicas, detail)
	}
	p("")
	p("load:")
	for _, l := range loads {
		p("  - name: %s", l.name)
		p("    target: proxy/%s", l.target)
		p("    protocol: %s", l.protocol)
		p("    connections: {pool: 10}")
		switch l.protocol {
		case "http1":
			if l.host != "" {
				p("    host: %q", l.host)
			}
			if len(l.paths) > 1 {
				p("    # One for each path that the configuration has conditions about.")
				p("    requests:")
				for i, path := range l.paths {
					p("      - {name: path-%d, path: %q}", i+1, path)
				}
			}
		case "tcp":
			p("    tcp: {exchanges: [{echo: 64B}]}")
		case "redis":
			p("    redis: {commands: [{name: ping, command: PING}]}")
		}
		p("    phases:")
		p("      - {name: warmup, rate: %d/s, for: 2s, measure: false}", l.rate)
		p("      - {name: steady, rate: %d/s, for: 10s}", l.rate)
	}
	p("")
	p("events:")
	p("  - {at: steady+4s, do: proxy.reload}")
	p("")
	p("objectives:")
	p("  - \"errors < 1%%\"")
	p("  - \"response.p99 < 500ms\"")
	return []byte(b.String())
}
