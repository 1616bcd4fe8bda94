package config

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"

	"bench/internal/syserr"
	"bench/proxy/h1"
	"bench/proxy/rule"
	"bench/proxy/txn"
)

// errorCodes are the statuses that the proxy answers itself.
func errorCodes() []int {
	return []int{200, 400, 401, 403, 404, 405, 407, 408, 410, 413, 421, 422, 425, 429, 500, 501, 502, 503, 504}
}

// errorKeywords replace the proxy's own answers.
func errorKeywords() []keyword {
	return []keyword{
		{name: "errorfile", args: "<status> <path>", scope: inAny, doc: "Send the contents of a file instead of a standard answer.", read: readErrorFile},
		{name: "http-error", args: "status <status> [content-type <type>] [default-errorfiles | errorfile <file> | errorfiles <section> | string|lf-string|file|lf-file <content>] [hdr <name> <format>]...", scope: inAny, doc: "Send an answer of your own instead of a standard one.", read: readHTTPError},
		errorLocation("errorloc", 302, "Redirect (302) instead of a standard answer."),
		errorLocation("errorloc302", 302, "Redirect (302) instead of a standard answer."),
		errorLocation("errorloc303", 303, "Redirect (303) instead of a standard answer, so that the client uses GET."),
	}
}

// errorStatus reads the status of a standard answer.
func (l *line) errorStatus(w word) (int, bool) {
	n, err := strconv.Atoi(w.text)
	if err != nil || !slices.Contains(errorCodes(), n) {
		l.fail(w, "'%s' cannot replace status '%s': want one of %v", l.kw.name, w.text, errorCodes())
		return 0, false
	}
	return n, true
}

func readErrorFile(l *line) {
	if code, text, ok := l.errorFile(); ok {
		l.putError(code, text)
	}
}

// putError makes text the answer with a status.
func (l *line) putError(code int, text []byte) {
	s := &l.sect.settings
	s.errors = append(s.errors, errorDraft{code: code, raw: text})
}

func readHTTPError(l *line) {
	if !l.arity(1, maxWords, "'status' and a status") {
		return
	}
	p := l.ruleParser(rule.Request)
	p.Lookup.Env = l.sampleEnv(txn.Between(txn.StepRequest, txn.StepResponse), "answers of the proxy's own")
	a, err := p.ParseAnswer()
	if err != nil {
		l.misread(err, 0)
		return
	}
	if !slices.Contains(errorCodes(), a.Status()) {
		l.fail(l.args[0], "'%s' cannot replace status '%d': want one of %v", l.kw.name, a.Status(), errorCodes())
		return
	}
	s := &l.sect.settings
	s.errors = append(s.errors, errorDraft{code: a.Status(), answer: a})
}

// errorFile reads a status and the file with the answer.
func (l *line) errorFile() (code int, text []byte, ok bool) {
	if !l.arity(2, 2, "a status and a file") {
		return 0, nil, false
	}
	if code, ok = l.errorStatus(l.args[0]); !ok {
		return 0, nil, false
	}
	st, err := os.Stat(l.args[1].text)
	if err == nil && !st.Mode().IsRegular() && l.args[1].text != os.DevNull {
		err = errors.New("it is not a regular file")
	}
	if err == nil && st.Size() > int64(l.p.global.Tune.BufSize) {
		l.fail(l.args[1], "error file '%s' of %d bytes is longer than a buffer of %d", l.args[1].text, st.Size(), l.p.global.Tune.BufSize)
		return 0, nil, false
	}
	if err == nil {
		text, err = os.ReadFile(l.args[1].text)
	}
	if err != nil {
		l.fail(l.args[1], "cannot read the error file %s: %v", l.args[1].text, syserr.Cause(err))
		return 0, nil, false
	}
	if _, err := h1.ParseReply(code, text, l.p.global.Tune.BufSize); err != nil {
		l.fail(l.args[1], "cannot use the error file '%s': %v", l.args[1].text, err)
		return 0, nil, false
	}
	return code, text, true
}

func errorLocation(name string, status int, doc string) keyword {
	return keyword{name: name, args: "<status> <url>", scope: inAny, doc: doc, read: func(l *line) {
		if !l.arity(2, 2, "a status and a URL") {
			return
		}
		if code, ok := l.errorStatus(l.args[0]); ok {
			reason := "Found"
			if status == 303 {
				reason = "See Other"
			}
			l.putError(code, fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nCache-Control: no-cache\r\nContent-Length: 0\r\nLocation: %s\r\n\r\n", status, reason, l.args[1].text))
		}
	}}
}
