package config

import (
	"fmt"

	"bench/proxy/spec"
)

// programDraft is a "program" section as far as it has been read.
type programDraft struct {
	spec.Program
	text string // of the line that begins it
}

// programKeywords are those of "program" sections (configuration manual, section 3.7).
func programKeywords() []keyword {
	number := func(name, doc string, lookUp func(*line, word) (int, bool), field func(*spec.Program) *int) keyword {
		return keyword{name: name, args: "<name>", scope: inProgram, doc: doc, read: func(l *line) {
			if w, ok := l.one("a name"); ok {
				if id, ok := lookUp(l, w); ok {
					*field(l.program()) = id
				}
			}
		}}
	}
	return []keyword{
		{name: "command", args: "<path> [<argument>...]", scope: inProgram, doc: "The program that a master runs beside its workers.", read: func(l *line) {
			if l.arity(1, maxWords, "a program") {
				l.program().Command = nil
				for _, w := range l.args {
					l.program().Command = append(l.program().Command, w.text)
				}
			}
		}},
		number("user", "User that the program runs as.", (*line).lookUpUser, func(p *spec.Program) *int { return &p.UID }),
		number("group", "Group that the program runs as.", (*line).lookUpGroup, func(p *spec.Program) *int { return &p.GID }),
		{name: "option start-on-reload", no: true, scope: inProgram, doc: "Start the program again when the configuration is read again, as always but with \"no\".", read: func(l *line) {
			if l.arity(0, 0, "") {
				l.program().Once = l.no
			}
		}},
	}
}

// program is the section that the line belongs to.
func (l *line) program() *spec.Program {
	return &l.p.others.programs[len(l.p.others.programs)-1].Program
}

func (p *parser) beginProgram(l *line, name word) {
	for _, d := range p.others.programs {
		if d.Name == name.text {
			l.twice(name, d.Pos)
		}
	}
	p.others.programs = append(p.others.programs, &programDraft{spec.Program{Pos: l.pos, Name: name.text, UID: -1, GID: -1}, l.text})
}

// resolvePrograms checks that each section has a program to run.
func (p *parser) resolvePrograms() (list []*spec.Program) {
	for _, d := range p.others.programs {
		if len(d.Command) == 0 {
			p.report(Diagnostic{Severity: Alert, Pos: d.Pos, Word: d.Name, Source: d.text, Msg: fmt.Sprintf("section 'program %s' has no 'command'", d.Name)})
		}
		list = append(list, &d.Program)
	}
	return list
}
