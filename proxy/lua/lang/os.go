package lang

import (
	lua "github.com/yuin/gopher-lua"
)

// fillOS leaves out what is not in Lua.
func fillOS(s *State) {
	s.Library("os").RawSetString("setenv", lua.LNil)
}
