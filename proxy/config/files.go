package config

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"bench/internal/sock"
)

// fileKeywords are about files and unix sockets (configuration manual, section 3.1).
func fileKeywords() []keyword {
	return []keyword{
		{name: "default-path", args: "{ current | config | parent | origin <directory> }", scope: inGlobal, doc: "Directory of files whose names are relative: where the process was started, that of the file being read, the one above it, or another one.", read: readDefaultPath},
		{name: "unix-bind", args: "[prefix <prefix>] [mode <mode>] [user <user> | uid <uid>] [group <group> | gid <gid>]", scope: inGlobal, doc: "What the names of unix sockets of \"bind\" lines begin with, and their owner and access rights where the lines do not say.", read: readUnixBind},
	}
}

// unixBind is what bind lines that follow have in common for unix sockets.
type unixBind struct {
	prefix string
	opt    sock.ListenOptions // Mode and the owner
}

func readUnixBind(l *line) {
	if !l.arity(1, maxWords, "options") {
		return
	}
	u := &l.p.unixBind
	for rest := l.args; len(rest) > 0; rest = rest[2:] {
		what := rest[0]
		switch what.text {
		case "prefix", "mode", "user", "uid", "group", "gid":
		default:
			l.unknown(what, "argument", []string{"prefix", "mode", "user", "uid", "group", "gid"})
			return
		}
		if len(rest) < 2 {
			l.missing("a value after '" + what.text + "'")
			return
		}
		w := rest[1]
		switch what.text {
		case "prefix":
			u.prefix = w.text
		case "mode":
			if mode, ok := l.accessRights(w); ok {
				u.opt.Mode = mode
			}
		case "user", "uid", "group", "gid":
			l.readOwner(&u.opt, what.text, w)
		}
	}
}

// readOwner reads the owner of a unix socket.
func (l *line) readOwner(o *sock.ListenOptions, what string, w word) {
	id, ok := 0, false
	switch what {
	case "user":
		id, ok = l.lookUpUser(w)
	case "group":
		id, ok = l.lookUpGroup(w)
	default:
		id, ok = l.value(what, w, 0, 1<<31-1)
	}
	if !ok {
		return
	}
	own(o)
	if what == "user" || what == "uid" {
		o.UID = id
	} else {
		o.GID = id
	}
}

// accessRights reads those of a unix socket.
func (l *line) accessRights(w word) (os.FileMode, bool) {
	n, err := strconv.ParseUint(w.text, 8, 12)
	if err != nil {
		l.fail(w, "'mode' expects access rights in octal like 660, not '%s'", w.text)
		return 0, false
	}
	return os.FileMode(n), true
}

// own begins a change of owner.
func own(o *sock.ListenOptions) {
	if !o.ChangeOwner {
		o.ChangeOwner, o.UID, o.GID = true, -1, -1
	}
}

// basePath is where files with relative names are looked for.
type basePath struct {
	start string // where the process was when reading began; "" until it matters
	how   string // as in "default-path"
	dir   string // of "origin"
}

func readDefaultPath(l *line) {
	if !l.arity(1, 2, "current, config, parent or origin") {
		return
	}
	b := &l.p.base
	how, most := l.args[0], 1
	switch how.text {
	case "current", "config", "parent":
	case "origin":
		most = 2
	default:
		l.unknown(how, "argument", []string{"current", "config", "parent", "origin"})
		return
	}
	if !l.arity(most, most, "a directory") {
		return
	}
	if l.p.env.Chdir == nil {
		l.fail(how, "'default-path' cannot be used here: the directory of the process must not change")
		return
	}
	b.how, b.dir = how.text, ""
	if most == 2 {
		b.dir = l.args[1].text
	}
	if err := l.p.enterBase(l.pos.File); err != nil {
		l.fail(how, "'default-path': %v", err)
	}
}

// enterBase makes the directory current that names in a file are relative to.
func (p *parser) enterBase(file string) error {
	b := &p.base
	if b.how == "" {
		return nil
	}
	if b.start == "" {
		dir, err := os.Getwd()
		if err != nil {
			return err
		}
		b.start = dir
	}
	dir := b.start
	at := func(name string) string {
		if filepath.IsAbs(name) {
			return name
		}
		return filepath.Join(b.start, name)
	}
	switch b.how {
	case "config":
		dir = filepath.Dir(at(file))
	case "parent":
		dir = filepath.Dir(filepath.Dir(at(file)))
	case "origin":
		dir = at(b.dir)
	}
	return p.env.Chdir(dir)
}

// leaveBase goes back to where the process was.
func (p *parser) leaveBase() {
	if p.base.start == "" {
		return
	}
	if err := p.env.Chdir(p.base.start); err != nil {
		p.report(Diagnostic{Severity: Alert, Msg: "going back to the directory of the process: " + err.Error()})
	}
}

// path is a file name as it can be used when the configuration has been read: where names
// are relative to another directory than the process's, an absolute one.
func (p *parser) path(name string) string {
	if p.base.how == "" || name == "" || strings.HasPrefix(name, "@") {
		return name
	}
	if abs, err := filepath.Abs(name); err == nil {
		return abs
	}
	return name
}
