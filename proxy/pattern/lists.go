package pattern

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"bench/proxy/txn"
)

// Lists are all the lists of a configuration. They are gathered while it is read, and do
// not change any more afterwards: only what is in them does.
type Lists struct {
	all    []*List
	byFile map[string]*List
}

// NewList makes a list of patterns as they stand on a line.
func NewList(patterns []string) *List {
	l := &List{ID: -1}
	for _, p := range patterns {
		l.entries = append(l.entries, newEntry(p, nil))
	}
	return l
}

// Add takes a list of patterns of a line. id is what the runtime API is to know it by; -1
// for whatever number is free.
func (ls *Lists) Add(l *List, id int) error {
	if id >= 0 {
		if err := ls.free(id); err != nil {
			return err
		}
	}
	l.ID = id
	ls.all = append(ls.all, l)
	return nil
}

func (ls *Lists) free(id int) error {
	if slices.ContainsFunc(ls.all, func(l *List) bool { return l.ID == id }) {
		return fmt.Errorf("id %d is that of another list of patterns", id)
	}
	return nil
}

// File is the list of a file, which is read when Load asks for it.
func (ls *Lists) File(name string) *List {
	l := ls.byFile[name]
	if l == nil {
		l = &List{ID: -1, File: name}
		if ls.byFile == nil {
			ls.byFile = map[string]*List{}
		}
		ls.byFile[name] = l
		ls.all = append(ls.all, l)
	}
	return l
}

// Load reads the file of a list, unless it was read before. The lines of maps have a
// value behind their key; columns takes the lines for such, whose values an ACL that uses
// the file leaves alone.
func (ls *Lists) Load(l *List, columns bool) error {
	if l.Loaded {
		switch {
		case columns && !l.Map:
			return fmt.Errorf("'%s' is used as a list of patterns already, which has no values: it cannot be a map", l.File)
		case !columns && l.Map:
			return fmt.Errorf("'%s' is used as a map already: use it as one here as well, by '-M'", l.File)
		}
		return nil
	}
	text, err := os.ReadFile(l.File)
	if err != nil {
		return fmt.Errorf("cannot read the file of patterns: %w", err)
	}
	l.Loaded, l.Map = true, columns
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(strings.TrimLeft(line, " \t"), "\r\n")
		if line == "" || line[0] == '#' {
			continue
		}
		if !columns {
			l.entries = append(l.entries, newEntry(line, nil))
			continue
		}
		key, value := line, ""
		if i := strings.IndexAny(line, " \t"); i >= 0 {
			key, value = line[:i], strings.Trim(line[i:], " \t")
		}
		l.entries = append(l.entries, newEntry(key, &Value{Text: []byte(value)}))
	}
	return nil
}

// Line is where in its file an entry stood, by index among those that were read; 0 if
// that cannot be said any more.
func (l *List) Line(index int) int {
	text, err := os.ReadFile(l.File)
	if err != nil {
		return 0
	}
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			if index--; index < 0 {
				return number
			}
		}
	}
	return 0
}

// Number gives numbers to the lists that have none, once all are known.
func (ls *Lists) Number() {
	taken := map[int]bool{}
	for _, l := range ls.all {
		taken[l.ID] = true
	}
	next := 0
	for _, l := range ls.all {
		if l.ID >= 0 {
			continue
		}
		for taken[next] {
			next++
		}
		l.ID = next
		next++
	}
}

// All are the lists, in the order in which they were first used.
func (ls *Lists) All() []*List { return ls.all }

// Find finds a list by "#" and its number, or by its file; nil if there is none.
func (ls *Lists) Find(name string) *List {
	if number, ok := strings.CutPrefix(name, "#"); ok {
		n, err := strconv.Atoi(number)
		if err != nil {
			return nil
		}
		for _, l := range ls.all {
			if l.ID == n {
				return l
			}
		}
		return nil
	}
	return ls.byFile[name]
}

// Index makes the list ready to be changed often: its views are indexed from the
// beginning.
func (l *List) Index() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ready = true
	for _, v := range l.views {
		if v.now.Load().fixed != nil {
			v.rebuild(l.entries)
		}
	}
}

// View makes a view of the list, or returns the one there is of that kind. With entries
// it can say which entry matches.
func (l *List) View(m Method, fold, entries bool) (*View, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, v := range l.views {
		if v.method == m && v.fold == (fold && m != Bin) {
			if entries && v.now.Load().fixed != nil {
				v.rebuild(l.entries)
			}
			return v, nil
		}
	}
	v, err := newView(l, m, fold, entries)
	if err != nil {
		if e, ok := errors.AsType[*Error](err); ok {
			e.List = l
		}
		return nil, err
	}
	l.views = append(l.views, v)
	return v, nil
}

// Values holds that all values are of a kind, now and whenever they change.
func (l *List) Values(k txn.Kind) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if slices.Contains(l.kinds, k) {
		return nil
	}
	for i, e := range l.entries {
		if err := e.value.Load().read(k); err != nil {
			return &Error{l, i, err}
		}
	}
	l.kinds = append(l.kinds, k)
	return nil
}
