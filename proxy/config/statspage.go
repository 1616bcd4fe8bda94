package config

import (
	"slices"
	"strings"
	"time"

	"bench/proxy/rule"
	"bench/proxy/spec"
	"bench/proxy/txn"
)

// What a statistics page is where nothing is said about it.
const (
	defaultPageURI   = "/haproxy?stats"
	defaultPageRealm = "HAProxy Statistics"
)

// statsDraft is a statistics page as far as it has been read.
type statsDraft struct {
	spec.StatsPage
	pos      spec.Pos // of the first line
	showDesc bool
	auth     opt[string] // the first line with accounts or a realm
	final    bool        // the last rule about access has no condition
}

// statsPageKeywords are the statistics page of proxies (configuration manual, section
// 4.2). Each of them makes a proxy have one, and the first in a proxy makes it have none
// of what the defaults say about it.
func statsPageKeywords() []keyword {
	const cond = " [{ if | unless } <condition>]"
	flag := func(name, doc string, set func(*statsDraft)) keyword {
		return keyword{name: name, scope: inAny, doc: doc, read: func(l *line) {
			l.only(0)
			set(l.page())
		}}
	}
	one := func(name, args, what, doc string, set func(*line, *statsDraft, word)) keyword {
		return keyword{name: name, args: args, scope: inAny, doc: doc, read: func(l *line) {
			if l.arity(1, maxWords, what) {
				l.only(1)
				set(l, l.page(), l.args[0])
			}
		}}
	}
	const own = inFront | inBack
	return []keyword{
		{name: "stats admin", args: "{ if | unless } <condition>", scope: own, strict: true, doc: "Let the statistics page change the state of servers if the condition holds.", read: readStatsAdmin},
		one("stats auth", "<user>:<password>", "a user and a password", "Let this account see the statistics page, and nobody without an account.", readStatsAuth),
		flag("stats enable", "Serve a statistics page, at /haproxy?stats.", func(*statsDraft) {}),
		flag("stats hide-version", "Do not say on the statistics page which version this is.", func(d *statsDraft) { d.HideVersion = true }),
		{name: "stats http-request", args: "{ allow | deny | auth [realm <realm>] }" + cond, scope: own, strict: true, doc: "Who may see the statistics page; the first rule that applies counts.", read: readStatsAccess},
		one("stats realm", "<realm>", "a realm", "What browsers say the password is for.", func(l *line, d *statsDraft, w word) {
			d.Realm = w.text
			l.noteAuth(d)
		}),
		one("stats refresh", "<time>", "a time", "How often browsers reload the statistics page.", func(l *line, d *statsDraft, w word) {
			if t, ok := l.duration(w, time.Second); ok {
				d.Refresh = t
			}
		}),
		one("stats scope", "{ <proxy> | . }", "a proxy", "Show this proxy, and others only if they are named so; a dot is the proxy at hand.", func(_ *line, d *statsDraft, w word) {
			d.Scope = append(slices.Clip(d.Scope), w.text)
		}),
		{name: "stats show-desc", args: "[<text>...]", scope: inAny, doc: "Show a description, that of the global section unless another is given.", read: func(l *line) {
			d := l.page()
			d.showDesc, d.Description = true, ""
			if len(l.args) > 0 {
				d.Description = joinWords(l.args)
			} else if l.p.global.Description == "" {
				d.showDesc = false
				l.warn(l.head, "'stats show-desc' has no effect without a text of its own, or 'description' in the global section")
			}
		}},
		flag("stats show-legends", "Show numbers, addresses and cookies on the statistics page.", func(d *statsDraft) { d.ShowLegends = true }),
		flag("stats show-modules", "Show counters of protocols on the statistics page.", func(d *statsDraft) { d.ShowModules = true }),
		{name: "stats show-node", args: "[<name>]", scope: inAny, doc: "Show the name of the node, that of the global section unless another is given.", read: readShowNode},
		one("stats uri", "<prefix>", "the beginning of a URI", "Where the statistics page is: at all targets that begin so.", func(_ *line, d *statsDraft, w word) { d.URI = w.text }),
	}
}

// only warns about arguments behind the first n, which the reference overlooks.
func (l *line) only(n int) {
	if len(l.args) > n {
		l.warn(l.args[n], "'%s' ignores '%s' and what follows it: put text with blanks in quotes", l.kw.name, l.args[n].text)
	}
}

