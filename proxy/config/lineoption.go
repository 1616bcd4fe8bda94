package config

import (
	"slices"
	"time"

	"bench/internal/nearest"
)

// lineOption is one row of the options that follow a "bind" or a "server" and set
// something of a T.
type lineOption[T any] struct {
	name string
	args int // words it takes, 0 or 1
	read func(*line, *T, word)
	// more takes words that may follow, and returns those that are left.
	more func(*line, *T, []word) []word
	// inDefault: allowed in "default-server". atRunTime: allowed in "add server" of the
	// runtime API.
	inDefault, atRunTime bool
	// inert says what the engine does instead of honouring the option; its use is
	// a warning.
	inert string
	// note says what the engine does a little differently, where that is nothing to be
	// warned about; its use is a notice.
	note string
	// same: what the option asks for is what the engine does anyway.
	same bool
	doc  string
}

// numberOption sets a number within bounds.
func numberOption[T any](name string, least, most int64, doc string, field func(*T) *int) lineOption[T] {
	return lineOption[T]{name: name, args: 1, doc: doc, read: func(l *line, x *T, w word) {
		if n, ok := l.value(name, w, least, most); ok {
			*field(x) = n
		}
	}}
}

// timeOption sets a time.
func timeOption[T any](name, doc string, field func(*T) *time.Duration) lineOption[T] {
	return lineOption[T]{name: name, args: 1, doc: doc, read: func(l *line, x *T, w word) {
		if d, ok := l.span(name, w, time.Millisecond); ok {
			*field(x) = d
		}
	}}
}

// within makes of options that set something of a part those of the whole.
func within[Part, Whole any](rows []lineOption[Part], part func(*Whole) *Part) []lineOption[Whole] {
	all := make([]lineOption[Whole], len(rows))
	for i, r := range rows {
		all[i] = lineOption[Whole]{
			name: r.name, args: r.args, inDefault: r.inDefault, atRunTime: r.atRunTime, inert: r.inert, note: r.note, same: r.same, doc: r.doc,
			read: func(l *line, x *Whole, w word) { r.read(l, part(x), w) },
		}
		if r.more != nil {
			all[i].more = func(l *line, x *Whole, rest []word) []word { return r.more(l, part(x), rest) }
		}
	}
	return all
}

// remark says what is to be known of a name that is accepted: why it has no effect, or
// what the engine does a little differently.
func (l *line) remark(w word, name, inert, note string) {
	if inert != "" {
		l.warn(w, "'%s' is accepted without effect: %s", name, inert)
	}
	if note != "" {
		l.report(Notice, w, "", "'%s': %s", name, note)
	}
}

// readOptions lets the rows read words, one option after the other. allowed reports
// a row that does not belong here. list has the names of the language. It reports
// false if it could not go on; what is wrong with a value has been reported by then,
// too, but does not keep it from reading the rest.
func readOptions[T any](l *line, rows []lineOption[T], list string, x *T, rest []word, allowed func(*lineOption[T], word) bool) bool {
	for len(rest) > 0 {
		i := slices.IndexFunc(rows, func(r lineOption[T]) bool { return r.name == rest[0].text })
		if i < 0 {
			l.unknownOption(rest[0], list, optionNames(rows))
			return false
		}
		row := &rows[i]
		if !allowed(row, rest[0]) {
			return false
		}
		if len(rest) <= row.args {
			l.missing("a value after '" + row.name + "'")
			return false
		}
		l.remark(rest[0], row.name, row.inert, row.note)
		row.read(l, x, rest[row.args])
		rest = rest[row.args+1:]
		if row.more != nil {
			rest = row.more(l, x, rest)
		}
	}
	return true
}

// everywhere allows a row wherever its options may stand.
func everywhere[T any](*lineOption[T], word) bool { return true }

// unknownOption tells an option that is not supported from one that does not
// exist; list names it in the inventory.
func (l *line) unknownOption(w word, list string, names []string) {
	if l.p.inventory.has(list, w.text) {
		l.fail(w, "'%s' is not supported in '%s'%s", w.text, l.kw.name, whyRefused(w.text))
		return
	}
	meant := nearest.Word(w.text, append(names, l.p.inventory.lists[list]...))
	switch {
	case l.runtime && meant != "": // in the words of the reference
		l.fail(w, "unknown keyword '%s'; did you mean '%s' maybe ?", w.text, meant)
	case l.runtime:
		l.fail(w, "unknown keyword '%s'.", w.text)
	default:
		l.report(Alert, w, meant, "unknown option '%s' in '%s'", w.text, l.kw.name)
	}
}

func optionNames[T any](rows []lineOption[T]) []string {
	names := make([]string, len(rows))
	for i := range rows {
		names[i] = rows[i].name
	}
	return names
}
