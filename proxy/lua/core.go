package lua

import (
	"fmt"
	"math"
	"os"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// levels are those of logs, by their numbers.
var levels = []string{"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"}

// LevelName is the name of a level of logs.
func LevelName(level int) string { return levels[level] }

// ConsoleLine is a message of a script as it appears on the console.
func ConsoleLine(level int, text string, now time.Time) string {
	return fmt.Sprintf("[%s] %03d/%02d%02d%02d (%d) : %s", levels[level], now.YearDay()-1, now.Hour(), now.Minute(), now.Second(), os.Getpid(), text)
}

const debug = 7

// log sends a message of a script.
func (w *world) log(c *call, proxy, level int, text string) {
	text = printable(text)
	switch {
	case c != nil && c.m != nil:
		c.m.host.Log(proxy, level, text)
	case level < debug:
		w.program.reading.Say(ConsoleLine(level, text, time.Now()))
	}
}

// printable replaces what would break a line.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 127 {
			return '.'
		}
		return r
	}, s)
}

func checkLevel(l *lua.LState, n int) int {
	level := l.CheckInt(n)
	if level < 0 || level >= len(levels) {
		l.ArgError(n, "a level of logs is expected, from 0 to 7")
	}
	return level
}

// loggers are the functions that log with a level each.
var loggers = map[string]int{"Debug": 7, "Info": 6, "Warning": 4, "Alert": 1}

func openCore(w *world) {
	l := w.state.L
	core := w.state.Library("core")
	for i, n := range levels {
		core.RawSetString(n, lua.LNumber(i))
	}
	core.RawSetString("thread", lua.LNumber(w.thread))
	for name, level := range loggers {
		core.RawSetString(name, l.NewFunction(func(l *lua.LState) int {
			w.log(calling(l), -1, level, l.CheckString(1))
			return 0
		}))
	}
	l.SetFuncs(core, map[string]lua.LGFunction{
		"log": func(l *lua.LState) int {
			w.log(calling(l), -1, checkLevel(l, 1), l.CheckString(2))
			return 0
		},
		"sleep":  func(l *lua.LState) int { return coreSleep(l, time.Second) },
		"msleep": func(l *lua.LState) int { return coreSleep(l, time.Millisecond) },
		"yield": func(l *lua.LState) int {
			c := calling(l)
			if c == nil {
				l.RaiseError("yield: not possible while a script is loaded")
			}
			c.pause(l, c.now()+1)
			return 0
		},
		"done": func(l *lua.LState) int {
			c := calling(l)
			if c == nil {
				l.RaiseError("done: not possible while a script is loaded")
			}
			if l.GetTop() > 0 {
				c.given = l.Get(1)
			}
			c.task.Done(l)
			return 0
		},
		"set_nice": func(l *lua.LState) int {
			l.CheckInt(1)
			return 0
		},
		"tokenize": coreTokenize,
	})
	act := w.state.Library("act")
	for i, n := range []string{"CONTINUE", "STOP", "YIELD", "ERROR", "DONE", "DENY", "ABORT", "INVALID"} {
		act.RawSetString(n, lua.LNumber(i))
	}
	l.SetFuncs(act, map[string]lua.LGFunction{"wake_time": func(l *lua.LState) int {
		c := machine(l, "wake_time")
		c.wakeTime = time.Duration(l.CheckInt(l.GetTop())) * time.Millisecond
		return 0
	}})
}

func coreSleep(l *lua.LState, unit time.Duration) int {
	n := float64(l.CheckNumber(1))
	c := calling(l)
	if c == nil {
		l.RaiseError("sleep: not possible while a script is loaded")
	}
	c.sleep(l, time.Duration(math.Min(math.Max(n, 0)*float64(unit), math.MaxInt64/4)))
	return 0
}

func coreTokenize(l *lua.LState) int {
	text, separators, noBlank := l.CheckString(1), l.CheckString(2), l.ToBool(3)
	t := l.NewTable()
	for {
		i := strings.IndexAny(text, separators)
		part := text
		if i >= 0 {
			part = text[:i]
		}
		if part != "" || !noBlank {
			t.Append(lua.LString(part))
		}
		if i < 0 {
			l.Push(t)
			return 1
		}
		text = text[i+1:]
	}
}
