package series

import (
	"testing"

	"bench/internal/result"
)

func TestText(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"web.1", "web.1"},
		{"a\nb\tc", "a\nb\tc"},
		{"\x1b[31mred\x1b[0m", "red"},
		{"\x1b]0;title\x07x", "x"},
		{"\x1b]8;;http://h\x1b\\link", "link"},
		{"a\x00\x08\x7fb\r", "ab"},
		{"\u202eevil\u2066\u200f\ufeff", "evil"},
		{"\u009b31m", "31m"},
		{"\x1b", ""},
		{"\x1b[", ""},
		{"\x1bcx", "x"},
		{"µ – 日本", "µ – 日本"},
		{"\xff", "\ufffd"},
		{"<b>", "<b>"},
	} {
		if got := Text(c.in); got != c.want {
			t.Errorf("Text(%q) = %q, want %q", c.in, got, c.want)
		}
	}
	if got := OneLine("a\n\n b\tc"); got != "a  b c" {
		t.Errorf("OneLine: %q", got)
	}
}

func TestCleanReachesEveryString(t *testing.T) {
	const bad = "x\x1b[1my"
	run := &result.Run{
		Scenario: bad, Warnings: []string{bad}, Files: map[string]string{bad: bad},
		Cells: []*result.Cell{{Events: []result.Event{{Args: map[string]string{"k": bad}}}, Upstreams: []result.Upstream{{Server: bad}}}},
	}
	env := map[string]any{"a": []any{bad, map[string]any{"b": bad}}, "n": 1.5, "nil": nil}
	Clean(run)
	Clean(&env)
	list := env["a"].([]any)
	for name, got := range map[string]string{
		"scenario": run.Scenario, "warning": run.Warnings[0], "files": run.Files["xy"], "args": run.Cells[0].Events[0].Args["k"],
		"server": run.Cells[0].Upstreams[0].Server, "env": list[0].(string), "env map": list[1].(map[string]any)["b"].(string),
	} {
		if got != "xy" {
			t.Errorf("%s: %q", name, got)
		}
	}
}
