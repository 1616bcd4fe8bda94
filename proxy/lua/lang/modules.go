package lang

import (
	"os"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// fillModules replaces "require", which reads modules in the language of scripts.
func fillModules(s *State) {
	pkg := s.Library("package")
	const standard = "/usr/local/share/lua/5.3/?.lua;/usr/local/share/lua/5.3/?/init.lua;/usr/local/lib/lua/5.3/?.lua;/usr/local/lib/lua/5.3/?/init.lua;/usr/share/lua/5.3/?.lua;/usr/share/lua/5.3/?/init.lua;./?.lua;./?/init.lua"
	path := standard
	for _, name := range []string{"LUA_PATH_5_3", "LUA_PATH"} {
		if p := os.Getenv(name); p != "" {
			path = strings.Trim(strings.ReplaceAll(p, ";;", ";"+standard+";"), ";")
			break
		}
	}
	pkg.RawSetString("path", lua.LString(path))
	pkg.RawSetString("loaders", lua.LNil)
	s.L.SetGlobal("require", s.L.NewFunction(func(l *lua.LState) int { return s.require(l, l.CheckString(1)) }))
	s.set("package", map[string]lua.LGFunction{
		"searchpath": func(l *lua.LState) int {
			file, tried := search(l.CheckString(1), l.CheckString(2))
			if file != "" {
				l.Push(lua.LString(file))
				return 1
			}
			l.Push(lua.LNil)
			l.Push(lua.LString(tried))
			return 2
		},
	})
}

// search looks for the file of a module; tried says where it is not.
func search(name, path string) (file, tried string) {
	name = strings.ReplaceAll(name, ".", "/")
	for template := range strings.SplitSeq(path, ";") {
		f := strings.ReplaceAll(template, "?", name)
		if info, err := os.Stat(f); err == nil && !info.IsDir() {
			return f, ""
		}
		tried += "\n\tno file '" + f + "'"
	}
	return "", tried
}

func (s *State) require(l *lua.LState, name string) int {
	pkg := s.Library("package")
	loaded, ok := pkg.RawGetString("loaded").(*lua.LTable)
	if !ok {
		l.RaiseError("'package.loaded' must be a table")
	}
	if v := loaded.RawGetString(name); lua.LVAsBool(v) {
		l.Push(v)
		return 1
	}
	loader := lua.LNil
	if preload, ok := pkg.RawGetString("preload").(*lua.LTable); ok {
		loader = preload.RawGetString(name)
	}
	file := ""
	if loader == lua.LNil {
		var tried string
		if file, tried = search(name, lua.LVAsString(pkg.RawGetString("path"))); file == "" {
			l.RaiseError("module '%s' not found:\n\tno field package.preload['%s']%s\n\t(modules in C cannot be loaded)", name, name, tried)
		}
		fn, err := s.LoadFile(file)
		if err != nil {
			l.RaiseError("error loading module '%s' from file '%s':\n\t%s", name, file, err.Error())
		}
		loader = fn
	}
	l.Push(loader)
	l.Push(lua.LString(name))
	l.Push(lua.LString(file))
	l.Call(2, 1)
	v := l.Get(-1)
	if v == lua.LNil {
		if v = loaded.RawGetString(name); v == lua.LNil {
			v = lua.LTrue
		}
	}
	loaded.RawSetString(name, v)
	l.Push(v)
	return 1
}

// Prepend puts a template, or several separated by ";", in front of a path of modules.
func (s *State) Prepend(path, which string) {
	pkg := s.Library("package")
	pkg.RawSetString(which, lua.LString(path+";"+lua.LVAsString(pkg.RawGetString(which))))
}
