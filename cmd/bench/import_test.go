package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bench/internal/result"
	"bench/internal/testpeer"
	"bench/scenarios/document"
)

// imported runs bench import and returns the scenario, and what was said.
func imported(t *testing.T, args ...string) (scenario, said string, code int) {
	t.Helper()
	dir := t.TempDir()
	out := filepath.Join(dir, "out.yaml")
	file, err := os.Create(filepath.Join(dir, "said"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	code = run(append([]string{"import", "-o", out}, args...), &streams{os.Stdin, file, file})
	text, err := os.ReadFile(out)
	if err != nil && code == exitPass {
		t.Fatal(err)
	}
	words, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text), string(words), code
}

// TestImportedConfigurationsRun holds that what is imported runs, with a reload, and
// that no request fails.
func TestImportedConfigurationsRun(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ config, driver string }{
		{"plain", "builtin"}, {"plain", "haproxy"}, {"shop", "haproxy"},
	} {
		t.Run(c.config+"/"+c.driver, func(t *testing.T) {
			if c.driver == "haproxy" {
				testpeer.Need(t, "haproxy")
			}
			text, said, code := imported(t, "importer/testdata/"+c.config+".cfg")
			if code != exitPass || !strings.Contains(said, "run it with: bench run ") {
				t.Fatalf("exit code %d\n%s", code, said)
			}
			b := start(t, text, "", "--shorten", "6", "--driver", c.driver)
			b.wait(t)
			cell := b.record(t).Cells[0]
			for _, o := range cell.Objectives {
				if strings.HasPrefix(o.Expr, "errors") && o.Verdict != result.Pass {
					t.Errorf("%s: %s\n%s%s", o.Expr, o.Verdict, b.stdout.String(), b.stderr.String())
				}
			}
			if len(cell.Objectives) == 0 {
				t.Errorf("nothing was judged: %s\n%s", cell.Reason, b.stderr.String())
			}
		})
	}
}

// TestImportSays holds what the command says about its input and its output.
func TestImportSays(t *testing.T) {
	_, said, code := imported(t, "importer/testdata/shop.cfg")
	if code != exitPass {
		t.Fatalf("exit code %d\n%s", code, said)
	}
	for _, part := range []string{
		"importer/testdata/shop.cfg:4: left out: 'chroot /var/lib/haproxy': it needs root\n",
		"importer/testdata/shop.cfg:47: note: 'stick on' goes by the address of the client: in a scenario all have that of this machine\n",
		"addresses of listeners and servers were replaced by the scenario's (--all lists them)\n",
		"driver builtin, ",
	} {
		if !strings.Contains(said, part) {
			t.Errorf("%q is missing in\n%s", part, said)
		}
	}
	if strings.Contains(said, "shop.cfg:49: replaced: address") {
		t.Error("addresses are listed without --all")
	}
	if _, said, _ = imported(t, "--all", "importer/testdata/shop.cfg"); !strings.Contains(said, "shop.cfg:49: replaced: address '192.0.2.29:8080' of server 'spare'") {
		t.Errorf("--all: %s", said)
	}
	if _, said, code = imported(t, "nowhere.cfg"); code != exitUsage || !strings.Contains(said, "nowhere.cfg") {
		t.Errorf("exit code %d: %s", code, said)
	}
	if _, said, code = imported(t, "-o", "import.go", "importer/testdata/plain.cfg"); code != exitUsage || !strings.Contains(said, "import.go exists already") {
		t.Errorf("exit code %d: %s", code, said)
	}
}

// The configuration alone is that of the scenario, and takes its place: a comparison has one
// of each side, with the scenario's addresses in it.
func TestImportedConfigurationAlone(t *testing.T) {
	for _, name := range []string{"plain", "shop"} {
		alone := filepath.Join(t.TempDir(), "alone.cfg")
		text, said, code := imported(t, "importer/testdata/"+name+".cfg", "--config", alone)
		if code != exitPass {
			t.Fatalf("exit code %d\n%s", code, said)
		}
		path := filepath.Join(t.TempDir(), "s.yaml")
		within, err := document.Parse(path, []byte(text), document.Options{})
		if err != nil {
			t.Fatal(err)
		}
		beside, err := document.Parse(path, []byte(text), document.Options{Set: []document.Setting{{Key: "proxy.configFile", Value: alone}}})
		if err != nil {
			t.Fatal(err)
		}
		if a, b := within.Cells[0].Scenario.Proxy.Config, beside.Cells[0].Scenario.Proxy.Config; a == "" || a != b {
			t.Errorf("%s: the scenario has\n%s\nthe file\n%s", name, a, b)
		}
		// One that is there is not written over.
		if _, said, code := imported(t, "importer/testdata/"+name+".cfg", "--config", alone); code != exitUsage || !strings.Contains(said, "alone.cfg exists already; remove it, or choose another file with --config") {
			t.Errorf("exit code %d: %s", code, said)
		}
		// Nor is one written whose scenario cannot be.
		other := filepath.Join(t.TempDir(), "other.cfg")
		if _, said, code := imported(t, "importer/testdata/"+name+".cfg", "--config", other, "-o", alone); code != exitUsage || !strings.Contains(said, "with -o") {
			t.Errorf("exit code %d: %s", code, said)
		}
		if _, err := os.Stat(other); err == nil {
			t.Errorf("%s: the configuration was written without its scenario", name)
		}
	}
}
