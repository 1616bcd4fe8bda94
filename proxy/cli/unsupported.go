package cli

// unsupported are commands of the reference, and of later versions of it, that there are not.
func unsupported() []Unsupported {
	const backends = "backends come with the configuration; servers of theirs can be added and deleted ('add server')"
	list := []Unsupported{
		{Words: "httpclient"},
		{"add backend", backends},
		{"del backend", backends},
		{"publish backend", backends},
		{"unpublish backend", backends},
	}
	for _, what := range []string{"bug", "check", "close", "fd", "hex", "sched", "stream", "sym", "tkill", "warn"} {
		list = append(list, Unsupported{Words: "debug dev " + what})
	}
	return list
}
