package tty

import (
	"os"
	"strings"

	"golang.org/x/term"
)

// Environment is what a terminal can show by the variables that getenv reads:
// characters beyond ASCII unless ascii is set or the locale lacks them, colours unless
// NO_COLOR is set.
func Environment(ascii bool, getenv func(string) string) Style {
	locale := getenv("LC_ALL")
	if locale == "" {
		locale = getenv("LC_CTYPE")
	}
	if locale == "" {
		locale = getenv("LANG")
	}
	upper := strings.ToUpper(locale)
	utf8 := strings.Contains(upper, "UTF-8") || strings.Contains(upper, "UTF8")
	return Style{Color: getenv("NO_COLOR") == "", ASCII: ascii || !utf8}
}

// Of is how to write to a file once, and its width in cells; 0 where it is no terminal,
// which has no colours either.
func Of(out *os.File, ascii bool) (s Style, width int) {
	s = Environment(ascii, os.Getenv)
	if !term.IsTerminal(int(out.Fd())) {
		s.Color = false
		return s, 0
	}
	s.Color = s.Color && os.Getenv("TERM") != "dumb"
	width, _ = Size(out)
	return s, width
}

// Size is the size of the terminal, 80 by 24 if it does not say.
func Size(out *os.File) (width, height int) {
	w, h, err := term.GetSize(int(out.Fd()))
	if err != nil || w <= 0 || h <= 0 {
		return 80, 24
	}
	return w, h
}
