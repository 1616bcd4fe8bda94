package sample_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bench/proxy/pattern"
	"bench/proxy/sample"
	"bench/proxy/txn/txntest"
)

// mapFiles are the maps that expressions below name.
var mapFiles = map[string]string{
	"TEXTS":   "# a comment\n/a/b.html whole\n/a/ below a\n/ root\nb.html the page\nexample.com the host\nb 7\n",
	"NUMBERS": "one 1\nb.html 22\n/a/ 333\n/a/b.html 4444\n",
	"HOSTS":   "/a/ 192.0.2.1\nb.html 2001:db8::1\n/a/b.html 192.0.2.2\n",
	"NETS":    "10.0.0.0/8 10\n10.1.0.0/16 16\n10.1.2.3 32\n192.0.2.0/24 1\n",
	"RANGES":  "0:9 1\n5 2\n10: 3\n",
	"WORDS":   "^/(.)/(.*)\\.html$ <\\2-\\1\\0>\n\\.html$ 5\n",
}

var mapResults = []struct{ expr, want string }{
	{"path,map(TEXTS)", "whole"},
	{"path,map_str(TEXTS)", "whole"},
	{"str(x),map(TEXTS)", "<none>"},
	{"str(x),map(TEXTS,none of them)", "none of them"},
	{"path,map_beg(TEXTS)", "whole"},
	{"str(/a/c),map_beg(TEXTS)", "below a"},
	{"str(/x),map_beg(TEXTS)", "root"},
	{"path,map_end(TEXTS)", "whole"},
	{"str(xb.html),map_end(TEXTS)", "the page"},
	{"str(xb.htmlx),map_sub(TEXTS)", "the page"},
	{"str(/x/b.html/y),map_dir(TEXTS)", "the page"},
	{"str(www.example.com:80),map_dom(TEXTS)", "the host"},
	{"str(xb),map_end_int(NUMBERS)", "<none>"},
	{"str(one),map_str_int(NUMBERS),add(1)", "2"},
	{"str(/a/x),map_beg_int(NUMBERS)", "333"},
	{"str(/b.html),map_end_int(NUMBERS)", "22"},
	{"str(/b.htmlx),map_sub_int(NUMBERS)", "22"},
	{"str(/x/b.html),map_dir_int(NUMBERS)", "22"},
	{"str(a.one.b),map_dom_int(NUMBERS)", "1"},
	{"path,map_reg_int(NUMBERS)", "22"},
	{"str(y),map_str_int(NUMBERS,-5)", "-5"},
	{"path,map_str_ip(HOSTS)", "192.0.2.2"},
	{"str(/a/x),map_beg_ip(HOSTS)", "192.0.2.1"},
	{"str(/b.html),map_end_ip(HOSTS)", "2001:db8::1"},
	{"str(/b.htmlx),map_sub_ip(HOSTS)", "2001:db8::1"},
	{"str(/x/b.html),map_dir_ip(HOSTS)", "2001:db8::1"},
	{"str(b.html),map_dom_ip(HOSTS)", "2001:db8::1"},
	{"str(b.html),map_reg_ip(HOSTS,10.0.0.1)", "2001:db8::1"},
	{"str(z),map_reg_ip(HOSTS,10.0.0.1)", "10.0.0.1"},
	{"src,map_ip(NETS)", "32"},
	{"str(10.1.9.9),map_ip_int(NETS)", "16"},
	{"str(10.9.9.9),map_ip(NETS)", "10"},
	{"str(192.0.3.9),map_ip(NETS,out)", "out"},
	{"src,map_ip_ip(NETS,::1)", ""},
	{"int(5),map_int(RANGES)", "1"},
	{"int(10),map_int_int(RANGES)", "3"},
	{"int(-1),map_int_ip(RANGES,1.2.3.4)", ""},
	{"path,map_reg(WORDS)", `<\2-\1\0>`},
	{"path,map_regm(WORDS)", "<b-a/a/b.html>"},
	{"str(x.html),map_regm(WORDS)", "5"},
	{"str(x),map_regm(WORDS,\\1)", "\\1"},
}

func mapEnv(t *testing.T) (*sample.Env, *strings.Replacer) {
	t.Helper()
	dir := t.TempDir()
	var names []string
	for name, text := range mapFiles {
		path := filepath.Join(dir, strings.ToLower(name))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		names = append(names, name, path)
	}
	e := env()
	e.Lists = &pattern.Lists{}
	return e, strings.NewReplacer(names...)
}

func TestMaps(t *testing.T) {
	env, names := mapEnv(t)
	for _, r := range mapResults {
		e, err := sample.Compile(names.Replace(r.expr), env)
		if r.want == "" {
			if err == nil {
				t.Errorf("%s: values of another kind were taken", r.expr)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", r.expr, err)
			continue
		}
		if got := eval(t, e, txntest.New(t, request, response)); got != r.want {
			t.Errorf("%s: %q, want %q", r.expr, got, r.want)
		}
	}
}

func TestMistakesOfMaps(t *testing.T) {
	env, names := mapEnv(t)
	for expr, want := range map[string]string{
		"path,map(/none/x)":         "'map': cannot read the file of patterns: open /none/x: no such file or directory",
		"path,map_int(RANGES,x)":    "", // any text will do
		"path,map_str_int(HOSTS)":   "'map_str_int': line 1 of 'HOSTS': value '192.0.2.1' is not an integer",
		"path,map_str_int(TEXTS,x)": "'map_str_int': line 2 of 'TEXTS': value 'whole' is not an integer",
		"path,map_str_int(NETS,x)":  "'map_str_int': as a default, value 'x' is not an integer",
		"path,map_ip(TEXTS)":        "'map_ip': line 2 of 'TEXTS': '/a/b.html' is not an address or a network: want one such as 192.0.2.0/24 or 2001:db8::/32",
		"path,map()":                "'map' needs arguments: want map(<file>[,<default>])",
	} {
		_, err := sample.Compile(names.Replace(expr), env)
		got := ""
		if e, ok := errors.AsType[*sample.Error](err); ok {
			got = e.Msg
		}
		if got != names.Replace(want) {
			t.Errorf("%s:\ngot  %s\nwant %s", expr, got, want)
		}
	}
}
