package config

import (
	"maps"
	"slices"
)

// environmentKeywords change the variables that later lines see.
func environmentKeywords() []keyword {
	return []keyword{
		{name: "setenv", args: "<name> <value>", scope: inGlobal, doc: "Set an environment variable.", read: func(l *line) {
			if name, ok := l.variable(2); ok {
				l.p.env.Vars[name] = l.args[1].text
			}
		}},
		{name: "presetenv", args: "<name> <value>", scope: inGlobal, doc: "Set an environment variable unless it exists.", read: func(l *line) {
			name, ok := l.variable(2)
			if _, exists := l.p.env.Vars[name]; ok && !exists {
				l.p.env.Vars[name] = l.args[1].text
			}
		}},
		{name: "unsetenv", args: "<name>...", scope: inGlobal, doc: "Remove environment variables.", read: func(l *line) {
			if l.arity(1, maxWords, "names of variables") {
				for _, w := range l.args {
					delete(l.p.env.Vars, w.text)
				}
			}
		}},
		{name: "resetenv", args: "[<name>...]", scope: inGlobal, doc: "Remove all environment variables but those named.", read: func(l *line) {
			maps.DeleteFunc(l.p.env.Vars, func(name, _ string) bool {
				return !slices.ContainsFunc(l.args, func(w word) bool { return w.text == name })
			})
		}},
	}
}

// variable checks the name and the number of arguments of a setting.
func (l *line) variable(n int) (string, bool) {
	if !l.arity(n, n, "a name and a value") {
		return "", false
	}
	name := l.args[0].text
	for i := range len(name) {
		if c := name[i]; !isNameStart(c) && (i == 0 || c < '0' || c > '9') {
			l.fail(l.args[0], "'%s' is not a valid variable name: use letters, digits and _", name)
			return "", false
		}
	}
	return name, true
}
