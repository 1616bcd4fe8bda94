package config

import (
	"cmp"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"bench/internal/testpeer"
)

// The configurations that are always tried have been made at random once, and are kept, so
// that they stay the same whatever the tables come to have. With the variable as many new
// ones are tried, of another seed with the other one.
const (
	randomFile       = "testdata/random.txt"
	randomKept       = 60
	randomConfigsVar = "BENCH_RANDOM_CONFIGS"
	randomSeedVar    = "BENCH_RANDOM_SEED"
)

// trial is a configuration in which some lines are tried.
type trial struct {
	title string // what newTrial makes it of
	parts []trialPart
}

// trialPart is a section with the lines that are tried in it, between those that are
// there for others to refer to.
type trialPart struct {
	kind        scope
	head, tail  string
	tried       []string
	conditional bool // the lines stand in .if
}

func (c *trial) text() string {
	var b strings.Builder
	for i := range c.parts {
		p := &c.parts[i]
		b.WriteString(p.head)
		if p.conditional && len(p.tried) > 0 {
			b.WriteString(".if defined(PATH) && !streq(a,b)\n")
		}
		for _, line := range p.tried {
			b.WriteString("  " + line + "\n")
		}
		if p.conditional && len(p.tried) > 0 {
			b.WriteString(".else\n  nosuch\n.endif\n")
		}
		b.WriteString(p.tail)
	}
	return b.String()
}

// lines are those that are tried.
func (c *trial) lines() string {
	var all []string
	for i := range c.parts {
		for _, line := range c.parts[i].tried {
			all = append(all, kindName(c.parts[i].kind)+": "+line)
		}
	}
	return strings.Join(all, "\n")
}

// newTrial is a configuration without any such line: the title has the mode, perhaps the name
// of the defaults, and whether proxies name those.
func newTrial(dir, title string) *trial {
	mode, named, _ := strings.Cut(title, " ")
	from := ""
	if name, ok := strings.CutSuffix(named, " from"); ok {
		named, from = name, " from "+name
	}
	const acls = "  acl known src 127.0.0.1\n  acl known2 dst_port 80\n"
	return &trial{title: title, parts: []trialPart{
		{kind: inGlobal, head: "global\n  localpeer me\n  stats socket /tmp/s.sock\n"},
		{kind: inDefaults, head: "defaults " + named + "\n  mode " + mode + "\n  timeout client 5s\n  timeout server 5s\n  timeout connect 5s\n", tail: `
userlist ul
  group g1 users u1
  user u1 insecure-password x
http-errors pages
  errorfile 404 ` + dir + `/page.http
cache c1
  total-max-size 4
  max-age 60
resolvers r1
  nameserver n1 127.0.0.1:53
peers p1
  peer me 127.0.0.1:10001
ring r1
  size 32768
`},
		{kind: inFrontend, head: "frontend fe" + from + "\n  bind 127.0.0.1:8081\n" + acls + "  declare capture request len 32\n", tail: "  default_backend be\n"},
		{kind: inBackend, head: "backend be" + from + "\n" + acls + "  server s1 127.0.0.1:81\n"},
		{kind: inBackend, head: "backend other" + from + "\n  stick-table type ip size 1k expire 1h store conn_cnt,conn_cur,conn_rate(10s),http_req_rate(10s),http_req_cnt,gpc0,gpc1,gpt0,gpc0_rate(10s),http_err_rate(10s)\n", tail: "  server s2 127.0.0.1:82\n"},
		{kind: inListen, head: "listen li" + from + "\n  bind 127.0.0.1:8082\n" + acls, tail: "  server s1 127.0.0.1:83\n"},
	}}
}

// trial makes a configuration.
func (m *lineMaker) trial() *trial {
	m.fresh = 0
	c := newTrial(m.dir, m.one("http", "http", "http", "tcp")+m.one("", "", "", " d1", " d1 from"))
	for range 1 + m.rnd.IntN(3) {
		p := &c.parts[[]int{0, 1, 2, 2, 3, 3, 4, 5, 5}[m.rnd.IntN(9)]]
		p.conditional = m.chance(5)
		p.tried = append(p.tried, m.line(p.kind))
	}
	return c
}

