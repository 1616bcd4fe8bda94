package config

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"bench/proxy/acl"
	"bench/proxy/balance"
	"bench/proxy/logformat"
	"bench/proxy/pattern"
	"bench/proxy/rule"
	"bench/proxy/sample"
	"bench/proxy/txn"
)

// manualPath is the generated manual page.
const manualPath = "../../docs/KEYWORDS.md"

// TestManual fails when the manual page is not what the tables say; run the
// test with -update to write it anew.
func TestManual(t *testing.T) {
	got := manual()
	if *update {
		if err := os.WriteFile(manualPath, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(manualPath)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s does not match the tables: run go test ./proxy/config -run Manual -update", manualPath)
	}
}

// TestInventory compares the rows with the names of the language.
func TestInventory(t *testing.T) {
	inv := newInventory()
	// Accepted though HAProxy 2.6 does not know them any more.
	older := []string{"nbproc", "stats bind-process"}
	// Names of later versions.
	newer := []string{"tune.h2.fe.initial-window-size", "tune.h2.fe.max-concurrent-streams", "tune.h2.fe.max-total-streams", "tune.h2.fe.glitches-threshold", "init-state", "stats-file", "guid", "guid-prefix", "anonkey"}
	read := map[string]scope{}
	for _, k := range keywords() {
		if k.doc == "" || k.read == nil || k.scope == 0 {
			t.Errorf("row %q is incomplete", k.name)
		}
		if read[k.name]&k.scope != 0 {
			t.Errorf("two rows read %q in the same section", k.name)
		}
		read[k.name] |= k.scope
		list := listOf(k.scope)
		if !inv.has(list, k.name) && !slices.Contains(older, k.name) && !slices.Contains(newer, k.name) {
			t.Errorf("row %q is not a name of the %s section", k.name, list)
		}
	}
	for list, names := range map[string][]string{"bind": optionNames(bindOptions()), "server": optionNames(serverOptions())} {
		slices.Sort(names)
		if once := slices.Compact(slices.Clone(names)); len(once) < len(names) {
			t.Errorf("two rows read the same option of %s: %q", list, names)
		}
	}
	for _, o := range bindOptions() {
		if !inv.has("bind", o.name) && !slices.Contains(newer, o.name) || o.doc == "" {
			t.Errorf("row %q of bind is incomplete or not a name of the language", o.name)
		}
	}
	for _, o := range serverOptions() {
		if !inv.has("server", o.name) && !slices.Contains(newer, o.name) || o.doc == "" {
			t.Errorf("row %q of server is incomplete or not a name of the language", o.name)
		}
	}
	for _, a := range algorithms() {
		if !inv.has("balance", a) {
			t.Errorf("algorithm %q is not a name of the language", a)
		}
	}
}

// TestEveryKnownName holds the promise that a name of the language is either
// read or refused as not supported, never as unknown.
func TestEveryKnownName(t *testing.T) {
	inv := newInventory()
	for list, section := range map[string]string{"global": "global\n", "proxy": "listen l\n"} {
		for _, name := range inv.lists[list] {
			_, diags := Load([]Source{{Name: "t.cfg", Text: []byte(section + name + " x y z\n")}}, testEnv())
			for _, d := range diags {
				if strings.HasPrefix(d.Msg, "unknown keyword") {
					t.Errorf("%s: %s", name, d.Msg)
				}
			}
		}
	}
}

func manual() string {
	var b strings.Builder
	b.WriteString(`# Keywords of the proxy's configuration

This page is generated from the tables in proxy/config. The language is that of
HAProxy 2.6; its configuration manual explains the keywords at length. Sections:
G global, D defaults, F frontend, B backend, L listen. "no" marks keywords that
may have "no" or "default" before them. What is said to work does as much as the
text beside it says: a test holds that the engine reads what it sets. What has
**no effect** is accepted with a warning, what is done "as always" without one; where the
engine does otherwise than the text beside says, there is **a notice**. What
is [not supported](#not-supported) is an error that says so. How to see which of it a
configuration of yours uses: [YOUR-CONFIG.md](YOUR-CONFIG.md).

`)
	rows := keywords()
	inv := newInventory()
	counts(&b, inv)
	b.WriteString("\n## Keywords\n\n| keyword | arguments | sections | | |\n| --- | --- | --- | --- | --- |\n")
	for _, k := range rows {
		if k.scope&(inGlobal|inAny) == 0 {
			continue
		}
		no := ""
		if k.no {
			no = " (no)"
		}
		row(&b, k.name+no, k.args, letters(k.scope), k.doc, inertOf(k), k.note, k.same)
	}
	b.WriteString("\n## Keywords of other sections\n\n| section | keyword | arguments | | |\n| --- | --- | --- | --- | --- |\n")
	for _, k := range rows {
		if k.scope&(inGlobal|inAny) != 0 {
			continue
		}
		no := ""
		if k.no {
			no = " (no)"
		}
		row(&b, kindName(k.scope), k.name+no, k.args, k.doc, inertOf(k), k.note, k.same)
	}
	for _, w := range resolverWords() {
		row(&b, "resolvers", w.name, w.use, w.doc, "", "", false)
	}
	b.WriteString("\n## Options of bind and \"stats socket\"\n\n| option | | |\n| --- | --- | --- |\n")
	for _, o := range bindOptions() {
		row(&b, o.name, "-", "-", o.doc, o.inert, o.note, o.same)
	}
	b.WriteString("\n## Options of server\n\nWhere they may stand besides `server` lines: in `default-server` (D), and behind `add server`\n" +
		"of the runtime API (R), to which nothing of `default-server` applies.\n\n| option | | | |\n| --- | --- | --- | --- |\n")
	for _, o := range serverOptions() {
		where := ""
		if o.inDefault {
			where += "D"
		}
		if o.atRunTime {
			where += "R"
		}
		row(&b, o.name, where, "-", o.doc, o.inert, o.note, o.same)
	}
	b.WriteString("\n## Balance algorithms\n\n| algorithm | arguments | chooses |\n| --- | --- | --- |\n")
	for _, a := range balance.Algorithms() {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", a.Name, strings.ReplaceAll(a.Args, "<", "&lt;"), a.Doc)
	}
	b.WriteString("\n## Predicates of conditions\n\n| predicate | true if |\n| --- | --- |\n")
	for _, p := range predicates() {
		fmt.Fprintf(&b, "| %s | %s |\n", p.name, p.doc)
	}
	steps(&b)
	b.WriteString("\n## Sample fetches\n\n| fetch | arguments | kind | has a value in | |\n| --- | --- | --- | --- | --- |\n")
	for _, f := range sample.Fetches() {
		name := f.Name
		if more := sample.OtherNames(f.Name); more != nil {
			name += " (" + strings.Join(more, ", ") + ")"
		}
		cells(&b, name, f.Usage, f.Out.String(), stepLetters(f.At), f.Doc)
	}
	b.WriteString("\nIn ACLs also, as a fetch with a method: " + strings.Join(acl.Derived(), ", ") + ".\n")
	b.WriteString("\n## Converters\n\n| converter | arguments | from | to | |\n| --- | --- | --- | --- | --- |\n")
	for _, c := range sample.Convs() {
		cells(&b, c.Name, c.Usage, c.In.String(), c.Out.String(), c.Doc)
	}
	b.WriteString("\n## Actions of rules\n\n| action | arguments | in | |\n| --- | --- | --- | --- |\n")
	for _, a := range rule.Actions() {
		var in []string
		for p := range rule.NumPlaces {
			if a.Places.Has(p) {
				in = append(in, p.String())
			}
		}
		cells(&b, a.Name, a.Usage, strings.Join(in, ", "), a.Doc)
	}
	b.WriteString("\n## Predefined ACLs\n\n" + strings.Join(acl.PredefinedNames(), ", ") + "\n")
	b.WriteString("\n## Methods of ACLs (-m)\n\n" + strings.Join(pattern.Methods(), ", ") + "\n")
	b.WriteString("\n## Log format aliases\n\n| alias | |\n| --- | --- |\n")
	for _, a := range logformat.Aliases() {
		cells(&b, "%"+a.Name, a.Doc)
	}
	b.WriteString("\n## Not supported\n")
	missing(&b, "global", inv.lists["global"], rowNames(rows, inGlobal))
	missing(&b, "proxies", inv.lists["proxy"], rowNames(rows, inAny))
	missing(&b, "bind", inv.lists["bind"], optionNames(bindOptions()))
	missing(&b, "server", inv.lists["server"], optionNames(serverOptions()))
	missing(&b, "balance", inv.lists["balance"], algorithms())
	var sections []string
	for _, r := range refusedSections() {
		sections = append(sections, r[0])
	}
	missing(&b, "sections", sections, nil)
	var have []string
	for _, f := range sample.Fetches() {
		have = append(append(have, f.Name), sample.OtherNames(f.Name)...)
	}
	missing(&b, "sample fetches", sample.Language("sample fetch"), have)
	have = nil
	for _, c := range sample.Convs() {
		have = append(have, c.Name)
	}
	missing(&b, "converters", sample.Language("converter"), have)
	for p := range rule.NumPlaces {
		have = nil
		for _, a := range rule.Actions() {
			if a.Places.Has(p) {
				have = append(have, a.Name)
			}
		}
		missing(&b, p.String(), rule.Names(p), have)
	}
	return b.String()
}

// treatment is how a name of the language is dealt with, the best that any of its rows
// does.
type treatment uint8

const (
	refused treatment = iota
	noEffect
	asAlways
	works
	numTreatments
)

func treat(inert string, same bool) treatment {
	switch {
	case inert != "":
		return noEffect
	case same:
		return asAlways
	}
	return works
}

// counts sums up how the names of the language are dealt with.
func counts(b *strings.Builder, inv *inventory) {
	b.WriteString("## How much of the language\n\nOf the names that the manual of 2.6 has, and some later ones:\n\n" +
		"| where | names | work | as always | no effect | not supported |\n| --- | --- | --- | --- | --- | --- |\n")
	total := [numTreatments]int{}
	line := func(where string, by [numTreatments]int) {
		all := 0
		for _, n := range by {
			all += n
		}
		cells(b, where, fmt.Sprint(all), fmt.Sprint(by[works]), fmt.Sprint(by[asAlways]), fmt.Sprint(by[noEffect]), fmt.Sprint(by[refused]))
	}
	add := func(where, list string, how map[string]treatment) {
		by := [numTreatments]int{}
		for _, name := range inv.lists[list] {
			by[how[name]]++
			total[how[name]]++
		}
		line(where, by)
	}
	for _, list := range []string{"global", "proxy", "userlist", "http-errors", "mailers", "peers", "program", "resolvers", "ring", "log-forward", "namespace_list", "cache", "fcgi-app"} {
		how := map[string]treatment{}
		for _, k := range keywords() {
			if listOf(k.scope) == list {
				how[k.name] = max(how[k.name], treat(inertOf(k), k.same))
			}
		}
		if list == "resolvers" { // read by a table of their own
			for _, w := range resolverWords() {
				how[w.name] = works
			}
		}
		where := "section " + list
		if list == "proxy" {
			where = "sections of proxies"
		}
		add(where, list, how)
	}
	how := map[string]treatment{}
	for _, o := range bindOptions() {
		how[o.name] = treat(o.inert, o.same)
	}
	add("options of bind", "bind", how)
	how = map[string]treatment{}
	for _, o := range serverOptions() {
		how[o.name] = treat(o.inert, o.same)
	}
	add("options of server", "server", how)
	how = map[string]treatment{}
	for _, a := range algorithms() {
		how[a] = works
	}
	add("balance algorithms", "balance", how)
	line("**all**", total)
}

// steps explains the letters of steps.
func steps(b *strings.Builder) {
	b.WriteString("\n## Steps\n\nWhere samples have a value:\n\n| | |\n| --- | --- |\n")
	for s := txn.StepConnection; s <= txn.StepLog; s++ {
		cells(b, stepLetters(txn.At(s)), s.String())
	}
}

func stepLetters(at txn.Steps) string {
	s := ""
	for i := txn.StepConnection; i <= txn.StepLog; i++ {
		if at.Has(i) {
			s += "CSTFBVRL"[i : i+1]
		}
	}
	return s
}

// inertOf is why a row has no effect; switches keep it in a table of their own.
func inertOf(k keyword) string {
	for _, o := range optionRows() {
		if k.name == "option "+o.name {
			return o.inert
		}
	}
	return k.inert
}

func row(b *strings.Builder, name, args, scopes, doc, inert, note string, same bool) {
	works := "works"
	switch {
	case inert != "":
		works = "**no effect**: " + inert
	case same:
		works = "as always"
	case note != "":
		works = "**with a notice**: " + note
	}
	all := slices.DeleteFunc([]string{name, args, scopes, works, doc}, func(c string) bool { return c == "-" })
	cells(b, all...)
}

func cells(b *strings.Builder, all ...string) {
	for i := range all {
		all[i] = strings.NewReplacer("|", "\\|", "<", "&lt;").Replace(all[i])
	}
	b.WriteString("| " + strings.Join(all, " | ") + " |\n")
}

func letters(sc scope) string {
	s := ""
	for i, k := range []scope{inGlobal, inDefaults, inFrontend, inBackend, inListen} {
		if sc&k != 0 {
			s += "GDFBL"[i : i+1]
		}
	}
	return s
}

func rowNames(rows []keyword, sc scope) []string {
	var names []string
	for _, k := range rows {
		if k.scope&sc != 0 {
			names = append(names, k.name)
		}
	}
	return names
}

func missing(b *strings.Builder, title string, all, have []string) {
	var names []string
	for _, n := range all {
		if !slices.Contains(have, n) {
			names = append(names, "`"+n+"`")
		}
	}
	fmt.Fprintf(b, "\n**%s** (%d): %s\n", title, len(names), strings.Join(names, ", "))
}
