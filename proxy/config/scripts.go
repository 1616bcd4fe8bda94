package config

import (
	"fmt"
	"math"
	"os"
	"time"

	"bench/proxy/lua"
	"bench/proxy/script"
	"bench/proxy/spec"
)

// scriptKeywords load scripts and bound them (configuration manual, section 3).
func scriptKeywords() []keyword {
	const args = "<file> [<argument>...]"
	limit := func(name, doc string, field func(*lua.Settings) *time.Duration) keyword {
		return keyword{name: "tune.lua." + name, args: "<time>", scope: inGlobal, doc: doc, read: func(l *line) {
			if w, ok := l.one("a time"); ok {
				if d, ok := l.duration(w, time.Millisecond); ok {
					*field(&l.p.program().Settings) = d
				}
			}
		}}
	}
	return []keyword{
		{name: "lua-load", args: args, scope: inGlobal, doc: "Run a script in Lua, which registers what configurations can name as \"lua.<name>\"; all threads share its state.", read: func(l *line) { readScript(l, false) }},
		{name: "lua-load-per-thread", args: args, scope: inGlobal, doc: "The same with a state for each thread.", read: func(l *line) { readScript(l, true) }},
		{name: "lua-prepend-path", args: "<path> [cpath | path]", scope: inGlobal, doc: "Where scripts find their modules: a template with \"?\" for the name. Modules in C cannot be loaded.", read: readScriptPath},
		{name: "tune.lua.forced-yield", args: "<number>", scope: inGlobal, doc: "Instructions after which a script is interrupted, for others to have their turn.", read: func(l *line) {
			if w, ok := l.one("a number"); ok {
				if n, ok := l.integer(w, 0, math.MaxInt32); ok {
					l.p.program().Settings.ForcedYield = max(int(n), 1)
				}
			}
		}},
		inertly("tune.lua.maxmem", "<number>", "Megabytes for scripts.", "the memory of scripts is not counted apart; what is bounded is the length of a text and the depth of calls", someInteger(0, math.MaxInt32)),
		limit("session-timeout", "Longest time that a script about a session may compute; waiting does not count.", func(s *lua.Settings) *time.Duration { return &s.Session }),
		limit("task-timeout", "Longest time that a task of scripts may compute.", func(s *lua.Settings) *time.Duration { return &s.Task }),
		limit("service-timeout", "Longest time that a service of scripts may compute.", func(s *lua.Settings) *time.Duration { return &s.Service }),
	}
}

// program is that of all scripts, made with the first line that needs it.
func (p *parser) program() *lua.Program {
	if p.scripts == nil {
		p.scripts = lua.New(lua.Reading{Names: p.variables, Lists: &p.patterns, BufSize: p.global.Tune.BufSize, Say: p.console})
	}
	return p.scripts
}

// registry is what scripts have registered so far; nil: there are none.
func (p *parser) registry() script.Registry {
	if p.scripts == nil {
		return nil
	}
	return p.scripts
}

// console shows what a script says while it is loaded.
func (p *parser) console(text string) {
	if !p.global.Quiet {
		fmt.Fprintln(os.Stderr, text)
	}
}

func readScript(l *line, perThread bool) {
	if !l.arity(1, maxWords, "a file") {
		return
	}
	if err := l.p.program().Load(l.args[0].text, texts(l.args[1:]), perThread); err != nil {
		l.fail(l.args[0], "'%s': %v", l.kw.name, err)
	}
}

func readScriptPath(l *line) {
	if !l.arity(1, 2, "a path, and perhaps 'path' or 'cpath'") {
		return
	}
	which := "path"
	if len(l.args) > 1 {
		if which = l.args[1].text; which != "path" && which != "cpath" {
			l.unknown(l.args[1], "kind of path", []string{"path", "cpath"})
			return
		}
	}
	l.p.program().Prepend(l.args[0].text, which)
}

// startScripts runs what scripts have for the time when all has been read.
func (p *parser) startScripts(cfg *spec.Config) {
	if p.scripts == nil {
		return
	}
	cfg.Scripts = p.scripts
	if p.errors > 0 {
		return
	}
	if err := p.scripts.Init(cfg.Proxies); err != nil {
		p.report(Diagnostic{Severity: Alert, Pos: spec.Pos{Line: 0}, Msg: err.Error()})
	}
}
