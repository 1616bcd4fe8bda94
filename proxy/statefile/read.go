package statefile

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// ErrVersion is that of a text that does not begin with a version that is known.
var ErrVersion = errors.New("the file does not begin with a version of the format that is known")

// fields is how many a line has; those from leastFields on came later and may be missing.
const (
	fields      = 25
	leastFields = 20
	// statuses is how many results of checks have a number.
	statuses = 21
	// maxWeight is the greatest weight of a server.
	maxWeight = 256
)

// File are the lines of a dump.
type File struct{ lines map[[2]string][]string }

// CorruptError is that of a text with a line that was cut short: nothing of it is used.
type CorruptError struct{ Line int } // counted behind that of the version

func (e *CorruptError) Error() string { return fmt.Sprintf("line %d was cut short", e.Line) }

// Parse reads a dump. Of two lines for one server the first one counts.
func Parse(text string) (*File, error) {
	version, rest, whole := strings.Cut(text, "\n")
	if n, err := strconv.Atoi(strings.TrimLeft(version, " \t")); err != nil || n != 1 || !whole {
		return nil, ErrVersion
	}
	f := &File{lines: map[[2]string][]string{}}
	number := 0
	for line := range strings.Lines(rest) {
		number++
		words := strings.Fields(line)
		if len(words) == 0 || words[0][0] == '#' {
			continue
		}
		if len(words) < leastFields || !strings.HasSuffix(line, "\n") {
			return nil, &CorruptError{number}
		}
		key := [2]string{words[1], words[3]}
		if f.lines[key] == nil {
			f.lines[key] = words[:min(len(words), fields)]
		}
	}
	return f, nil
}

// Of returns the state of a server. It reports false if the file does not know the server;
// an error says what is wrong with the line, field by field.
func (f *File) Of(backend, server string) (l Line, ok bool, err error) {
	words := f.lines[[2]string{backend, server}]
	if words == nil {
		return Line{}, false, nil
	}
	r := reader{words: words}
	l = Line{
		BackendID: r.integer(0), Backend: words[1], ID: r.integer(2), Server: words[3], Addr: words[4],
		Op:            Op(r.within(5, "srv_op_state", int(Stopped), int(Stopping))),
		Admin:         r.admin(6),
		Weight:        r.within(7, "srv_uweight", 0, maxWeight),
		InitialWeight: r.within(8, "srv_iweight", 0, maxWeight),
		Since:         int64(r.within(9, "srv_time_since_last_change", 0, 1<<31-1)),
		CheckStatus:   r.within(10, "srv_check_status", 0, statuses-1),
		CheckResult:   r.within(11, "srv_check_result", ResultUnknown, ResultConditional),
		CheckHealth:   r.within(12, "srv_check_health", 0, 1<<31-1),
		CheckState:    r.within(13, "srv_check_state", 0, CheckInProgress|CheckConfigured|CheckEnabled|CheckPaused|CheckIsAgent),
		AgentState:    r.within(14, "srv_agent_state", 0, CheckInProgress|CheckConfigured|CheckEnabled|CheckPaused|CheckIsAgent),
		BackendForced: r.within(15, "bk_f_forced_id", 0, 1) == 1,
		ServerForced:  r.within(16, "srv_f_forced_id", 0, 1) == 1,
		Host:          words[17],
		Port:          r.within(18, "srv_port", 0, 65535),
		Service:       words[19],
		TLS:           r.later(20, 0) == 1,
		CheckPort:     r.later(21, 0), CheckAddr: r.word(22),
		AgentAddr: r.word(23), AgentPort: r.later(24, 0),
	}
	if r.wrong != "" {
		return Line{}, true, errors.New(r.wrong)
	}
	return l, true, nil
}

// Servers are the names and numbers that the file gives to the servers of a backend, by
// their names.
func (f *File) Servers(backend string) []Line {
	var list []Line
	for key, words := range f.lines {
		if key[0] == backend {
			r := reader{words: words}
			list = append(list, Line{BackendID: r.integer(0), Backend: words[1], ID: r.integer(2), Server: words[3]})
		}
	}
	slices.SortFunc(list, func(a, b Line) int { return strings.Compare(a.Server, b.Server) })
	return list
}

// reader takes values out of the words of a line, and gathers what is wrong with them.
type reader struct {
	words []string
	wrong string
}

// integer reads the integer that a word begins with. It is 0 where there is none.
func (r *reader) integer(i int) int {
	n, _ := leading(r.words[i])
	return n
}

// leading reads an integer at the beginning of a text: what follows it does not matter.
func leading(s string) (int, bool) {
	end := 0
	for end < len(s) && (s[end] >= '0' && s[end] <= '9' || end == 0 && (s[0] == '-' || s[0] == '+')) {
		end++
	}
	n, err := strconv.Atoi(s[:end])
	return n, err == nil
}

func (r *reader) bad(i int, name string) int {
	r.wrong += ", invalid " + name + " value '" + r.words[i] + "'"
	return 0
}

// within reads an integer with bounds.
func (r *reader) within(i int, name string, least, most int) int {
	n, ok := leading(r.words[i])
	if !ok || n < least || n > most {
		return r.bad(i, name)
	}
	return n
}

// admin reads the administrative state. What it has from others will follow from them again.
func (r *reader) admin(i int) int {
	n, ok := leading(r.words[i])
	n &^= InheritedMaint | InheritedDrain | UnresolvedMaint | NameSet
	switch n {
	case 0, ForcedMaint, ConfiguredMaint, ConfiguredMaint | ForcedMaint, ConfiguredMaint | ForcedDrain, ForcedDrain:
		if ok {
			return n
		}
	}
	return r.bad(i, "srv_admin_state")
}

// word is a word that may be missing.
func (r *reader) word(i int) string {
	if i < len(r.words) {
		return r.words[i]
	}
	return None
}

// later is an integer that may be missing or without sense.
func (r *reader) later(i, otherwise int) int {
	if n, ok := leading(r.word(i)); ok {
		return n
	}
	return otherwise
}
