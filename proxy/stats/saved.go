package stats

import (
	"io"
	"slices"
	"strconv"
	"strings"

	"bench/proxy/statefile"
)

// savedColumns are those that a file of counters has: what only grows, the rates, and how
// long something is ago. Levels and highest values belong to one process.
var savedColumns = []string{
	"stot", "bin", "bout", "dreq", "dresp", "ereq", "econ", "eresp", "wretr", "wredis", "chkfail", "chkdown", "lastchg", "lbtot", "rate",
	"hrsp_1xx", "hrsp_2xx", "hrsp_3xx", "hrsp_4xx", "hrsp_5xx", "hrsp_other", "req_rate", "req_tot", "cli_abrt", "srv_abrt",
	"comp_in", "comp_out", "comp_byp", "comp_rsp", "lastsess", "conn_rate", "conn_tot", "intercepted", "dcon", "dses", "wrew",
	"connect", "reuse", "cache_lookups", "cache_hits", "eint",
}

// savedSections are the parts of a file of counters, and the rows in each.
var savedSections = []struct{ name, rows string }{{"fe", "FL"}, {"be", "BS"}}

// columnsOf are the columns of a section.
func columnsOf(rows string) []*column {
	var list []*column
	for i := range columns {
		if c := &columns[i]; slices.Contains(savedColumns, c.name) && strings.ContainsAny(c.in, rows) {
			list = append(list, c)
		}
	}
	return list
}

// WriteSaved writes the counters of all rows that have an identifier ("dump stats-file"):
// a section for frontends and listeners, one for backends and servers, each below a line
// that names its columns. rows is gone through once for each.
func WriteSaved(w io.Writer, rows func(yield func(*Row) bool)) error {
	var b []byte
	for _, s := range savedSections {
		list := columnsOf(s.rows)
		b = append(b[:0], "#"+s.name+" guid,"...)
		for _, c := range list {
			b = append(append(b, c.name...), ',')
		}
		b = append(b, '\n')
		if _, err := w.Write(b); err != nil {
			return err
		}
		for r := range rows {
			if r.GUID == "" || strings.IndexByte(s.rows, letters[r.Type]) < 0 {
				continue
			}
			b = append(append(b[:0], r.GUID...), ',')
			for _, c := range list {
				b = append(c.value(r).append(b), ',')
			}
			b = append(b, '\n')
			if _, err := w.Write(b); err != nil {
				return err
			}
		}
		if _, err := w.Write([]byte("\n")); err != nil {
			return err
		}
	}
	return nil
}

// Saved are counters by the names of their columns.
type Saved map[string]uint64

// SavedFile is what ReadSaved has read: the counters of frontends and listeners, and of
// backends and servers, by their identifiers.
type SavedFile struct{ Front, Back map[string]Saved }

// ReadSaved reads a file of counters. Columns and sections that are not known, and values
// that are no numbers, are passed over. complain is told of lines that are none of such a
// file; ok is false if nothing is.
func ReadSaved(text string, complain func(line int, what string)) (f SavedFile, ok bool) {
	f = SavedFile{Front: map[string]Saved{}, Back: map[string]Saved{}}
	var section map[string]Saved
	var names []string
	n := 0
	for line := range strings.Lines(text) {
		n++
		switch line = strings.TrimSpace(line); {
		case line == "" || strings.HasPrefix(line, "//"):
		case line[0] == '#':
			name, header, found := strings.Cut(line[1:], " ")
			section = map[string]map[string]Saved{"fe": f.Front, "be": f.Back}[name]
			names = strings.Split(header, ",")
			if !found || name == "" || !strings.HasSuffix(line, ",") || section != nil && names[0] != "guid" {
				if !ok {
					return f, false
				}
				section = nil
				complain(n, "header line")
			}
			ok = true
		case section != nil:
			guid, values, _ := strings.Cut(line, ",")
			if statefile.CheckGUID(guid) != nil {
				complain(n, "line")
				continue
			}
			section[guid] = savedLine(names[1:], values)
		case !ok:
			return f, false
		}
	}
	return f, true
}

func savedLine(names []string, values string) Saved {
	s := Saved{}
	for i, v := range strings.Split(values, ",") {
		if i == len(names) {
			break
		}
		if n, err := strconv.ParseUint(v, 10, 64); err == nil && names[i] != "" {
			s[names[i]] = n
		}
	}
	return s
}