// page is the statistics page that the line is about.
func (l *line) page() *statsDraft {
	s := l.sect
	switch set := &s.settings; {
	case !s.ownPage && s.kind == inDefaults && set.page != nil:
		d := *set.page // defaults that are made from others add to them
		set.page = &d
	case !s.ownPage:
		set.page = &statsDraft{pos: l.pos, StatsPage: spec.StatsPage{URI: defaultPageURI, Realm: defaultPageRealm}}
	}
	s.ownPage = true
	return s.settings.page
}

func readStatsAdmin(l *line) {
	if !l.arity(1, maxWords, "'if' or 'unless', and a condition") {
		return
	}
	if w := l.args[0]; w.text != "if" && w.text != "unless" {
		l.fail(w, "'stats admin' expects 'if' or 'unless', not '%s'", w.text)
		return
	}
	at, where := l.requestSteps()
	if c, ok := l.cond(at, where, 0); ok {
		d := l.page()
		d.Admin = append(d.Admin, c)
	}
}

// requestSteps are those at which rules about requests run in the section.
func (l *line) requestSteps() (txn.Steps, string) { return l.steps(rule.Request) }

func readStatsAuth(l *line, d *statsDraft, w word) {
	name, password, ok := strings.Cut(w.text, ":")
	if !ok || name == "" {
		l.fail(w, "'stats auth' expects a user and a password with a colon between them, as admin:secret")
		return
	}
	l.noteAuth(d)
	// Of accounts with the same name the first one counts.
	if !slices.ContainsFunc(d.Accounts, func(a spec.Account) bool { return a.Name == name }) {
		d.Accounts = append(slices.Clip(d.Accounts), spec.Account{Name: name, Password: password})
	}
}

func (l *line) noteAuth(d *statsDraft) {
	if !d.auth.set {
		d.auth.put(l.text, l.pos)
	}
}

// readStatsAccess reads a rule about who may see the page.
func readStatsAccess(l *line) {
	if !l.arity(1, maxWords, "'allow', 'deny' or 'auth'") {
		return
	}
	r := spec.StatsAccess{Realm: defaultPageRealm}
	used := 1
	switch w := l.args[0]; w.text {
	case "allow":
	case "deny":
		r.Action = spec.StatsDeny
	case "auth":
		r.Action = spec.StatsAuth
		if len(l.args) > 1 && l.args[1].text == "realm" {
			if len(l.args) < 3 {
				l.missing("a realm after 'realm'")
				return
			}
			r.Realm, used = l.args[2].text, 3
		}
	default:
		l.unknown(w, "action", []string{"allow", "deny", "auth"})
		return
	}
	if len(l.args) > used {
		if w := l.args[used]; w.text != "if" && w.text != "unless" {
			l.fail(w, "'stats http-request %s' expects 'if' or 'unless', not '%s'", l.args[0].text, w.text)
			return
		}
		at, where := l.requestSteps()
		var ok bool
		if r.Cond, ok = l.cond(at, where, used); !ok {
			return
		}
	}
	d := l.page()
	if d.final {
		l.warn(l.head, "'stats http-request' is never reached: the rule before it has no condition")
	}
	d.final = r.Cond == nil
	d.Access = append(d.Access, r)
}

func readShowNode(l *line) {
	l.only(1)
	d := l.page()
	d.ShowNode, d.Node = true, ""
	if len(l.args) == 0 {
		return
	}
	w := l.args[0]
	bad := strings.IndexFunc(w.text, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.", r)
	})
	if bad >= 0 {
		l.fail(w, "'stats show-node' expects a name of letters, digits, '-', '_' and '.', not '%s'", w.text)
		return
	}
	d.Node = w.text
}

// statsPage makes the page of a proxy of what was read.
func (p *parser) statsPage(d *statsDraft) *spec.StatsPage {
	if d == nil {
		return nil
	}
	page := d.StatsPage
	if d.showDesc && page.Description == "" {
		page.Description = p.global.Description
	}
	if d.auth.set && len(page.Access) > 0 {
		p.report(Diagnostic{Severity: Alert, Pos: d.auth.pos, Word: "stats", Source: d.auth.val, Msg: "'stats auth' and 'stats realm' cannot be used beside 'stats http-request': it says itself who may see the page"})
	}
	return &page
}
