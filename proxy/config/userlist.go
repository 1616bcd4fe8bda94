package config

import (
	"fmt"
	"strings"

	"bench/internal/nearest"
	"bench/proxy/auth"
	"bench/proxy/spec"
)

// userlistDraft is a "userlist" section as far as it has been read: users may come
// before the groups they name, and groups before their users.
type userlistDraft struct {
	list    *auth.List
	pos     spec.Pos
	groups  map[string]bool
	names   []string // of groups, in order
	members []membership
	text    string
	used    bool // something asks for passwords of the list
}

// membership is a user in a group, as one of the two says it.
type membership struct {
	user, group string
	ofGroup     bool // the group says it
	pos         spec.Pos
	text        string
}

// userlistKeywords are those of "userlist" sections (configuration manual, section
// 3.4).
func userlistKeywords() []keyword {
	return []keyword{
		{name: "group", args: "<name> [users <user>,...]", scope: inUserlist, doc: "A group of users.", read: readUserGroup},
		{name: "user", args: "<name> [{ password | insecure-password } <text>] [groups <group>,...]", scope: inUserlist, doc: "A user, with a password hashed by crypt(3) ($1$, $2y$, $5$, $6$), or a plain one.", read: readListUser},
	}
}

func (p *parser) beginUserlist(l *line, name word) {
	if d := p.others.userlists[name.text]; d != nil {
		l.twice(name, d.pos)
	}
	d := &userlistDraft{list: auth.NewList(name.text), pos: l.pos, text: l.text, groups: map[string]bool{}}
	if p.others.userlists == nil {
		p.others.userlists = map[string]*userlistDraft{}
	}
	p.others.userlists[name.text], p.others.users = d, d
}

func readUserGroup(l *line) {
	if !l.arity(1, 3, "a name") {
		return
	}
	d, name := l.p.others.users, l.args[0]
	if d.groups[name.text] {
		l.fail(name, "group '%s' is already defined in userlist '%s'", name.text, d.list.Name)
		return
	}
	d.groups[name.text] = true
	d.names = append(d.names, name.text)
	if len(l.args) == 1 {
		return
	}
	if l.args[1].text != "users" {
		l.unknown(l.args[1], "argument", []string{"users"})
		return
	}
	if len(l.args) == 2 {
		l.missing("users after 'users', separated by commas")
		return
	}
	for u := range strings.SplitSeq(l.args[2].text, ",") {
		d.members = append(d.members, membership{strings.TrimSpace(u), name.text, true, l.at(l.args[2]), l.text})
	}
}

func readListUser(l *line) {
	if !l.arity(1, maxWords, "a name") {
		return
	}
	d, name := l.p.others.users, l.args[0]
	u := d.list.Add(name.text)
	if u == nil {
		l.fail(name, "user '%s' is already defined in userlist '%s'", name.text, d.list.Name)
		return
	}
	for rest := l.args[1:]; len(rest) > 0; rest = rest[2:] {
		what := rest[0]
		if what.text != "password" && what.text != "insecure-password" && what.text != "groups" {
			l.unknown(what, "argument", []string{"password", "insecure-password", "groups"})
			return
		}
		if len(rest) < 2 {
			l.missing("a value after '" + what.text + "'")
			return
		}
		switch v := rest[1]; what.text {
		case "password":
			h, err := auth.ParseHash(v.text)
			if err != nil {
				l.fail(v, "the password of user '%s' cannot be used: %v", name.text, err)
				return
			}
			u.SetHash(h)
		case "insecure-password":
			u.SetPassword(v.text)
		case "groups":
			for g := range strings.SplitSeq(v.text, ",") {
				d.members = append(d.members, membership{name.text, strings.TrimSpace(g), false, l.at(v), l.text})
			}
		}
	}
}

// resolveUserlist makes users members of their groups.
func (p *parser) resolveUserlist(d *userlistDraft) {
	if !d.used {
		p.report(Diagnostic{Severity: Warning, Pos: d.pos, Word: d.list.Name, Source: d.text, Msg: fmt.Sprintf("userlist '%s' has no effect: nothing asks for a password of its users", d.list.Name)})
	}
	for _, m := range d.members {
		report := func(word, suggestion, format string, a ...any) {
			p.report(Diagnostic{Severity: Alert, Pos: m.pos, Word: word, Msg: fmt.Sprintf(format, a...), Suggestion: suggestion, Source: m.text})
		}
		u := d.list.User(m.user)
		switch {
		case u == nil:
			report(m.user, nearest.Word(m.user, d.list.Names()), "there is no user '%s' in userlist '%s', but group '%s' has them", m.user, d.list.Name, m.group)
		case !d.groups[m.group]:
			report(m.group, nearest.Word(m.group, d.names), "there is no group '%s' in userlist '%s', but user '%s' is in it", m.group, d.list.Name, m.user)
		default:
			u.Join(m.group)
		}
	}
}
