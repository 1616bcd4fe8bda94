package config

import (
	"slices"
	"strconv"
	"time"

	"bench/proxy/spec"
)

// ruleKeywords are lists of rules.
func ruleKeywords() []keyword {
	return []keyword{{
		name: "http-request", args: "{ wait-for-body time <time> [at-least <bytes>] | tarpit [{ status | deny_status } <status>] }",
		scope: inFront | inBack, strict: true, doc: "What is done with every request: wait for its body, or hold it for \"timeout tarpit\" and refuse it.",
		read: readRequestRule,
	}}
}

// action is one row of the actions of "http-request".
type action struct {
	name string
	read func(l *line, r *spec.Rule, rest []word) (left []word, ok bool)
}

func requestActions() []action {
	return []action{
		{"wait-for-body", readWaitForBody},
		{"tarpit", readTarpit},
	}
}

func readRequestRule(l *line) {
	if !l.arity(1, maxWords, "an action") {
		return
	}
	rows := requestActions()
	w := l.args[0]
	i := slices.IndexFunc(rows, func(a action) bool { return a.name == w.text })
	if i < 0 {
		names := make([]string, len(rows))
		for i := range rows {
			names[i] = rows[i].name
		}
		l.unknown(w, "action", names)
		return
	}
	r := spec.Rule{Pos: l.at(w)}
	left, ok := rows[i].read(l, &r, l.args[1:])
	switch {
	case !ok:
	case len(left) == 0:
		l.sect.requestRules = append(l.sect.requestRules, r)
	case left[0].text == "if" || left[0].text == "unless":
		l.fail(left[0], "'%s %s' with a condition is not supported", l.kw.name, w.text)
	default:
		l.fail(left[0], "'%s %s' expects 'if' or 'unless', not '%s'", l.kw.name, w.text, left[0].text)
	}
}

// readWaitForBody reads "time <time> [at-least <bytes>]", in any order.
func readWaitForBody(l *line, r *spec.Rule, rest []word) (left []word, ok bool) {
	r.Action = spec.ActionWaitForBody
	timed := false
	for len(rest) > 0 && (rest[0].text == "time" || rest[0].text == "at-least") {
		if len(rest) < 2 {
			l.missing("a value after '" + rest[0].text + "'")
			return nil, false
		}
		if rest[0].text == "time" {
			r.Time, ok = l.duration(rest[1], time.Millisecond)
			timed = true
		} else {
			r.Bytes, ok = l.sizeOf(rest[1])
		}
		if !ok {
			return nil, false
		}
		rest = rest[2:]
	}
	if !timed {
		l.missing("'time' with how long to wait")
		return nil, false
	}
	return rest, true
}

// sizeOf reads a number of bytes.
func (l *line) sizeOf(w word) (int, bool) {
	n, err := parseSize(w.text)
	if err != nil {
		l.fail(w, "'%s' %v", l.kw.name, err)
	}
	return int(n), err == nil
}

// readTarpit reads the status of the answer, 500 if none is given.
func readTarpit(l *line, r *spec.Rule, rest []word) (left []word, ok bool) {
	r.Action, r.Status = spec.ActionTarpit, 500
	if len(rest) == 0 || rest[0].text != "status" && rest[0].text != "deny_status" {
		return rest, true
	}
	if len(rest) < 2 {
		l.missing("a status after '" + rest[0].text + "'")
		return nil, false
	}
	n, err := strconv.Atoi(rest[1].text)
	if err != nil || !slices.Contains(errorCodes(), n) {
		l.fail(rest[1], "'%s': there is no answer with status '%s': want one of %v", l.kw.name, rest[1].text, errorCodes())
		return nil, false
	}
	r.Status = n
	return rest[2:], true
}
