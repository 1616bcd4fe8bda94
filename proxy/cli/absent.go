package cli

// absentCommands ask for things that only exist where they are configured, and
// cannot be configured yet: maps, ACL files, peers, caches, resolvers.
// Their lists are empty, and nothing is found by name. The answers are what the
// reference says without any.
func absentCommands() []Command {
	const (
		list  = "# id (file) description"
		noMap = "Unknown map identifier. Please use #<id> or <file>."
		noACL = "Unknown ACL identifier. Please use #<id> or <file>."
	)
	return []Command{
		{Words: "show map", Args: "[map]", Help: "list maps: there are none", Fn: absent(list, noMap)},
		{Words: "show acl", Args: "[acl]", Help: "list ACL files: there are none", Fn: absent(list, noACL)},
		{Words: "show peers", Args: "[section]", Help: "list peers: there are none", Fn: absent("", "No such peers")},
		{Words: "show cache", Help: "list caches: there are none", Fn: absent("", "")},
		{Words: "show resolvers", Args: "[id]", Help: "list resolvers: there are none", Fn: absent("", "Can't find that resolvers section")},
		{Words: "show startup-logs", Level: Operator, Help: "show warnings kept from the start: none are", Fn: absent("", "")},
		{Words: "get map", Args: "<map> <value>", Level: AdminLevel, Help: "look a value up in a map: there are none", Fn: absent(noMap, noMap)},
		{Words: "get acl", Args: "<acl> <value>", Level: AdminLevel, Help: "look a value up in an ACL file: there are none", Fn: absent(noACL, noACL)},
		{Words: "get var", Args: "<name>", Level: AdminLevel, Help: "show a variable of the process: there are none", Fn: absent("Variable not found.", "Variable not found.")},
	}
}

// absent answers all without an argument, and named to whoever asks for one.
// An empty text is an empty answer.
func absent(all, named string) func(*request) error {
	return func(r *request) error {
		switch {
		case r.arg(0) != "" && named != "":
			return r.fail(named)
		case all != "":
			return r.info(all)
		}
		return nil
	}
}

// unsupported are the reference's other commands. They are known by name, so
// that whoever uses them is told, and not offered something else.
func unsupported() []string {
	return []string{
		"abort ssl", "add acl", "add map", "add ssl", "clear acl", "clear map", "commit acl", "commit map",
		"commit ssl", "debug dev", "del acl", "del map", "del ssl", "disable dynamic-cookie", "enable dynamic-cookie",
		"httpclient", "new ssl", "prepare acl", "prepare map", "set dynamic-cookie-key", "set map", "set profiling", "set ssl",
		"set var", "show libs", "show profiling", "show schema", "show ssl", "show tasks", "show tls-keys",
		"show trace", "trace",
	}
}
