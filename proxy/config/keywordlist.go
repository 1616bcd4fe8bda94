package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"bench/proxy/acl"
	"bench/proxy/rule"
	"bench/proxy/sample"
	"bench/proxy/txn"
)

// Lists of what the language knows, for programs that follow its changes (-dK). Their lines
// are those of the reference, as far as it has them; each list is sorted, so that two can be
// compared.

// KeywordClasses are the lists by the names of the classes, with a title each.
func KeywordClasses() map[string]func() (title string, lines []string) {
	return map[string]func() (string, []string){
		"acl": func() (string, []string) { return "ACL keywords", listACLs() },
		"cfg": func() (string, []string) { return "configuration keywords", listKeywords() },
		"cnv": func() (string, []string) { return "sample converter functions", listConverters() },
		"flt": func() (string, []string) { return "filter names", listFilters() },
		"smp": func() (string, []string) { return "sample fetch functions", listFetches() },
		"svc": func() (string, []string) { return "service names", rule.Services() },
	}
}

func listACLs() (list []string) {
	for _, name := range acl.Derived() {
		i := strings.LastIndexByte(name, '_')
		list = append(list, fmt.Sprintf("%s = %s -m %s", name, sample.FullName(name[:i]), name[i+1:]))
	}
	return list
}

func listConverters() (list []string) {
	for _, c := range sample.Convs() {
		list = append(list, fmt.Sprintf("%s%s: %s => %s", c.Name, inParentheses(c.Usage), shortKind(c.Out), shortKind(c.In)))
	}
	slices.Sort(list)
	return list
}

// shortKind is a kind of values in the words of the reference's list.
func shortKind(k txn.Kind) string {
	short := map[string]string{"boolean": "bool", "integer": "sint", "address": "addr", "IPv4 address": "ipv4", "IPv6 address": "ipv6", "string": "str", "binary": "bin", "method": "meth"}
	return cmp.Or(short[k.String()], k.String())
}

// inParentheses is the syntax of arguments as a list has it.
func inParentheses(usage string) string {
	if usage == "" || strings.HasPrefix(usage, "(") {
		return usage
	}
	return "(" + usage + ")"
}

// listFetches has a column for each step of a transaction before the name: Y where there
// may be a value.
func listFetches() (list []string) {
	var titles []string
	for s := txn.StepConnection; s <= txn.StepCheck; s++ {
		titles = append(titles, fmt.Sprintf("# column %d: %s", s-txn.StepConnection+1, s))
	}
	for _, f := range sample.Fetches() {
		var columns strings.Builder
		for s := txn.StepConnection; s <= txn.StepCheck; s++ {
			if f.At.Has(s) {
				columns.WriteString("Y ")
			} else {
				columns.WriteString(". ")
			}
		}
		for _, name := range append(sample.OtherNames(f.Name), f.Name) {
			list = append(list, fmt.Sprintf("[ %s] %s%s: %s", columns.String(), name, inParentheses(f.Usage), shortKind(f.Out)))
		}
	}
	slices.SortFunc(list, func(a, b string) int {
		return strings.Compare(a[strings.IndexByte(a, ']'):], b[strings.IndexByte(b, ']'):])
	})
	return slices.Concat(titles, list)
}

func listFilters() (list []string) {
	for _, k := range keywords() {
		if name, ok := strings.CutPrefix(k.name, "filter "); ok {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

// listKeywords has sections with what may stand in them. What only some proxies may have is
// listed below "listen", as all of that may stand there.
func listKeywords() (list []string) {
	sections := []scope{inGlobal, inListen}
	for i := range kinds {
		if kinds[i].kind&(inGlobal|inAny) == 0 {
			sections = append(sections, kinds[i].kind)
		}
	}
	for _, of := range sections {
		var names []string
		for _, k := range keywords() {
			if k.scope&of != 0 && k.name != "bind" && k.name != "server" {
				names = append(names, k.name)
			}
		}
		if of == inListen {
			names = append(names, optionLines("bind <addr>", bindOptions())...)
			names = append(names, optionLines("server <name> <addr>", serverOptions())...)
			for p := range rule.NumPlaces {
				for _, a := range rule.Actions() {
					if a.Places.Has(p) {
						names = append(names, p.String()+" "+a.Name)
					}
				}
			}
		}
		slices.Sort(names)
		list = append(list, kindName(of))
		for _, n := range slices.Compact(names) {
			list = append(list, "\t"+n)
		}
	}
	return list
}

// optionLines are the options of a line, each with the number of words that it takes.
func optionLines[T any](line string, options []lineOption[T]) (list []string) {
	for _, o := range options {
		text := line + " " + o.name
		if o.args > 0 {
			text += fmt.Sprintf(" +%d", o.args)
		}
		list = append(list, text)
	}
	return list
}
