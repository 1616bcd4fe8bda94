package difftest

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"bench/proxy/config"
)

// rewritten is a published configuration as it can serve here: it listens on
// descriptors handed down, and every server is the one origin, each at an address of
// its own. Nothing of it leaves the machine.
type rewritten struct {
	text    string
	binds   []*publishedBind
	servers []string // names, in the order of their addresses
	words   publishedWords
}

// publishedBind is one address that the configuration listens on.
type publishedBind struct {
	section *publishedSection
	tls     bool
	proxied bool // a PROXY header comes first
}

// publishedSection is a proxy, or the defaults of some.
type publishedSection struct {
	name string
	http bool
}

// firstBind is the descriptor of the first address.
const firstBind = 3

// Options that bind to the machine of the operator, or to the clock: how many words
// follow.
var (
	bindLeftOut = map[string]int{
		"interface": 1, "tfo": 0, "v4v6": 0, "v6only": 0, "transparent": 0, "thread": 1, "process": 1, "mss": 1, "tcp-ut": 1,
		"namespace": 1, "user": 1, "group": 1, "mode": 1, "uid": 1, "gid": 1, "defer-accept": 0, "proto": 1,
	}
	serverLeftOut = map[string]int{
		"check": 0, "agent-check": 0, "resolvers": 1, "init-addr": 1, "resolve-prefer": 1, "resolve-net": 1, "resolve-opts": 1,
		"source": 1, "usesrc": 1, "interface": 1, "socks4": 1, "namespace": 1, "track": 1, "proto": 1, "tfo": 0,
	}
	globalLeftOut = []string{
		"chroot", "user", "group", "uid", "gid", "daemon", "pidfile", "nbthread", "nbproc", "cpu-map", "master-worker", "mworker-max-reloads",
		"ulimit-n", "stats", "thread-groups", "localpeer", "expose-fd", "numa-cpu-mapping", "set-dumpable", "server-state-base", "server-state-file", "maxconn", "fd-hard-limit",
	}
	shortWaits = map[string]string{"tarpit": "300", "connect": "1s", "queue": "1s"}
)

// originOf is the address of a server, below the origin's port.
func originOf(n int) string { return fmt.Sprintf("127.1.%d.%d", n/250, n%250+1) }

// rewrite makes the text; origin is the origin's port, logs that of the log.
func rewrite(path string, vars map[string]string, origin, logs int) (*rewritten, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := &rewritten{words: newPublishedWords(filepath.Dir(path))}
	var out strings.Builder
	kind, section := "", &publishedSection{}
	defaults := map[string]*publishedSection{}
	last := section
	out.WriteString("global\n    nbthread 1\n")
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\r\n")
		cut, err := config.Words(line, vars)
		if err != nil || len(cut) == 0 {
			out.WriteString(line + "\n")
			continue
		}
		words := make([]string, len(cut))
		for i, w := range cut {
			words[i] = w.Text
		}
		switch words[0] {
		case "global", "defaults", "frontend", "backend", "listen", "userlist", "peers", "mailers", "resolvers", "ring", "cache", "program", "http-errors", "log-forward", "fcgi-app":
			kind = words[0]
			named := ""
			if len(words) > 1 {
				named = words[1]
			}
			from := last
			if i := slices.Index(words, "from"); i > 0 && i+1 < len(words) && defaults[words[i+1]] != nil {
				from = defaults[words[i+1]]
			}
			switch kind {
			case "defaults":
				section = &publishedSection{}
				last, defaults[named] = section, section
			case "frontend", "listen", "backend":
				section = &publishedSection{name: named, http: from.http}
			}
		default:
			if kind == "program" {
				continue
			}
			if words = r.line(kind, section, words, origin, logs); words == nil {
				continue
			}
			r.words.take(words)
			if same(words, cut) {
				break
			}
			line = "    " + quoted(words)
		}
		if kind != "program" {
			out.WriteString(line + "\n")
		}
	}
	r.text = out.String()
	return r, nil
}

