package cli

// absentCommands ask for things that only exist where they are configured, and
// cannot be configured yet: peers, caches, resolvers.
// Their lists are empty, and nothing is found by name. The answers are what the
// reference says without any.
func absentCommands() []Command {
	return []Command{
		{Words: "show peers", Args: "[section]", Help: "list peers: there are none", Fn: absent("", "No such peers")},
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
		"debug dev", "httpclient",
	}
}
