package lua

import (
	"time"

	lua "github.com/yuin/gopher-lua"
)

// The forms of dates in HTTP (RFC 9110, section 5.6.7).
const (
	imfDate     = "Mon, 02 Jan 2006 15:04:05 GMT"
	rfc850Date  = "Monday, 02-Jan-06 15:04:05 GMT"
	asctimeDate = "Mon Jan _2 15:04:05 2006"
)

// openTimes has the time, and dates.
func openTimes(w *world) {
	dates := func(forms ...string) lua.LGFunction {
		return func(l *lua.LState) int {
			text := l.CheckString(1)
			for _, form := range forms {
				if t, err := time.Parse(form, text); err == nil {
					l.Push(lua.LNumber(t.Unix()))
					return 1
				}
			}
			l.Push(lua.LNil)
			return 1
		}
	}
	w.state.L.SetFuncs(w.state.Library("core"), map[string]lua.LGFunction{
		"now": func(l *lua.LState) int {
			now := time.Now()
			t := l.NewTable()
			t.RawSetString("sec", lua.LNumber(now.Unix()))
			t.RawSetString("usec", lua.LNumber(now.Nanosecond()/int(time.Microsecond)))
			l.Push(t)
			return 1
		},
		"http_date": dates(imfDate, rfc850Date, asctimeDate), "imf_date": dates(imfDate), "rfc850_date": dates(rfc850Date), "asctime_date": dates(asctimeDate),
	})
}