func same(words []string, cut []config.Word) bool {
	return slices.EqualFunc(words, cut, func(w string, c config.Word) bool { return w == c.Text })
}

// line is a line below a section as it can be here; nil: left out.
func (r *rewritten) line(kind string, section *publishedSection, words []string, origin, logs int) []string {
	nowhere := "127.0.0.1:9" // where nobody answers
	switch {
	case kind == "global" && slices.Contains(globalLeftOut, words[0]):
		return nil
	case words[0] == "log" && len(words) > 2:
		return append([]string{"log", fmt.Sprintf("127.0.0.1:%d", logs)}, words[2:]...)
	case words[0] == "mode" && len(words) > 1:
		section.http = words[1] == "http"
	case words[0] == "timeout" && len(words) > 2 && shortWaits[words[1]] != "":
		return []string{"timeout", words[1], shortWaits[words[1]]}
	case words[0] == "tcp-request" && len(words) > 2 && words[1] == "inspect-delay":
		return []string{"tcp-request", "inspect-delay", "300"}
	case words[0] == "balance" && len(words) > 1 && strings.HasPrefix(words[1], "random"):
		return []string{"balance", "roundrobin"}
	case words[0] == "source", words[0] == "load-server-state-from-file":
		return nil
	case kind == "resolvers" && words[0] == "nameserver" && len(words) > 2:
		return []string{"nameserver", words[1], nowhere}
	case kind == "resolvers" && words[0] == "parse-resolv-conf":
		return nil
	case (kind == "peers" || kind == "mailers") && len(words) > 2:
		return []string{words[0], words[1], nowhere}
	case words[0] == "bind" && len(words) > 1 && kind != "peers" && kind != "log-forward":
		if strings.HasPrefix(words[1], "quic") {
			return nil
		}
		n := firstBind + len(r.binds)
		words = append([]string{"bind", fmt.Sprintf("fd@%d", n)}, without(words[2:], bindLeftOut)...)
		r.binds = append(r.binds, &publishedBind{section: section, tls: slices.Contains(words, "ssl"), proxied: slices.Contains(words, "accept-proxy")})
	case kind == "log-forward" && (words[0] == "bind" || words[0] == "dgram-bind"):
		return []string{words[0], "127.0.0.1:0"}
	case kind == "ring" && words[0] == "server":
		return []string{"server", words[1], nowhere}
	case words[0] == "dispatch" && len(words) > 1:
		return []string{"dispatch", r.server("dispatch of "+section.name, origin)}
	case words[0] == "server" && len(words) > 2:
		return append([]string{"server", words[1], r.server(section.name+"/"+words[1], origin)}, without(words[3:], serverLeftOut)...)
	case words[0] == "server-template" && len(words) > 3:
		return append([]string{words[0], words[1], words[2], r.server(section.name+"/"+words[1], origin)}, without(words[4:], serverLeftOut)...)
	case words[0] == "default-server":
		if words = append([]string{words[0]}, without(words[1:], serverLeftOut)...); len(words) == 1 {
			return nil
		}
	}
	return words
}

// server gives the next server its address.
func (r *rewritten) server(name string, origin int) string {
	r.servers = append(r.servers, name)
	return fmt.Sprintf("%s:%d", originOf(len(r.servers)-1), origin)
}

func without(words []string, leftOut map[string]int) []string {
	var all []string
	for i := 0; i < len(words); i++ {
		if n, ok := leftOut[words[i]]; ok {
			i += n
			continue
		}
		all = append(all, words[i])
	}
	return all
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_.:/@,=*+%()\[\]{}?!&;<>|~^-]+$`)

// quoted writes words so that they are cut as they were.
func quoted(words []string) string {
	all := make([]string, len(words))
	for i, w := range words {
		if !plainWord.MatchString(w) {
			w = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
		all[i] = w
	}
	return strings.Join(all, " ")
}
