package difftest

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// publishedWords are what a configuration tells requests apart by.
type publishedWords struct {
	dir                             string
	hosts, paths, methods, queries  []string
	fields, cookies, authorizations []string
}

func newPublishedWords(dir string) publishedWords {
	return publishedWords{dir: dir, hosts: []string{"example.test", "www.example.test:8080"}, paths: []string{"/", "/index.html", "/static/app.js"}, methods: []string{"GET", "GET", "GET", "HEAD", "POST"}}
}

var (
	fetchForm   = regexp.MustCompile(`^([a-z0-9._]+)(?:\(([^(),]*)[^()]*\))?(.*)$`)
	mapForm     = regexp.MustCompile(`map[a-z_]*\(([^,()]+)`)
	regexpSigns = strings.NewReplacer(`\.`, ".", `\/`, "/", "^", "", "$", "", ".*", "any", ".+", "any", "(", "", ")", "", "?", "", "[^/]+", "x", "[0-9]+", "7", `\d+`, "7", "[a-z]+", "abc", "+", "", "*", "", `\`, "", "[", "", "]", "")
)

// take reads the words of a line that requests may match.
func (p *publishedWords) take(words []string) {
	if len(words) < 2 {
		return
	}
	for _, m := range mapForm.FindAllStringSubmatch(strings.Join(words, " "), -1) {
		for _, key := range p.file(m[1]) {
			p.hosts = append(p.hosts, key)
			p.paths = append(p.paths, "/"+strings.TrimPrefix(key, "/"))
		}
	}
	switch words[0] {
	case "acl":
		if len(words) > 2 {
			p.condition(words[2:])
		}
		return
	case "monitor-uri":
		p.paths = append(p.paths, words[1])
	case "stats":
		if words[1] == "uri" && len(words) > 2 {
			p.paths = append(p.paths, words[2], words[2]+";csv")
		}
		if words[1] == "auth" && len(words) > 2 {
			p.authorizations = append(p.authorizations, words[2])
		}
		if words[1] == "enable" {
			p.paths = append(p.paths, "/haproxy?stats")
		}
	case "user":
		if i := slices.Index(words, "insecure-password"); i > 0 && i+1 < len(words) {
			p.authorizations = append(p.authorizations, words[1]+":"+words[i+1])
		}
	case "cookie":
		p.cookies = append(p.cookies, words[1]+"=s1")
	case "server":
		if i := slices.Index(words, "cookie"); i > 0 && i+1 < len(words) {
			for _, c := range p.cookies {
				name, _, _ := strings.Cut(c, "=")
				p.cookies = append(p.cookies, name+"="+words[i+1])
				break
			}
		}
	}
	for i, w := range words {
		if w == "{" {
			if end := slices.Index(words[i:], "}"); end > 1 {
				p.condition(words[i+1 : i+end])
			}
		}
	}
}

// file are the first words of the lines of a file, the first ones.
func (p *publishedWords) file(name string) []string {
	text, err := os.ReadFile(filepath.Join(p.dir, name))
	if err != nil {
		return nil
	}
	var all []string
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 0 && f[0][0] != '#' && len(all) < 20 {
			all = append(all, f[0])
		}
	}
	return all
}

// condition reads an expression and its patterns.
func (p *publishedWords) condition(words []string) {
	m := fetchForm.FindStringSubmatch(strings.TrimLeft(words[0], "!"))
	if m == nil {
		return
	}
	name, arg, method := m[1], m[2], ""
	var patterns []string
	for i := 1; i < len(words); i++ {
		switch w := words[i]; {
		case w == "-m" && i+1 < len(words):
			i++
			method = words[i]
		case w == "-f" && i+1 < len(words):
			i++
			patterns = append(patterns, p.file(words[i])...)
		case w == "-i" || w == "-n" || w == "-u" || w == "-M" || w == "--":
		default:
			patterns = append(patterns, w)
		}
	}
	name = strings.TrimPrefix(strings.TrimPrefix(name, "req."), "capture.")
	base, suffix, _ := strings.Cut(name, "_")
	if method == "" {
		method = suffix
	}
	if len(patterns) == 0 {
		patterns = []string{"1"}
	}
	for _, w := range patterns {
		switch method {
		case "reg":
			w, _, _ = strings.Cut(w, "|")
			w = regexpSigns.Replace(w)
		case "beg":
			w += "x"
		case "end", "dom":
			w = "x" + w
		case "sub":
			w = "x" + w + "x"
		}
		if strings.ContainsAny(w, " \r\n\t{}\"<>^`|") {
			continue
		}
		switch {
		case (base == "hdr" || base == "fhdr" || base == "shdr") && strings.EqualFold(arg, "host") || name == "ssl_fc_sni":
			p.hosts = append(p.hosts, w)
		case base == "hdr" || base == "fhdr":
			p.fields = append(p.fields, arg+": "+w)
		case base == "path" || base == "url" && method != "ip" || base == "base" || base == "pathq":
			if method == "end" || method == "sub" || !strings.HasPrefix(w, "/") {
				w = "/" + strings.TrimPrefix(w, "/")
			}
			p.paths = append(p.paths, w)
		case base == "method":
			p.methods = append(p.methods, strings.TrimPrefix(w, "x"))
		case base == "cook":
			p.cookies = append(p.cookies, arg+"="+w)
		case base == "urlp" || strings.HasPrefix(name, "url_param"):
			p.queries = append(p.queries, arg+"="+w)
		}
	}
}

// publishedAsk is what a client sends on one connection.
type publishedAsk struct {
	bind   int
	source string // said in a PROXY header
	host   string
	texts  []string
	heads  []bool
}

