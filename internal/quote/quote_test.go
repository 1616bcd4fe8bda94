package quote

import "testing"

func TestUnquote(t *testing.T) {
	for in, want := range map[string]string{
		``: "", `a b`: "a b", `a\r\n`: "a\r\n", `" a "`: " a ", `\x00\xff`: "\x00\xff", `"\u00e9é"`: "éé", `say "hi"`: `say "hi"`, `\\`: `\`,
	} {
		if got, err := Unquote(in); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v; want %q", in, got, err, want)
		}
	}
	for _, in := range []string{`\`, `\q`, `"a`, `"a"b`, `\x0`} {
		if got, err := Unquote(in); err == nil {
			t.Errorf("%s: %q", in, got)
		}
	}
}
