package acl_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bench/proxy/sample"
	"bench/proxy/txn/txntest"
)

// Whatever the words of a condition are, it is refused or holds or does not, the same each
// time.
func FuzzCondition(f *testing.F) {
	for _, text := range []string{
		"{ path_beg -i /a } || !{ src 10.0.0.0/8 } METH_GET", "{ hdr(host),lower -m dom a.b -- -f }", "{ int(3) gt 1:5 }", "{ path_reg ^/(a|b)+$ }", "{ src,ipmask(8) ::1/64 }", "{ req.ver 1.0:1.1 }", "!", "{ }", "{ path -m len 1:", "TRUE or FALSE",
	} {
		f.Add(text)
	}
	x := txntest.New(f, request, "")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "-f") || strings.Contains(text, "-M") || strings.Contains(text, "map") {
			return // the files of this machine are none of its business
		}
		c, err := lookup().ParseCond(strings.Fields("if " + text))
		if err != nil {
			return
		}
		ctx := sample.NewContext(1024, 1)
		ctx.Txn = x
		first := c.Eval(ctx)
		if again := c.Eval(ctx); first != again && !strings.Contains(text, "rand") && !strings.Contains(text, "date") && !strings.Contains(text, "uuid") && !strings.Contains(text, "set-var") {
			t.Errorf("%q: %v, and then %v", text, first, again)
		}
	})
}

// Whatever a file of patterns has in it, it is refused or matched, by each method.
func FuzzPatternFile(f *testing.F) {
	for _, text := range []string{"# none\n\n /static\r\n/other", "10.0.0.0/8\n::1\n10.0.0.0/33", "1:5\nlt 3\n-1", "^/(a|b)\n(", "\x00\xff\n", "00ff\nzz", "a b c", "\ufeffx\n"} {
		f.Add(text, uint8(0))
	}
	tests := []string{"path -m str", "path -i -m beg", "path -m end", "path -m sub", "path -i -m dir", "path -m dom", "path -m reg", "path -m len", "src -m ip", "int(7) -m int", "path -m bin", "path -m found"}
	x := txntest.New(f, request, "")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string, which uint8) {
		file := filepath.Join(dir, "list")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := lookup().ParseCond(strings.Fields("if { " + tests[int(which)%len(tests)] + " -f " + file + " }"))
		if err != nil {
			return
		}
		ctx := sample.NewContext(1024, 1)
		ctx.Txn = x
		c.Eval(ctx)
	})
}
