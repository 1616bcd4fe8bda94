package mysqlorigin

import (
	"bytes"
	"strings"
)

// prepares answers PREPARE name FROM 'text': statements prepared in SQL have names
// in place of numbers.
func (s *session) prepares(rest, written string) (outcome, *Error) {
	name, _, ok := strings.Cut(rest, " from ")
	literal := strings.TrimSpace(written[min(len(name)+len(" from "), len(written)):])
	if !ok || len(literal) < 2 || literal[0] != '\'' && literal[0] != '"' || quoted([]byte(literal)) != len(literal) {
		return outcome{}, unknown("statement", "prepare "+rest)
	}
	said := []byte(unquote(literal))
	st := &statement{text: normalize(nil, said), said: said}
	if st.answer = s.r.cfg.find(st.text); st.answer == nil {
		if _, e := s.builtin(st); e != nil {
			return outcome{}, e
		}
	}
	if len(s.named) >= maxStatements {
		return outcome{}, &Error{Code: 1461, State: "42000", Message: "Can't create more than max_prepared_stmt_count statements"}
	}
	return outcome{effect: func(s *session) {
		if s.named == nil {
			s.named = make(map[string]*statement)
		}
		s.named[statementName(name)] = st
	}}, nil
}

// executes finds the statement of EXECUTE name [USING @a, ...]; nil if the statement
// is no EXECUTE.
func (s *session) executes(text []byte) (*statement, *Error) {
	rest, ok := bytes.CutPrefix(text, []byte("execute "))
	if !ok {
		return nil, nil
	}
	name, _, _ := strings.Cut(string(rest), " using ")
	if st := s.named[statementName(name)]; st != nil {
		return st, nil
	}
	return nil, unprepared(name, "EXECUTE")
}

// deallocates answers DEALLOCATE PREPARE name.
func (s *session) deallocates(rest string) (outcome, *Error) {
	name, ok := strings.CutPrefix(rest, "prepare ")
	if !ok {
		return outcome{}, unknown("statement", "deallocate "+rest)
	}
	if s.named[statementName(name)] == nil {
		return outcome{}, unprepared(name, "DEALLOCATE PREPARE")
	}
	return outcome{effect: func(s *session) { delete(s.named, statementName(name)) }}, nil
}

func statementName(name string) string { return strings.ToLower(strings.Trim(name, " `")) }

func unprepared(name, command string) *Error {
	return &Error{Code: 1243, Message: "Unknown prepared statement handler (" + printable([]byte(strings.Trim(name, " `"))) + ") given to " + command}
}
