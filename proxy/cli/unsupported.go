package cli

// unsupported are the reference's other commands. They are known by name, so
// that whoever uses them is told, and not offered something else.
func unsupported() []string {
	return []string{
		"debug dev", "httpclient",
	}
}