// publishedRequests is how many requests a configuration is asked.
const publishedRequests = 30

// asks draws the requests.
func (p *publishedWords) asks(r *rand.Rand, binds []int) []*publishedAsk {
	pick := func(all []string) string { return all[r.IntN(len(all))] }
	var all []*publishedAsk
	for i := range publishedRequests {
		a := &publishedAsk{bind: binds[i%len(binds)], source: pick([]string{"203.0.113.9", "127.0.0.1", "10.1.2.3", "192.168.1.7"}), host: pick(p.hosts)}
		if r.IntN(4) == 0 {
			a.host = "example.test"
		}
		for range 1 + r.IntN(2) {
			text, head := p.request(r, a.host, len(all))
			a.texts, a.heads = append(a.texts, text), append(a.heads, head)
		}
		all = append(all, a)
	}
	return all
}

// request draws a request.
func (p *publishedWords) request(r *rand.Rand, host string, n int) (text string, head bool) {
	pick := func(all []string) string { return all[r.IntN(len(all))] }
	often := func(percent int) bool { return r.IntN(100) < percent }
	method, path, version := pick(p.methods), pick(p.paths), "1.1"
	if often(20) {
		path = strings.TrimSuffix(path, "/") + pick([]string{"/sub/page.php", "/a%20b/..%2fc", "//x", "/.", "/image.png"})
	}
	sign := "?"
	if strings.Contains(path, "?") {
		sign = "&"
	}
	if len(p.queries) > 0 && often(50) {
		path += sign + pick(p.queries)
	} else if often(25) {
		path += sign + "a=1&b=two%20words"
	}
	if often(8) {
		method = pick([]string{"PUT", "DELETE", "OPTIONS", "PATCH", "BREW"})
	}
	if often(5) {
		version = "1.0"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/%s\r\nHost: %s\r\nX-Want: %d\r\n", method, path, version, host, (n+r.IntN(3))%len(publishedAnswers))
	field := func(percent int, texts ...string) {
		if often(percent) {
			b.WriteString(pick(texts) + "\r\n")
		}
	}
	field(50, "User-Agent: Mozilla/5.0 (X11; Linux x86_64)", "User-Agent: curl/7.88.1", "User-Agent: Googlebot/2.1", "user-agent: sqlmap/1.7")
	field(25, "X-Forwarded-For: 198.51.100.7", "X-Forwarded-For: 10.0.0.1, 192.0.2.1", "X-Real-IP: 10.9.9.9", "Forwarded: for=192.0.2.60;proto=http")
	field(15, "X-Forwarded-Proto: https", "X-Forwarded-Proto: http", "X-Forwarded-Port: 443", "X-Forwarded-Host: other.example")
	field(20, "Accept-Encoding: gzip", "Accept-Encoding: gzip, deflate, br")
	field(10, "Origin: https://app.example.test", "Referer: http://www.example.test/x", "Accept-Language: de,en;q=0.5")
	field(8, "If-None-Match: \"v1\"", "Range: bytes=0-3", "Cache-Control: no-cache", "Proxy: evil", "X-Request-ID: abc")
	field(4, "Connection: close", "Connection: keep-alive")
	if len(p.fields) > 0 {
		field(60, p.fields...)
	}
	if len(p.cookies) > 0 {
		field(50, "Cookie: "+pick(p.cookies), "Cookie: theme=dark; "+pick(p.cookies)+"; last=1")
	} else {
		field(10, "Cookie: sid=abc; theme=dark")
	}
	if len(p.authorizations) > 0 {
		field(60, "Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte(pick(p.authorizations))))
	}
	body := ""
	switch {
	case method == "POST" || method == "PUT" || method == "PATCH":
		body = pick([]string{"a=1&user=me", `{"name":"x","list":[1,2]}`, strings.Repeat("long body ", 300)})
		field(100, "Content-Type: application/x-www-form-urlencoded", "Content-Type: application/json")
		if version == "1.1" && often(30) {
			b.WriteString("Transfer-Encoding: chunked\r\n")
			body = fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body)
		} else {
			fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
		}
	}
	return b.String() + "\r\n" + body, method == "HEAD"
}

// publishedAnswers are what the origin answers, as X-Want says.
var publishedAnswers = []string{
	"HTTP/1.1 200 OK\r\nServer: nginx/1.22\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 1900\r\n\r\n" + strings.Repeat("<p>hello, here</p>\n", 100),
	"HTTP/1.1 200 OK\r\nServer: Apache\r\nX-Powered-By: PHP/8.2\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{\"a\":1,\r\n6\r\n\"b\":2}\r\n0\r\n\r\n",
	"HTTP/1.1 200 OK\r\nSet-Cookie: JSESSIONID=abc123; Path=/\r\nSet-Cookie: SERVERID=s1\r\nCache-Control: private\r\nContent-Length: 2\r\n\r\nok",
	"HTTP/1.1 302 Found\r\nLocation: http://www.example.test/login\r\nContent-Length: 0\r\n\r\n",
	"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nlost\n",
	"HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nCache-Control: max-age=60\r\nVary: Accept-Encoding\r\nContent-Type: text/css\r\nContent-Length: 11\r\n\r\nbody{top:0}",
	"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\n\r\noops",
	"HTTP/1.1 204 No Content\r\nAccess-Control-Allow-Origin: *\r\n\r\n",
	"HTTP/1.1 304 Not Modified\r\nETag: \"v1\"\r\n\r\n",
	"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 4\r\n\r\nbusy",
	"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 2\r\n\r\nno",
}
