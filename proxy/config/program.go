package config

const noPrograms = "no programs are started: leave that to the service manager"

// programKeywords are those of "program" sections (configuration manual, section 3.7).
func programKeywords() []keyword {
	rows := []keyword{
		{name: "command", args: "<path> [<argument>...]", doc: "The program to run beside the workers.", read: func(l *line) { l.arity(1, maxWords, "a program") }},
		{name: "user", args: "<name>", doc: "User that the program runs as.", read: func(l *line) {
			if w, ok := l.one("a user name"); ok {
				l.lookUpUser(w)
			}
		}},
		{name: "group", args: "<name>", doc: "Group that the program runs as.", read: func(l *line) {
			if w, ok := l.one("a group name"); ok {
				l.lookUpGroup(w)
			}
		}},
		{name: "option start-on-reload", no: true, doc: "Start the program again when the configuration is read again.", read: func(l *line) { l.arity(0, 0, "") }},
	}
	for i := range rows {
		rows[i].scope, rows[i].moot = inProgram, noPrograms
	}
	return rows
}

func (p *parser) beginProgram(l *line, name word) {
	l.once(name, &p.others.programs)
	l.without(noPrograms)
}

// without warns that the section which the line begins has no effect.
func (l *line) without(why string) {
	l.warn(l.head, "section '%s' is accepted without effect: %s", l.kw.name, why)
}
