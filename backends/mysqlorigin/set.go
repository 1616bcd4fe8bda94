package mysqlorigin

import (
	"strings"

	"bench/internal/mysqlwire"
)

// sets answers SET: of what it sets only autocommit makes a difference here.
func (s *session) sets(list string) (outcome, *Error) {
	var o outcome
	for more := true; more; {
		var item string
		item, list, more = cutItem(list)
		name, value, _ := strings.Cut(item, "=")
		if !isAutocommit(name) {
			continue
		}
		switch value = strings.Trim(value, " '\"`"); strings.ToLower(value) {
		case "1", "on", "true", "default":
			// A transaction that is open ends with a commit.
			o.effect = func(s *session) {
				s.status = s.status&^mysqlwire.StatusInTransaction | mysqlwire.StatusAutocommit
			}
		case "0", "off", "false":
			o.effect = func(s *session) { s.status &^= mysqlwire.StatusAutocommit }
		default:
			return o, &Error{Code: 1231, State: "42000", Message: "Variable 'autocommit' can't be set to the value of '" + printable([]byte(value)) + "'"}
		}
	}
	return o, nil
}

// isAutocommit reports whether the left side of SET is autocommit of the session.
func isAutocommit(name string) bool {
	name = strings.Trim(name, " :")
	for _, scope := range []string{"@@session.", "@@local.", "@@", "session ", "local "} {
		if rest, ok := strings.CutPrefix(name, scope); ok {
			name = rest
			break
		}
	}
	return name == "autocommit"
}
