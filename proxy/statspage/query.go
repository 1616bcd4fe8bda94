package statspage

import (
	"bytes"
	"strings"
)

// form is what an answer is written in.
type form uint8

const (
	formHTML form = iota
	formCSV
	formTyped
	formJSON
	formSchema
)

// query is what the target of a request asks for, behind the URI of the page.
type query struct {
	form      form
	up        bool // only servers that are up
	noMaint   bool // no servers in maintenance
	noRefresh bool
	extended  bool   // CSV with columns of our own
	status    string // of an action, to be shown
	scope     string // what names of proxies contain
}

// maxScope is the longest scope, in bytes.
const maxScope = 20

// readQuery reads the rest of a target. Words are found wherever they stand, as in the
// reference, and others do no harm.
func readQuery(rest []byte) query {
	has := func(word string) bool { return bytes.Contains(rest, []byte(word)) }
	q := query{up: has(";up"), noMaint: has(";no-maint"), noRefresh: has(";norefresh"), extended: has(";ext")}
	switch {
	case has(";json-schema"):
		q.form = formSchema
	case has(";json"):
		q.form = formJSON
	case has(";typed"):
		q.form = formTyped
	case has(";csv"):
		q.form = formCSV
	}
	if _, after, ok := bytes.Cut(rest, []byte(";st=")); ok {
		q.status = statusUnknown
		if len(after) >= 4 && statusText(string(after[:4])) != "" {
			q.status = string(after[:4])
		}
	}
	if _, after, ok := bytes.Cut(rest, []byte("scope=")); ok {
		if end := bytes.IndexAny(after, ";& "); end >= 0 {
			after = after[:end]
		}
		q.scope = cleanScope(string(after[:min(len(after), maxScope)]))
	}
	return q
}

// cleanScope is a scope that may be part of a name, "" if it may not.
func cleanScope(s string) string {
	for i := range len(s) {
		c := s[i]
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && strings.IndexByte("-_.:", c) < 0 {
			return ""
		}
	}
	return s
}

// options writes the query as it is, with changes, for links.
func (q query) options(change func(*query)) string {
	q.status = ""
	if change != nil {
		change(&q)
	}
	s := ""
	switch q.form {
	case formCSV:
		s = ";csv"
	case formTyped:
		s = ";typed"
	case formJSON:
		s = ";json"
	case formSchema:
		s = ";json-schema"
	case formHTML:
	}
	for _, o := range []struct {
		on   bool
		text string
	}{{q.up, ";up"}, {q.noMaint, ";no-maint"}, {q.noRefresh, ";norefresh"}, {q.extended, ";ext"}} {
		if o.on {
			s += o.text
		}
	}
	if q.scope != "" {
		s += "?scope=" + q.scope
	}
	return s
}
