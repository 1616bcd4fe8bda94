package config

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"bench/internal/testpeer"
)

// update rewrites the golden files and the generated manual page.
var update = flag.Bool("update", false, "rewrite golden files and generated documents")

func corpus(t testing.TB, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", dir, "*.cfg"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no configurations in testdata/%s: %v", dir, err)
	}
	return files
}

func loadFile(t *testing.T, path string) Diagnostics {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	cfg, diags := Load([]Source{{Name: filepath.Base(path), Text: text}}, testEnv())
	if (cfg == nil) != diags.HasErrors() {
		t.Errorf("a configuration and errors, or neither:\n%s", printed(diags))
	}
	return diags
}

// golden compares with a file beside the configuration.
func golden(t *testing.T, path, got string) {
	t.Helper()
	path = strings.TrimSuffix(path, ".cfg") + ".txt"
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestBad(t *testing.T) {
	for _, path := range corpus(t, "bad") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			diags := loadFile(t, path)
			if !diags.HasErrors() {
				t.Error("accepted")
			}
			for _, d := range diags {
				if d.Line < 1 || d.Col < 1 {
					t.Errorf("remark without position: %s", d.Error())
				}
			}
			golden(t, path, printed(diags))
		})
	}
}

func TestGood(t *testing.T) {
	for _, path := range corpus(t, "good") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			diags := loadFile(t, path)
			if diags.HasErrors() {
				t.Error("refused")
			}
			golden(t, path, printed(diags))
		})
	}
}

// onPurpose are the configurations on which the engine and HAProxy 2.6 are not
// meant to agree.
func onPurpose() map[string]string {
	const (
		lacking = "refused by name until the engine has it"
		ours    = "there, io_uring is not a poller"
	)
	return map[string]string{
		"bad/bind-not-yet":           lacking,
		"bad/tls-stats":              lacking,
		"bad/source-not-yet":         lacking,
		"bad/balance-not-yet":        lacking,
		"bad/keyword-not-yet":        lacking,
		"bad/name-header":            "there, a name that breaks the message is not looked at",
		"bad/use-backend-modes":      lacking,
		"bad/section-not-yet":        lacking,
		"bad/bad-number":             "there, what is not a number counts as zero",
		"good/poller":                ours,
		"good/bom":                   "some editors write a byte-order mark; there, it is part of the first word",
		"good/nbproc-one":            "old configurations go on working, with a warning",
		"good/inline-address":        "old configurations go on working, with a warning",
		"good/listen-inline-address": "old configurations go on working, with a warning",
	}
}

// TestLikeHAProxy compares accept or refuse with the real one.
func TestLikeHAProxy(t *testing.T) {
	haproxy := testpeer.Need(t, "haproxy")
	differs := onPurpose()
	for _, dir := range []string{"good", "bad"} {
		for _, path := range corpus(t, dir) {
			name := dir + "/" + strings.TrimSuffix(filepath.Base(path), ".cfg")
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				out, err := exec.Command(haproxy, "-c", "-f", path).CombinedOutput()
				agrees := (err == nil) == (dir == "good")
				if reason, ok := differs[name]; agrees == ok {
					t.Errorf("haproxy agrees: %v; listed as different: %v (%s)\n%s", agrees, ok, reason, out)
				}
			})
		}
	}
}