// readTrials reads what writeTrials has written: titles behind an equals sign, lines behind
// the number of their section.
func readTrials(t *testing.T, dir string) []*trial {
	t.Helper()
	text, err := os.ReadFile(randomFile)
	if err != nil {
		t.Fatal(err)
	}
	var all []*trial
	for line := range strings.Lines(strings.ReplaceAll(string(text), "DIR", dir)) {
		line = strings.TrimSuffix(line, "\n")
		if title, ok := strings.CutPrefix(line, "= "); ok {
			all = append(all, newTrial(dir, title))
			continue
		}
		number, line, _ := strings.Cut(line, " ")
		part, err := strconv.Atoi(strings.TrimSuffix(number, "?"))
		if err != nil {
			t.Fatal(err)
		}
		p := &all[len(all)-1].parts[part]
		p.tried, p.conditional = append(p.tried, line), strings.HasSuffix(number, "?")
	}
	return all
}

func writeTrials(t *testing.T, dir string, all []*trial) {
	t.Helper()
	var b strings.Builder
	for _, c := range all {
		b.WriteString("= " + c.title + "\n")
		for i := range c.parts {
			mark := ""
			if c.parts[i].conditional {
				mark = "?"
			}
			for _, line := range c.parts[i].tried {
				b.WriteString(strconv.Itoa(i) + mark + " " + strings.ReplaceAll(line, dir, "DIR") + "\n")
			}
		}
	}
	if err := os.WriteFile(randomFile, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// opinion is what a program thinks of a configuration.
type opinion struct {
	refused, warned bool
	messages        string
}

func (o opinion) String() string {
	switch {
	case o.refused:
		return "refuses"
	case o.warned:
		return "warns"
	}
	return "accepts"
}

// opinionHere is the engine's.
func opinionHere(text string) opinion {
	env := SystemEnv("2.6.12")
	env.Resolve = testEnv().Resolve
	_, diags := Load([]Source{{Name: "t.cfg", Text: []byte(text)}}, env)
	o := opinion{refused: diags.HasErrors(), warned: diags.Count(Warning) > 0}
	for i := range diags {
		if diags[i].Severity == Alert || diags[i].Severity == Warning && !o.refused {
			o.messages += diags[i].Error() + "\n"
		}
	}
	return o
}

// theirMessage is a line that HAProxy writes, with its severity and what it says.
var theirMessage = regexp.MustCompile(`^\[(ALERT|WARNING)\] +\(\d+\) : (?:config : )?(?:parsing )?(?:\[[^]]*\] : )?(.*)`)

// opinionThere is HAProxy's.
func opinionThere(haproxy, dir, text string) (opinion, error) {
	f, err := os.CreateTemp(dir, "*.cfg")
	if err != nil {
		return opinion{}, err
	}
	defer os.Remove(f.Name())
	if _, err := f.WriteString(text); err != nil {
		return opinion{}, err
	}
	if err := f.Close(); err != nil {
		return opinion{}, err
	}
	out, err := exec.Command(haproxy, "-c", "-f", f.Name()).CombinedOutput()
	o := opinion{refused: err != nil, warned: strings.Contains(string(out), "[WARNING]")}
	for line := range strings.Lines(string(out)) {
		if m := theirMessage.FindStringSubmatch(line); m != nil && (m[1] == "ALERT" || !o.refused) && !strings.HasPrefix(m[2], "Fatal errors found") && !strings.HasPrefix(m[2], "Error(s) found") {
			o.messages += m[2] + "\n"
		}
	}
	return o, nil
}

// expected is why the two differ about a configuration, "" if nothing says so.
func expected(c *trial, here, there opinion) string {
	for i := range randomReasons {
		r := &randomReasons[i]
		if (r.lines == nil || r.lines.MatchString(c.lines())) && (r.here == nil || r.here.MatchString(here.messages)) && (r.there == nil || r.there.MatchString(there.messages)) {
			return r.why
		}
	}
	return ""
}

// reduced is a configuration without the lines that make no difference to a difference.
func (c *trial) reduced(differs func(*trial) bool) *trial {
	for part := 0; part < len(c.parts); part++ {
		for at := 0; at < len(c.parts[part].tried); {
			less := &trial{title: c.title, parts: slices.Clone(c.parts)}
			less.parts[part].tried = slices.Delete(slices.Clone(c.parts[part].tried), at, at+1)
			if differs(less) {
				c = less
			} else {
				at++
			}
		}
	}
	return c
}

// disagreement is a configuration that one program accepts and the other refuses.
type disagreement struct {
	c           *trial
	here, there opinion
}

// trialsToMake are those that are kept, or new ones.
func trialsToMake(t *testing.T, dir string) []*trial {
	t.Helper()
	n, err := strconv.Atoi(os.Getenv(randomConfigsVar))
	switch {
	case err == nil:
	case *update:
		n = randomKept
	default:
		return readTrials(t, dir)
	}
	seed, err := strconv.ParseUint(os.Getenv(randomSeedVar), 10, 64)
	if err != nil {
		seed = 1
	}
	m := newLineMaker(seed, dir)
	trials := make([]*trial, n)
	for i := range trials {
		trials[i] = m.trial()
	}
	if *update {
		writeTrials(t, dir, trials)
	}
	return trials
}

// TestRandomLikeHAProxy asks both programs whether they accept configurations that were made
// out of the tables of the language.
func TestRandomLikeHAProxy(t *testing.T) {
	haproxy := testpeer.Need(t, "haproxy")
	dir := t.TempDir()
	for name, text := range map[string]string{
		"list.txt": "10.0.0.1\n10.0.0.2\n", "map.txt": "a b\nc d\n", "case.txt": "content-length Content-Length\n", "script.lua": "core.Info('x')\n",
		"page.http": "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nno",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	trials := trialsToMake(t, dir)
	n := len(trials)
	work := make(chan *trial, n)
	for _, c := range trials {
		work <- c
	}
	close(work)
	var mu sync.Mutex
	var all []disagreement
	same, warnedAlike, accepted := 0, 0, 0
	var workers sync.WaitGroup
	for range 2 {
		workers.Go(func() {
			for c := range work {
				ask := func(c *trial) disagreement {
					text := c.text()
					there, err := opinionThere(haproxy, dir, text)
					if err != nil {
						t.Error(err)
					}
					return disagreement{c, opinionHere(text), there}
				}
				d := ask(c)
				agree := d.here.refused == d.there.refused
				if !agree {
					d = ask(c.reduced(func(c *trial) bool { d := ask(c); return d.here.refused != d.there.refused }))
				}
				mu.Lock()
				if agree {
					same++
					if d.here.warned == d.there.warned {
						warnedAlike++
					}
					if !d.there.refused {
						accepted++
					}
				}
				if !agree {
					all = append(all, d)
				}
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	explained := map[string]int{}
	for _, d := range all {
		if why := expected(d.c, d.here, d.there); why != "" {
			explained[why]++
			continue
		}
		t.Errorf("it %s, HAProxy %s:\n%s\nhere:  %sthere: %s", d.here, d.there, d.c.lines(), d.here.messages, d.there.messages)
	}
	t.Logf("of %d configurations the programs agree on %d (%.1f %%), %d of which they accept; they agree on warnings in %d", n, same, 100*float64(same)/float64(n), accepted, warnedAlike)
	for _, why := range slices.SortedFunc(maps.Keys(explained), func(a, b string) int { return cmp.Compare(explained[b], explained[a]) }) {
		t.Logf("%5d  %s", explained[why], why)
	}
}

// randomReason is a difference on purpose, found in random configurations: in the lines, and
// what one of the programs says about them.
type randomReason struct {
	lines, here, there *regexp.Regexp
	why                string
}

// randomReasons are in the words of docs/DIFFERENCES.md, where that has them.
var randomReasons = []randomReason{
	{here: regexp.MustCompile(`is not supported|are those of Go`), why: "not supported, and refused by name"},
	{there: regexp.MustCompile(`unknown keyword 'tune\.(h2\.fe|quic|zlib)|unknown keyword '(profiling\.memory|guid)|is experimental, must|only supports 'sdbm', 'djb2', 'crc32', or 'wt6'|init-state|'no-verifyhost'`), why: "names of later versions and of other builds are accepted"},
	{lines: regexp.MustCompile(`sc-add-gpc|http-after-response capture|set-var-fmt`), there: regexp.MustCompile(`expects `), why: "actions of later versions are accepted"},
	{lines: regexp.MustCompile(`: '?"?default`), there: regexp.MustCompile(`cannot handle unexpected argument|unknown log facility`), why: "'default' before options works as the manual says"},
	{here: regexp.MustCompile(`expects (an|a small) integer|in octal like|expects a number|not a number|is not an HTTP method|expects a positive`), why: "what is not a number is refused; there it counts as zero"},
	{lines: regexp.MustCompile(`stats (admin|http-request)`), here: regexp.MustCompile(`unknown method|needs arguments|cannot be a range`), why: "mistakes in the conditions of 'stats' lines are mistakes here as well"},
	{lines: regexp.MustCompile(`log-format`), here: regexp.MustCompile(`has no value in logs`), why: "a format is checked even if nothing is ever logged"},
	{there: regexp.MustCompile(`is reserved for HTTP mode`), why: "formats about HTTP in mode tcp leave nothing, as samples do"},
	{here: regexp.MustCompile(`'stats auth' expects|is not a value for 'ver'`), why: "accounts have passwords, and versions begin with HTTP/"},
	{lines: regexp.MustCompile(`sc-(set|add)-g[a-z0-9]+\([0-9,]+\) -`), here: regexp.MustCompile(`unknown sample fetch '-`), why: "tags are not negative"},
	{here: regexp.MustCompile(`does not name a variable|belongs to health checks`), why: "variables of checks are named in checks only"},
	{here: regexp.MustCompile(`cannot be a range after`), why: "a comparison with a range is refused"},
	{lines: regexp.MustCompile(`%(\{[^}]*\})?(peers|mode)\b`), there: regexp.MustCompile(`no such format variable`), why: "log formats have names of their own besides"},
	{lines: regexp.MustCompile(`-check send`), there: regexp.MustCompile(`may not be reliably used here`), why: "fields of checks are checked where there are checks"},
	{lines: regexp.MustCompile(`thread-group|httpclient|cpu-map|tune.idletimer`), why: "what has no effect, or less, is looked at less closely"},
	{lines: regexp.MustCompile(`: id \d+\n.*: id \d+`), why: "a second number takes the place of the first"},
	{here: regexp.MustCompile(`is ignored in a '`), why: "a line that is ignored where it stands is not read"},
	{there: regexp.MustCompile(`Bad file descriptor|unable to load DH parameters`), why: "descriptors and DH parameters are not looked at before the start"},
	{there: regexp.MustCompile(`unable to (add|parse) headers`), why: "messages of its own need no room"},
	{here: regexp.MustCompile(`and cannot be an|which '-m [a-z]+' cannot compare|cannot take the`), why: "samples of a kind that never becomes what is asked for are refused; there the rule does nothing"},
	{here: regexp.MustCompile(`there is no section 'ring|there is no ring`), why: "rings that are logged to have to exist"},
	{there: regexp.MustCompile(`verify is enabled by default but no CA file`), lines: regexp.MustCompile(`-check connect`), why: "checks over TLS verify by the authorities of the system"},
	{there: regexp.MustCompile(`at line \d+ of file`), why: "'-f' before '-m' is read as '-m' says"},
}
