package format

import (
	"strings"
	"testing"
)

func TestCondition(t *testing.T) {
	for _, c := range []struct {
		text, column string
		want         bool
	}{
		{"web/web.1 status == DOWN", "DOWN", true},
		{"web/web.1 status == UP", "UP 1/3", true},
		{"web/web.1 status != UP", "UP 1/3", false},
		{"web/FRONTEND scur >= 100", "100", true},
		{"web/FRONTEND scur > 100", "100", false},
		{"web/FRONTEND scur < 1e3", "999", true},
		{"web/FRONTEND scur <= 99", "100", false},
		{"web/FRONTEND qcur < 5", "", false},
		{"web/web.1 last_chk == L4CON", "L4CON", true},
	} {
		p, err := ParseCondition(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
		} else if got := p.Holds(c.column); got != c.want {
			t.Errorf("%s is %v of %q", c.text, got, c.column)
		}
	}
	for text, want := range map[string]string{
		"web status == UP":         "PROXY/SERVER",
		"web/web.1 status = UP":    "is not a comparison",
		"web/web.1 scur > many":    "compares numbers",
		"/web.1 scur > 1":          "is not a row",
		"web/web.1 scur > 1 twice": "written PROXY/SERVER",
	} {
		if _, err := ParseCondition(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", text, err, want)
		}
	}
}
