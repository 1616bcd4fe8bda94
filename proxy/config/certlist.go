package config

import (
	"os"
	"slices"
	"strings"

	"bench/proxy/spec"
)

// certList reads a "crt-list" file: on each line a certificate, perhaps options in
// brackets, and names that it is for (configuration manual, "crt-list"). d is the bind
// line, whose options the others add to.
func (l *line) certList(file word, d *tlsDraft) (list spec.CertList, ok bool) {
	list.File = file.text
	text, err := os.ReadFile(file.text)
	if err != nil {
		l.fail(file, "'crt-list': cannot read the list: %v", err)
		return list, false
	}
	ok = true
	for i, row := range strings.Split(string(text), "\n") {
		row, _, _ = strings.Cut(row, "#")
		if row = strings.TrimSpace(row); row == "" {
			continue
		}
		e, good := l.certEntry(file, row, i+1, d)
		ok = ok && good
		list.Entries = append(list.Entries, e)
	}
	if len(list.Entries) == 0 {
		l.fail(file, "'crt-list': '%s' has no certificate", file.text)
		return list, false
	}
	return list, ok
}

func (l *line) certEntry(file word, row string, number int, d *tlsDraft) (e spec.CertEntry, ok bool) {
	e.Line = number
	bad := func(format string, args ...any) (spec.CertEntry, bool) {
		l.fail(file, "'crt-list': %s:%d: "+format, append([]any{file.text, number}, args...)...)
		return e, false
	}
	name, rest, _ := strings.Cut(strings.ReplaceAll(row, "\t", " "), " ")
	e.Cert = l.p.path(l.p.global.TLS.CertPath(name))
	own := *d
	if rest = strings.TrimSpace(rest); strings.HasPrefix(rest, "[") {
		options, names, closed := strings.Cut(rest[1:], "]")
		if !closed {
			return bad("a bracket is not closed: options stand between '[' and ']'")
		}
		rest = names
		words := strings.Fields(options)
		e.Options = strings.Join(words, " ")
		rows := bindTLSRows()
		for len(words) > 0 {
			i := slices.IndexFunc(rows, func(r tlsRow) bool { return r.name == words[0] })
			switch {
			case i < 0 || rows[i].name == "ssl":
				return bad("'%s' is not an option of certificates", words[0])
			case len(words) <= rows[i].args:
				return bad("'%s' expects a value", words[0])
			}
			errors := l.p.errors
			rows[i].read(l, &own, word{text: words[rows[i].args], col: file.col})
			if l.p.errors > errors {
				return bad("the options of '%s' are wrong", name)
			}
			words = words[rows[i].args+1:]
		}
		own.Verify = own.verify.or(d.Verify)
	}
	e.Names = strings.Fields(rest)
	if len(e.Names) == 0 {
		e.Names = nil
	}
	e.TLS, ok = own.finish(l, &l.p.global.TLS.Bind)
	return e, ok
}
