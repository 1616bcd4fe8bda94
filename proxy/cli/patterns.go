package cli

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"bench/proxy/pattern"
	"bench/proxy/txn"
)

// patternCommands show and change lists of patterns: maps, and those of ACLs.
func patternCommands() []Command {
	var list []Command
	for _, k := range []patternKind{{"map", "map", true}, {"acl", "ACL", false}} {
		add, help := "<key> <val>", "add a map entry (payload supported instead of key/val)"
		if !k.isMap {
			add, help = "<pattern>", "add an acl entry"
		}
		list = append(list,
			Command{Words: "show " + k.word, Args: "[@ver] [" + k.word + "]", Help: "list " + k.name + "s, or the entries of one", Fn: k.show},
			Command{Words: "get " + k.word, Args: "<" + k.word + "> <value>", Help: "show what a value is matched with", Fn: k.get},
			Command{Words: "add " + k.word, Args: "[@<ver>] <" + k.word + "> " + add, Help: help, Fn: k.add},
			Command{Words: "del " + k.word, Args: "<" + k.word + "> [<key>|#<ref>]", Help: "delete entries", Fn: k.del},
			Command{Words: "clear " + k.word, Args: "[@<ver>] <" + k.word + ">", Help: "delete all entries", Fn: k.clear},
			Command{Words: "prepare " + k.word, Args: "<" + k.word + ">", Help: "begin a new version, to be filled and committed", Fn: k.prepare},
			Command{Words: "commit " + k.word, Args: "@<ver> <" + k.word + ">", Help: "switch to a prepared version, at once", Fn: k.commit},
		)
	}
	return append(list, Command{Words: "set map", Args: "<map> [<key>|#<ref>] <value>", Help: "change the value of an entry", Fn: setMap})
}

// patternKind is one of the two kinds of lists.
type patternKind struct {
	word, name string
	isMap      bool
}

// version takes the version from the arguments: "@" and a number, of which as much counts
// as is one. given tells whether there is one.
func (r *request) version() (version uint32, given bool) {
	text, given := strings.CutPrefix(r.arg(0), "@")
	if !given {
		return 0, false
	}
	r.args = r.args[1:]
	return uint32(max(number(text), 0)), true
}

// of finds the list that the first argument names, of whatever kind. Without one it says
// so and returns nil.
func (k patternKind) of(r *request) (*pattern.List, error) {
	if l := r.s.engine.Patterns().Find(r.arg(0)); l != nil {
		return l, nil
	}
	return nil, k.unknown(r)
}

// own is of for lists of the kind only.
func (k patternKind) own(r *request) (*pattern.List, error) {
	if l := r.s.engine.Patterns().Find(r.arg(0)); l != nil && l.Map == k.isMap {
		return l, nil
	}
	return nil, k.unknown(r)
}

func (k patternKind) unknown(r *request) error {
	return r.fail("Unknown " + k.name + " identifier. Please use #<id> or <file>.")
}

func (k patternKind) show(r *request) error {
	version, given := r.version()
	if r.arg(0) == "" {
		return k.list(r)
	}
	l, err := k.own(r)
	if l == nil {
		return err
	}
	entries := l.InUse()
	if given {
		entries = l.Entries(version)
	}
	for _, e := range entries {
		if e.Gone() { // since the list was begun: whoever reads it may take his time
			continue
		}
		line := fmt.Sprintf("0x%x %s", e.ID, e.Key)
		if v := e.Value(); v != nil {
			line += " " + string(v.Text)
		}
		if _, err := r.w.WriteString(line + "\n"); err != nil {
			return err
		}
	}
	return nil
}

// list writes a line for each list of the kind.
func (k patternKind) list(r *request) error {
	if _, err := r.w.WriteString("# id (file) description\n"); err != nil {
		return err
	}
	for _, l := range r.s.engine.Patterns().All() {
		if l.Map != k.isMap {
			continue
		}
		current, next, n := l.Versions()
		for v := current + 1; v <= next; v++ {
			n += len(l.Entries(v)) // those that are being prepared count
		}
		if _, err := fmt.Fprintf(r.w, "%d (%s) %s. curr_ver=%d next_ver=%d entry_cnt=%d\n", l.ID, l.File, l.Description(), current, next, n); err != nil {
			return err
		}
	}
	return nil
}

func (k patternKind) get(r *request) error {
	if r.arg(0) == "" || r.arg(1) == "" {
		return r.fail("Missing " + k.name + " identifier and/or key.")
	}
	l, err := k.of(r)
	if l == nil {
		return err
	}
	for _, h := range l.Lookup(r.arg(1)) {
		if _, err := r.w.WriteString(k.hit(l, &h) + "\n"); err != nil {
			return err
		}
	}
	return nil
}

// hit describes what a look-up has found.
func (k patternKind) hit(l *pattern.List, h *pattern.Hit) string {
	sensitive, tree := "sensitive", "list"
	if h.Fold {
		sensitive = "insensitive"
	}
	if h.Tree {
		tree = "tree"
	}
	text := fmt.Sprintf("type=%s, case=%s, ", h.Method, sensitive)
	found := "found"
	if !k.isMap {
		found = "match"
	}
	if h.Entry == nil {
		return text + found + "=no"
	}
	text += fmt.Sprintf("%s=yes, idx=%s, ", found, tree)
	if !k.isMap {
		return text + fmt.Sprintf("pattern=\"%s\"", h.Entry.Key)
	}
	text += fmt.Sprintf("key=\"%s\", ", h.Entry.Key)
	v := h.Entry.Value()
	if v == nil {
		return text + "value=none"
	}
	return text + fmt.Sprintf("value=\"%s\", type=\"%s\"", v.Text, kindName(l.Kind()))
}

