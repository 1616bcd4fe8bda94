package cli

import (
	"slices"
	"strconv"
	"strings"

	"bench/proxy/stats"
)

func statCommands() []Command {
	return []Command{
		{Words: "show info", Args: "[desc|json|typed|float]*", Help: "report information about the process", Fn: showInfo},
		{Words: "show stat", Args: "[desc|json|no-maint|typed|up]*", Help: "report the counters of proxies and servers", Fn: showStat},
		{Words: "dump stats-file", Help: "dump the counters of what has a guid, for a process that goes on from them", Fn: func(r *request) error { return stats.WriteSaved(r.w, r.s.engine.Rows(false)) }},
		{Words: "clear counters", Args: "[all]", Level: Operator, Help: "reset highest values, or with all every counter", Fn: clearCounters},
	}
}

// outputFormat reads the words that choose a format; others are ignored, as
// they always were. The last one named in the order text, typed, json wins.
func outputFormat(words []string) (f stats.Format, desc bool) {
	for _, w := range words {
		switch w {
		case "typed":
			f = max(f, stats.Typed)
		case "json":
			f = stats.JSON
		case "desc":
			desc = true
		}
	}
	return f, desc
}

func showInfo(r *request) error {
	f, desc := outputFormat(r.args)
	info := r.s.engine.Info()
	return stats.WriteInfo(r.w, &info, f, desc, slices.Contains(r.args, "float"))
}

func showStat(r *request) error {
	args := r.args
	if len(args) > 0 && args[0] == "domain" {
		switch r.arg(1) {
		case "proxy":
		case "resolvers":
			return r.showNameservers(args[2:])
		default:
			return r.fail("Invalid statistics domain.")
		}
		args = args[2:]
	}
	sel := stats.All()
	// A selection is recognised by its three words together.
	if len(args) >= 3 {
		id, ok := r.proxyID(args[0])
		if !ok {
			return r.fail("No such proxy.")
		}
		sel.ProxyID, sel.Types, sel.ServerID = id, number(args[1]), number(args[2])
		args = args[3:]
	}
	for _, w := range args {
		switch w {
		case "up":
			sel.Up = true
		case "no-maint":
			sel.NoMaint = true
		}
	}
	f, desc := outputFormat(args)
	return stats.WriteRows(r.w, r.s.engine.Rows(false), sel, f, desc)
}

// proxyID reads a proxy's number or name. A number need not exist.
func (r *request) proxyID(s string) (int, bool) {
	if n, err := strconv.Atoi(s); err == nil {
		return n, true
	}
	return r.s.engine.ProxyID(s)
}

// number reads leading digits as a number, 0 without any.
func number(s string) int {
	end := len(s)
	for i := range len(s) {
		if (s[i] < '0' || s[i] > '9') && (i > 0 || s[i] != '-') {
			end = i
			break
		}
	}
	n, err := strconv.Atoi(strings.TrimSuffix(s[:end], "-"))
	if err != nil {
		return 0
	}
	return n
}

func clearCounters(r *request) error {
	all := r.arg(0) == "all"
	if all && r.access.Level < AdminLevel {
		return r.fail("Permission denied")
	}
	r.s.engine.ClearCounters(all)
	return nil
}