// kindName is what the reference calls a kind of values.
func kindName(k txn.Kind) string {
	switch k {
	case txn.Int:
		return "sint"
	case txn.IPv4, txn.Address:
		return "ipv4"
	case txn.IPv6:
		return "ipv6"
	case txn.None, txn.Bool, txn.Str, txn.Bin, txn.Method, txn.NumKinds:
	}
	return "str"
}

func (k patternKind) add(r *request) error {
	version, given := r.version()
	wanted := "'add acl' expects two parameters: ACL identifier and pattern."
	complete := r.arg(0) != "" && r.arg(1) != ""
	if k.isMap {
		wanted = "'add map' expects three parameters (map identifier, key and value) or one parameter (map identifier) and a payload"
		complete = r.arg(0) != "" && (r.payload != nil || r.arg(1) != "" && r.arg(2) != "")
	}
	if !complete {
		return r.fail(wanted)
	}
	l, err := k.of(r)
	if l == nil {
		return err
	}
	if !k.isMap && l.Map {
		return r.fail("This ACL is shared with a map containing samples. You must use the command 'add map' to add values.")
	}
	if !given {
		version, _, _ = l.Versions()
	}
	if !k.isMap || r.payload == nil {
		value := ""
		if l.Map {
			value = r.arg(2)
		}
		return k.addTo(r, l, version, r.arg(1), value)
	}
	for line := range strings.Lines(string(r.payload)) {
		key := strings.Trim(line, " \t\n")
		value := ""
		if i := strings.IndexAny(key, " \t"); i >= 0 {
			key, value = key[:i], strings.TrimLeft(key[i:], " \t")
		}
		if value == "" {
			return r.fail("Missing value for key '" + key + "'.")
		}
		if l.Map {
			if err := k.addTo(r, l, version, key, value); err != nil {
				return err
			}
		}
	}
	return nil
}

func (k patternKind) addTo(r *request, l *pattern.List, version uint32, key, value string) error {
	err := l.AddTo(version, key, value)
	if e, ok := errors.AsType[*pattern.VersionError](err); ok && e.Version > e.Next {
		return r.fail("Version number in the future, please use 'prepare " + k.word + "' before.")
	}
	if err != nil {
		return r.fail(err.Error())
	}
	return nil
}

// reference reads "#" and a number of an entry, as "show" writes it.
func reference(s string) (id uint64, ok bool) {
	digits, ok := strings.CutPrefix(s, "#")
	if !ok {
		return 0, false
	}
	id, err := strconv.ParseUint(strings.TrimPrefix(digits, "0x"), 16, 64)
	return id, err == nil
}

func setMap(r *request) error {
	if r.arg(0) == "" || r.arg(1) == "" || r.arg(2) == "" {
		return r.fail("'set map' expects three parameters: map identifier, key and value.")
	}
	l, err := patternKind{"map", "map", true}.of(r)
	if l == nil {
		return err
	}
	if id, ok := reference(r.arg(1)); ok {
		found, err := l.SetID(id, r.arg(2))
		switch {
		case !found:
			return r.fail("key or pattern not found.")
		case err != nil:
			return r.fail(err.Error())
		}
		return nil
	}
	n := 0
	if l.Map {
		n, err = l.Set(r.arg(1), r.arg(2))
	}
	switch {
	case n == 0:
		return r.fail("entry not found.")
	case err != nil:
		return r.fail(err.Error())
	}
	return nil
}

func (k patternKind) del(r *request) error {
	if r.arg(0) == "" || r.arg(1) == "" {
		return r.fail("This command expects two parameters: " + k.name + " identifier and key.")
	}
	l := r.s.engine.Patterns().Find(r.arg(0))
	if l == nil || l.Map != k.isMap {
		return r.fail("Unknown map identifier. Please use #<id> or <file>.") // of ACLs, too
	}
	found := false
	if id, ok := reference(r.arg(1)); ok {
		found = l.DeleteID(id)
	} else {
		found = l.Delete(r.arg(1)) > 0
	}
	if !found {
		return r.fail("Key not found.")
	}
	return nil
}

func (k patternKind) clear(r *request) error {
	version, given := r.version()
	if r.arg(0) == "" {
		return r.fail("Missing " + k.name + " identifier.")
	}
	l, err := k.own(r)
	if l == nil {
		return err
	}
	if !given {
		version, _, _ = l.Versions()
	}
	_ = l.Clear(version) // one that is not there is empty already
	return nil
}

func (k patternKind) prepare(r *request) error {
	l, err := k.own(r)
	if l == nil {
		return err
	}
	return r.info(fmt.Sprintf("New version created: %d", l.Prepare()))
}

func (k patternKind) commit(r *request) error {
	version, given := r.version()
	if !given {
		return r.fail("Missing version number.")
	}
	if r.arg(0) == "" {
		return r.fail("Missing " + k.name + " identifier.")
	}
	l, err := k.own(r)
	if l == nil {
		return err
	}
	if l.Commit(version) != nil {
		return r.fail("Version number out of range.")
	}
	return nil
}
